"""A proxy is used where the environment names one, and costs nothing where it names none."""

from __future__ import annotations

import pytest

from segue_worker.gateway.proxy import has_proxy

_VARIABLES = ("http_proxy", "https_proxy", "no_proxy", "ws_proxy", "wss_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_a_proxy_the_environment_is_not_asked_again() -> None:
    """No variable, no proxy."""
    assert not has_proxy("https://discord.com/api/v10")


@pytest.mark.parametrize("url", ["https://discord.com/api/v10", "wss://gateway.discord.gg"])
def test_a_named_proxy_is_used_for_calls_and_sockets(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """HTTPS_PROXY counts for REST and for the gateway alike."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    assert has_proxy(url)


def test_an_exempt_host_is_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_PROXY wins over the proxy."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("NO_PROXY", "discord.com")
    assert not has_proxy("https://discord.com/api/v10")

from __future__ import annotations

from ipaddress import ip_network

import pytest

from segue_core.settings import BadSettingsError, load
from segue_worker.settings import WorkerSettings

GOOD = {
    "SEGUE_POSTGRES_DSN": "postgresql://segue:pg-secret@127.0.0.1:5432/segue",
    "SEGUE_DISCORD_TOKEN": "the-token",
    "SEGUE_LAVALINK_PASSWORD": "the-password",
    "SEGUE_ROUTER_TARGETS": "127.0.0.2:50051, 127.0.0.3:50051",
    "SEGUE_MEDIA_ALLOWED_NETWORKS": "127.0.0.0/8,fd00::/8",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A complete environment."""
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_what_pods_are_given_is_read(environment: pytest.MonkeyPatch) -> None:
    """Lists come comma-separated; what is left out has Discord's address and a 2 s lease."""
    environment.setenv("SEGUE_SHARDS_PER_WORKER", "4")
    settings = load(WorkerSettings)
    assert settings.router_targets == ("127.0.0.2:50051", "127.0.0.3:50051")
    assert settings.media_allowed_networks == (ip_network("127.0.0.0/8"), ip_network("fd00::/8"))
    assert (settings.shards_per_worker, settings.lease_ttl_ms) == (4, 2000)
    assert settings.discord_api_url == "https://discord.com/api/v10"
    assert settings.media_local_files is False


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SEGUE_DISCORD_TOKEN", " ", "empty"),
        ("SEGUE_ROUTER_TARGETS", "router", "is not host:port"),
        ("SEGUE_DISCORD_API_URL", "discord.com", "http"),
        ("SEGUE_POSTGRES_DSN", "mysql://a:pg-secret@b/c", "postgresql://"),
        ("SEGUE_LEASE_TTL_MS", "10", "1000"),
        ("SEGUE_SHARDS_PER_WORKER", "0", "1"),
        ("SEGUE_MEDIA_ALLOWED_NETWORKS", "10.0.0.1/8", "host bits"),
    ],
)
def test_a_bad_value_is_named_and_kept_secret(
    environment: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """Each bad variable is named with what is wrong; no secret is shown."""
    environment.setenv(name, value)
    with pytest.raises(BadSettingsError) as raised:
        load(WorkerSettings)
    assert name in str(raised.value)
    assert words in str(raised.value)
    assert "pg-secret" not in str(raised.value)


@pytest.mark.usefixtures("environment")
def test_secrets_are_not_printed() -> None:
    """The settings' repr shows neither token nor passwords."""
    shown = repr(load(WorkerSettings))
    assert all(secret not in shown for secret in ("the-token", "the-password", "pg-secret"))

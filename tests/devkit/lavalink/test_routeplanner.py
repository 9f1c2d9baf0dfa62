"""The route planner's setups, and what can be freed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from segue_devkit.lavalink.config import ConfigError, load
from segue_devkit.lavalink.errors import ApiError
from segue_devkit.lavalink.routeplanner import RoutePlanner, planner_config

if TYPE_CHECKING:
    from pathlib import Path

ENV = {"LAVALINK_SERVER_PASSWORD": "p"}


def planner(blocks: list[str], strategy: str, failing: list[str] | None = None) -> RoutePlanner:
    """A planner that must be possible."""
    config = planner_config(blocks, strategy, failing or [])
    assert config is not None
    return RoutePlanner(config)


@pytest.mark.parametrize(
    ("strategy", "name", "more"),
    [
        ("LoadBalance", "BalancingIpRoutePlanner", set()),
        ("NanoSwitch", "NanoIpRoutePlanner", {"currentAddressIndex"}),
        ("rotatingnanoswitch", "RotatingNanoIpRoutePlanner", {"currentAddressIndex", "blockIndex"}),
    ],
)
def test_each_strategy_has_its_own_figures(strategy: str, name: str, more: set[str]) -> None:
    """Names and fields of the protocol; the block by type and size, as text."""
    status = planner(["2001:db8::/48", "2001:db9::/48"], strategy).status()
    assert status["class"] == name
    details: dict[str, Any] = status["details"]
    assert details.keys() == {"ipBlock", "failingAddresses"} | more
    assert details["ipBlock"] == {"type": "Inet6Address", "size": str(2 * (1 << 80))}
    assert all(details[field].isdecimal() for field in more)


def test_a_rotating_planner_fails_before_its_first_address() -> None:
    """As a real one does: 500 with the words of a NullPointerException."""
    with pytest.raises(ApiError) as refused:
        planner(["10.0.0.0/24"], "RotateOnBan").status()
    assert refused.value.status == 500
    assert not refused.value.foreseen
    assert refused.value.message.endswith('RotatingIpRoutePlanner.getCurrentAddress()" is null')


def test_failing_addresses_are_freed() -> None:
    """One by one, whatever was not failing too, or all; a name that does not resolve is refused."""
    made = planner(["10.0.0.0/24"], "LoadBalance", ["10.0.0.7", "10.0.0.8", "10.0.0.9"])
    entry = made.status()["details"]["failingAddresses"][0]
    assert entry["failingAddress"] == "/10.0.0.7"
    assert re.fullmatch(r"\w{3} \w{3} \d\d \d\d:\d\d:\d\d UTC \d{4}", entry["failingTime"])
    assert entry["failingTimestamp"] > 1_700_000_000_000
    made.free("10.0.0.8")
    made.free("10.0.0.200")
    left = [one["failingAddress"] for one in made.status()["details"]["failingAddresses"]]
    assert left == ["/10.0.0.7", "/10.0.0.9"]
    with pytest.raises(ApiError) as refused:
        made.free("nonsense name")
    assert (refused.value.status, refused.value.message) == (
        400,
        "Invalid address: nonsense name: Name or service not known",
    )
    made.free_all()
    assert made.status()["details"]["failingAddresses"] == []


def test_it_is_read_from_the_configuration(tmp_path: Path) -> None:
    """A list in the file or numbered variables above it; none, and there is no planner."""
    (tmp_path / "application.yml").write_text(
        "lavalink: {server: {ratelimit: {ipBlocks: ['10.0.0.0/30'], strategy: LoadBalance}}}"
    )
    found = load(ENV | {"SEGUE_FAILING_ADDRESSES": "10.0.0.1"}, tmp_path).planner
    assert found is not None
    assert (RoutePlanner(found).status()["details"]["ipBlock"]["size"], found.failing) == ("4", ("10.0.0.1",))
    above = load(ENV | {"LAVALINK_SERVER_RATELIMIT_IPBLOCKS_0": "10.0.0.0/24"}, tmp_path).planner
    assert above is not None
    assert RoutePlanner(above).status()["details"]["ipBlock"]["size"] == "256"
    assert load(ENV, tmp_path / "elsewhere").planner is None


@pytest.mark.parametrize(
    ("blocks", "strategy", "words"),
    [
        (["10.0.0.0/24"], "Sometimes", "none of RotateOnBan, LoadBalance"),
        (["10.0.0.300/24"], "LoadBalance", "no CIDR notation"),
        (["10.0.0.0/24", "2001:db8::/64"], "LoadBalance", "mix IPv4 and IPv6"),
        (["10.0.0.0/8"], "NanoSwitch", "a /64 or more"),
        (["2001:db8::/65"], "RotatingNanoSwitch", "a /64 or more"),
    ],
)
def test_what_cannot_be_a_planner_ends_the_start(
    tmp_path: Path, blocks: list[str], strategy: str, words: str
) -> None:
    """In one line that names the place and the remedy."""
    env = ENV | {f"LAVALINK_SERVER_RATELIMIT_IPBLOCKS_{n}": block for n, block in enumerate(blocks)}
    with pytest.raises(ConfigError, match=words) as refused:
        load(env | {"LAVALINK_SERVER_RATELIMIT_STRATEGY": strategy}, tmp_path)
    assert str(refused.value).startswith("lavalink.server.ratelimit: ")


def test_a_single_block_is_no_list(tmp_path: Path) -> None:
    """Said in words."""
    (tmp_path / "application.yml").write_text("lavalink: {server: {ratelimit: {ipBlocks: 10.0.0.0/30}}}")
    with pytest.raises(ConfigError, match="a list is wanted"):
        load(ENV, tmp_path)

"""Which region a voice endpoint tells, and how far regions are apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.ids import RegionName
from segue_core.models import Topology, TopologyRegion
from segue_router.domain.regions import distance, home_of, host_of, prior_name

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("us-east1234.discord.media:443", "us-east"),
        ("US-EAST1234.discord.media:443", "us-east"),
        ("127.80.1.1:45123", "us-east"),
        ("127.80.2.1:45123", "rotterdam"),
        ("rotterdam9.discord.media", "rotterdam"),
        ("brazil42.discord.media:443", "brazil"),
        ("c-fra13-0a1b2c3d.discord.media:2053", "frankfurt"),
        ("c-gru02-deadbeef.discord.media:443", "brazil"),
    ],
)
def test_the_endpoint_tells_the_region(topology: Callable[..., Topology], endpoint: str, region: str) -> None:
    """Names as Discord gives them, the simulator's addresses by prefix, and names only the table knows."""
    home = home_of(endpoint, topology({}))
    assert home is not None
    assert home.region == region


@pytest.mark.parametrize(
    "endpoint", ["atlantis1.discord.media:443", "c-xyz01-ab.discord.media", "10.0.0.1:443", ":"]
)
def test_an_unknown_endpoint_has_no_region(topology: Callable[..., Topology], endpoint: str) -> None:
    """A name nobody knows is no error: the guild is placed all the same, just not by distance."""
    assert home_of(endpoint, topology({})) is None


def test_the_topology_overrules_the_table_and_the_longest_prefix_wins() -> None:
    """An operator who says that us-east endpoints belong to "atlantic" is believed."""
    regions = (
        TopologyRegion(name=RegionName("america"), voice_prefixes=("us-",)),
        TopologyRegion(name=RegionName("atlantic"), voice_prefixes=("us-east",)),
    )
    here = Topology(generation=1, num_shards=1, regions=regions)
    found = [home_of(f"{name}1.discord.media", here) for name in ("us-east", "us-west")]
    assert [home.region for home in found if home] == ["atlantic", "america"]


def test_distances_are_told_by_the_topology_then_by_the_map(topology: Callable[..., Topology]) -> None:
    """The operator's number counts, in either direction; known names have a place on the map; else None."""
    here = topology({})
    us, rotterdam, singapore = RegionName("us-east"), RegionName("rotterdam"), RegionName("singapore")
    assert distance(us, rotterdam, here) == 80.0
    assert distance(singapore, us, here) == 220.0
    brazil = RegionName("brazil")
    near, far = distance(brazil, us, here), distance(brazil, singapore, here)
    assert near is not None
    assert far is not None
    assert 0 < near < far
    assert distance(RegionName("mars"), us, here) is None


@given(st.text(max_size=300))
def test_no_endpoint_is_too_strange(endpoint: str) -> None:
    """Whatever Discord sends, reading it neither fails nor invents a name outside the table."""
    here = Topology(generation=1, num_shards=1)
    home = home_of(endpoint, here)
    assert home is None or home.region == prior_name(host_of(endpoint))


@given(
    st.sampled_from(["us-east", "brazil", "japan", "sydney", "frankfurt"]),
    st.integers(0, 99999),
    st.integers(1, 65535),
)
def test_digits_and_port_do_not_matter(name: str, number: int, port: int) -> None:
    """The server's number and its port never change the region."""
    home: Any = home_of(f"{name}{number}.discord.media:{port}", Topology(generation=1, num_shards=1))
    assert home.region == name

"""Where a voice server is: from the name Discord gives its endpoint, and the topology.

Discord documents neither the names nor that they tell a region. The topology's ``voice_prefixes`` are
the operator's word and come first; the table below is a prior for names seen in the wild, used when
the topology says nothing. A name in neither is an unknown region, never an error.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from segue_core.ids import RegionName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_core.models import Topology

# Names of Discord's voice regions, where they are (latitude, longitude), and the airport codes that
# endpoints of the form c-<code><number>-<hash>.discord.media carry for them.
_KNOWN: tuple[tuple[str, float, float, tuple[str, ...]], ...] = (
    ("us-east", 39.0, -77.5, ("iad",)),
    ("newark", 40.7, -74.2, ("ewr", "nyc")),
    ("atlanta", 33.7, -84.4, ("atl",)),
    ("us-central", 41.9, -87.6, ("ord",)),
    ("us-south", 32.8, -96.8, ("dfw",)),
    ("us-west", 37.4, -122.0, ("sjc", "lax", "sea")),
    ("montreal", 45.5, -73.6, ("yul", "yyz")),
    ("brazil", -23.5, -46.6, ("gru",)),
    ("santiago", -33.4, -70.7, ("scl",)),
    ("buenos-aires", -34.6, -58.4, ("eze",)),
    ("rotterdam", 51.9, 4.5, ("rtm", "ams")),
    ("frankfurt", 50.1, 8.7, ("fra",)),
    ("london", 51.5, -0.1, ("lhr",)),
    ("madrid", 40.4, -3.7, ("mad",)),
    ("milan", 45.5, 9.2, ("mil", "mxp")),
    ("stockholm", 59.3, 18.1, ("sto", "arn")),
    ("finland", 60.2, 24.9, ("hel",)),
    ("warsaw", 52.2, 21.0, ("waw",)),
    ("bucharest", 44.4, 26.1, ("buh", "otp")),
    ("russia", 55.8, 37.6, ("svo", "dme")),
    ("tel-aviv", 32.1, 34.8, ("tlv",)),
    ("dubai", 25.2, 55.3, ("dxb",)),
    ("dammam", 26.4, 50.1, ("dmm",)),
    ("india", 19.1, 72.9, ("bom", "maa")),
    ("singapore", 1.35, 103.8, ("sin",)),
    ("hongkong", 22.3, 114.2, ("hkg",)),
    ("south-korea", 37.6, 127.0, ("icn",)),
    ("japan", 35.7, 139.7, ("nrt", "tyo")),
    ("sydney", -33.9, 151.2, ("syd",)),
    ("southafrica", -26.2, 28.0, ("jnb",)),
)
_PLACES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {name: (lat, lon) for name, lat, lon, _ in _KNOWN}
)
_CODES: Mapping[str, str] = MappingProxyType({code: name for name, _, _, codes in _KNOWN for code in codes})

_CODED = re.compile(r"c-([a-z]{3})\d*-")
_NAMED = re.compile(r"([a-z]+(?:-[a-z]+)*)-?\d*")
_HALF_TURN_MS = 200.0
"""Round trip to the far side of the earth over real cables, about; scales a prior, promises nothing."""


@dataclass(frozen=True, slots=True)
class Home:
    """The region a voice endpoint asks for. It need not be one of the topology's."""

    region: RegionName


def host_of(endpoint: str) -> str:
    """Return the host of ``host`` or ``host:port`` in lower case."""
    host, colon, port = endpoint.strip().lower().rpartition(":")
    return host if colon and port.isdigit() else endpoint.strip().lower()


def home_of(endpoint: str, topology: Topology) -> Home | None:
    """Return the region of a voice endpoint: the topology's longest matching prefix, else the prior."""
    host = host_of(endpoint)
    matches = [
        (len(prefix), region.name)
        for region in topology.regions
        for prefix in region.voice_prefixes
        if prefix and host.startswith(prefix.lower())
    ]
    if matches:
        return Home(max(matches)[1])
    name = prior_name(host)
    if name is None:
        return None
    return Home(RegionName(name))


def prior_name(host: str) -> str | None:
    """Return the Discord region that an endpoint's host name tells, if it is a name we know."""
    coded = _CODED.match(host)
    if coded:
        return _CODES.get(coded.group(1))
    named = _NAMED.match(host.split(".", 1)[0])
    return named.group(1) if named and named.group(1) in _PLACES else None


def distance(home: RegionName, other: RegionName, topology: Topology) -> float | None:
    """Return how far ``other`` is from ``home``, about milliseconds of round trip; None if nobody knows.

    The topology's word counts first, in either direction; else the map, when both are known names.
    """
    if home == other:
        return 0.0
    backwards: float | None = None
    for region in topology.regions:
        if region.name == home and other in region.distances:
            return region.distances[other]
        if region.name == other:
            backwards = region.distances.get(home)
    return _mapped(home, other) if backwards is None else backwards


@lru_cache(maxsize=4096)
def _mapped(one: str, other: str) -> float | None:
    """Return the distance by the map: the share of half the earth's girth, as a round trip."""
    if one not in _PLACES or other not in _PLACES:
        return None
    (lat1, lon1), (lat2, lon2) = (
        (math.radians(lat), math.radians(lon)) for lat, lon in (_PLACES[one], _PLACES[other])
    )
    chord = (
        math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * math.asin(min(1.0, math.sqrt(chord))) / math.pi * _HALF_TURN_MS

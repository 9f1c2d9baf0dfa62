"""The route planner, as a client sees one that has not been used: no source here rotates addresses.

A real node marks an address as failing when YouTube refuses it. Here SEGUE_FAILING_ADDRESSES does, so that
freeing them has something to free.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from segue_devkit.lavalink.errors import ApiError, bad_request, broken

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_NANO: Final = 1 << 64
"""Addresses that a nano planner needs: an IPv6 /64."""
_CANNOT_PRINT: Final = (
    "Request processing failed: java.lang.NullPointerException: "
    'Cannot invoke "java.net.InetAddress.toString()" '
    'because the return value of "com.sedmelluq.lava.extensions.youtuberotator.planner.'
    'RotatingIpRoutePlanner.getCurrentAddress()" is null'
)


class Strategy(Enum):
    """What `lavalink.server.ratelimit.strategy` may be, with the class that answers call it by."""

    ROTATE_ON_BAN = ("rotateonban", "RotatingIpRoutePlanner")
    LOAD_BALANCE = ("loadbalance", "BalancingIpRoutePlanner")
    NANO_SWITCH = ("nanoswitch", "NanoIpRoutePlanner")
    ROTATING_NANO_SWITCH = ("rotatingnanoswitch", "RotatingNanoIpRoutePlanner")

    def __init__(self, key: str, java: str) -> None:
        self.key = key
        self.java = java


@dataclass(frozen=True, slots=True)
class PlannerConfig:
    """A planner that can be made; see `planner_config`."""

    strategy: Strategy
    blocks: tuple[_Network, ...]
    failing: tuple[str, ...] = ()


def planner_config(blocks: list[str], strategy: str, failing: list[str]) -> PlannerConfig | None:
    """The planner of a configuration; None without blocks.

    Raises:
        ValueError: in a form that finishes "… is": what is wrong.
    """
    if not blocks:
        return None
    kind = next((one for one in Strategy if one.key == strategy.strip().lower()), None)
    if kind is None:
        names = "RotateOnBan, LoadBalance, NanoSwitch or RotatingNanoSwitch"
        raise ValueError(f"strategy {strategy!r} is none of {names}")
    networks = tuple(_network(block) for block in blocks)
    if len({network.version for network in networks}) > 1:
        raise ValueError("ipBlocks mix IPv4 and IPv6")
    nano = kind in {Strategy.NANO_SWITCH, Strategy.ROTATING_NANO_SWITCH}
    if nano and (networks[0].version == 4 or _size(networks) < _NANO):  # noqa: PLR2004 - IPv4
        raise ValueError(f"{strategy} needs IPv6 blocks of a /64 or more")
    return PlannerConfig(kind, networks, tuple(str(ipaddress.ip_address(address)) for address in failing))


def _network(block: str) -> _Network:
    try:
        return ipaddress.ip_network(block.strip(), strict=False)
    except ValueError:
        raise ValueError(f"ip block {block!r} is no CIDR notation, such as 10.0.0.0/8") from None


def _size(networks: tuple[_Network, ...]) -> int:
    return sum(network.num_addresses for network in networks)


@dataclass(slots=True)
class RoutePlanner:
    """The addresses that are marked as failing, and the figures of a planner that is not used."""

    config: PlannerConfig
    started_ns: int = field(default_factory=time.monotonic_ns)
    _failing: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Mark what is to be failing from the start."""
        self._failing = dict.fromkeys(self.config.failing, int(time.time() * 1000))

    def status(self) -> dict[str, Any]:
        """The answer of GET /v4/routeplanner/status.

        Raises:
            ApiError: 500: a rotating planner can't say which address is its current one before it was used.
        """
        strategy, blocks = self.config.strategy, self.config.blocks
        if strategy is Strategy.ROTATE_ON_BAN:
            raise broken(_CANNOT_PRINT)
        details: dict[str, Any] = {
            "ipBlock": {"type": f"Inet{blocks[0].version}Address", "size": str(_size(blocks))},
            "failingAddresses": [_marked(address, at) for address, at in self._failing.items()],
        }
        passed = str(time.monotonic_ns() - self.started_ns)
        if strategy is Strategy.ROTATING_NANO_SWITCH:
            details["blockIndex"] = "0"
        if strategy is not Strategy.LOAD_BALANCE:
            details["currentAddressIndex"] = passed
        return {"class": strategy.java, "details": details}

    def free(self, address: str) -> None:
        """An address is no longer failing; fine if it was not.

        Raises:
            ApiError: 400: it is neither an address nor a name that resolves.
        """
        self._failing.pop(_resolved(address), None)

    def free_all(self) -> None:
        """No address is failing any more."""
        self._failing.clear()


def disabled() -> ApiError:
    """500 on purpose: there is no planner to free anything of."""
    return ApiError(500, "Can't access disabled route planner")


def _marked(address: str, at_ms: int) -> dict[str, Any]:
    when = time.strftime("%a %b %d %H:%M:%S UTC %Y", time.gmtime(at_ms / 1000))
    return {"failingAddress": f"/{address}", "failingTimestamp": at_ms, "failingTime": when}


def _resolved(address: str) -> str:
    try:
        # An empty name is this machine, to a JVM.
        found = socket.getaddrinfo(address or "localhost", None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        reason = f"Invalid address: {address}: Name or service not known"
        raise bad_request(reason) from None
    return str(found[0][4][0])

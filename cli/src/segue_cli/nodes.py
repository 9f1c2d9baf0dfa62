"""``segue nodes``: the Lavalink nodes as the audio router sees them."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, cast

import grpc
from cyclopts import Parameter
from rich.console import Console
from rich.table import Table

from segue_protos.router.v1 import router_pb2, router_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Sequence

    import cyclopts

TIMEOUT_S = 5.0
WIDE = 200
DEFAULT_TARGET = "127.0.0.1:50051"

_STYLES = {"ready": "green", "overloaded": "yellow", "unknown": "dim"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """A node as it is printed. Loads and ``frame_deficit`` are shares, 0.0 to 1.0; times milliseconds."""

    id: str
    region: str
    address: str
    state: str
    cordoned: bool
    draining: bool
    cordoned_by: str
    cordon_reason: str
    players: int
    playing_players: int
    reserved: int
    capacity: int | None
    system_load: float
    lavalink_load: float
    frame_deficit: float | None
    probe_ms: float | None
    seen_at_ms: int | None
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a router answered."""

    topology_generation: int
    nodes: tuple[NodeRow, ...]


class RouterUnavailableError(Exception):
    """No router could answer; the text says why, one line a router."""


def register(app: cyclopts.App) -> None:
    """Add ``nodes`` to the command line."""
    app.command(nodes, name="nodes")


def nodes(
    *,
    router: Annotated[str, Parameter(env_var="SEGUE_ROUTER_TARGETS")] = DEFAULT_TARGET,
    region: str = "",
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
) -> int:
    """Show the Lavalink nodes: where they are, how they are, and how full.

    Args:
        router: Routers to ask, host:port, separated by commas; the first that answers is believed.
        region: Only the nodes of this region.
        as_json: Print JSON for programs instead of a table.
    """
    try:
        listing = fetch([target.strip() for target in router.split(",") if target.strip()], region)
    except RouterUnavailableError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if as_json:
        sys.stdout.write(json.dumps(asdict(listing), indent=2) + "\n")
    else:
        # A pipe has no width: nothing is cut off for whoever reads it.
        Console(width=None if sys.stdout.isatty() else WIDE).print(table(listing))
    return 0


def fetch(targets: Sequence[str], region: str = "") -> Listing:
    """Ask the routers in turn.

    Raises:
        RouterUnavailableError: when none answers, or one says that the question is wrong.
    """
    failures: list[str] = []
    for target in targets:
        with grpc.insecure_channel(target) as channel:
            stub = router_pb2_grpc.AudioRouterStub(channel)
            try:
                answer = stub.ListNodes(router_pb2.ListNodesRequest(region=region), timeout=TIMEOUT_S)
            except grpc.RpcError as error:
                failures.append(f"{target}: {reason_of(error)}")
                continue
        rows = tuple(row(node) for node in answer.nodes)
        return Listing(topology_generation=answer.topology_generation, nodes=rows)
    raise RouterUnavailableError("\n".join(failures) or "no router to ask: give --router host:port")


def row(node: router_pb2.Node) -> NodeRow:
    """Return what is printed of a node. A state of a newer release is shown as unknown."""
    try:
        state = router_pb2.NodeState.Name(node.state).removeprefix("NODE_STATE_").lower()
    except ValueError:
        state = "unknown"
    return NodeRow(
        id=node.id,
        region=node.region,
        address=node.address,
        state="unknown" if state == "unspecified" else state,
        cordoned=node.cordoned,
        draining=node.draining,
        cordoned_by=node.cordoned_by,
        cordon_reason=node.cordon_reason,
        players=node.players,
        playing_players=node.playing_players,
        reserved=node.reserved,
        capacity=node.capacity or None,
        system_load=node.system_load,
        lavalink_load=node.lavalink_load,
        frame_deficit=node.frame_deficit if node.HasField("frame_deficit") else None,
        probe_ms=node.probe_ms if node.HasField("probe_ms") else None,
        seen_at_ms=node.seen_at_ms or None,
        version=node.version,
    )


def table(listing: Listing) -> Table:
    """Return the listing as people read it."""
    shown = Table(
        caption=f"topology generation {listing.topology_generation}",
        caption_justify="left",
        box=None,
        padding=(0, 1),
        pad_edge=False,
    )
    for name in ("NODE", "STATE", "VERSION", "ADDRESS"):
        shown.add_column(name, no_wrap=True)
    for name in ("PLAYERS", "RESERVED", "CPU", "LOST", "PROBE"):
        shown.add_column(name, justify="right", no_wrap=True)
    for node in listing.nodes:
        order = ", draining" if node.draining else ", cordoned" if node.cordoned else ""
        state = f"{node.state}{order}"
        style = _STYLES.get(node.state, "red")
        of = f" of {node.capacity}" if node.capacity else ""
        shown.add_row(
            node.id,
            f"[{style}]{state}[/{style}]",
            node.version or "-",
            node.address,
            f"{node.players}{of}",
            str(node.reserved),
            f"{node.system_load:.0%}",
            "-" if node.frame_deficit is None else f"{node.frame_deficit:.1%}",
            "-" if node.probe_ms is None else f"{node.probe_ms:.1f} ms",
        )
    return shown


def reason_of(error: grpc.RpcError) -> str:
    """Return why a call failed, in the router's words where it has some."""
    call = cast("grpc.Call", error)  # what a blocking stub raises is the call that failed
    if call.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"no answer within {TIMEOUT_S:g} s"
    return (call.details() or "").strip() or str(call.code().name)

"""``segue cordon``, ``uncordon`` and ``drain``: keep players away from a Lavalink node, or empty it."""

from __future__ import annotations

import getpass
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar, cast

import grpc
from cyclopts import Parameter, validators

from segue_cli.nodes import DEFAULT_TARGET, TIMEOUT_S, reason_of
from segue_cli.output import EXIT_FAILED, EXIT_OK, EXIT_WRONG, fail, print_json
from segue_protos.router.v1 import router_pb2, router_pb2_grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    import cyclopts

_T = TypeVar("_T")

Routers = Annotated[str, Parameter(name="--router", env_var="SEGUE_ROUTER_TARGETS")]
Json = Annotated[bool, Parameter(name="--json", negative="")]
Seconds = Annotated[float, Parameter(validator=validators.Number(gte=0))]

LOOK_S = 0.25
QUIET_S = 1.0
"""A node counts as empty when it has reported no players for so long: reports come twice a second."""
_WRONG = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND})


class OrderRefusedError(Exception):
    """No router carried it out; ``code`` is the exit code."""

    def __init__(self, words: str, code: int) -> None:
        super().__init__(words)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """How emptying a node went. ``players``: how many it had; ``left``: how many it still has."""

    node: str
    players: int
    left: int
    empty: bool
    seconds: float


def register(app: cyclopts.App) -> None:
    """Add the three commands."""
    for command in (cordon, uncordon, drain):
        app.command(command)


def cordon(
    node: str,
    *,
    reason: str = "",
    by: str | None = None,
    router: Routers = DEFAULT_TARGET,
    as_json: Json = False,
) -> int:
    """Keep new players away from a Lavalink node; those that play there stay. Ends a drain.

    Args:
        node: The node's name, as `segue nodes` shows it.
        reason: Why, for those who look later.
        by: Who orders it; your user name unless given.
        router: Routers to ask, host:port, separated by commas; the first that answers is believed.
        as_json: Print JSON for programs.
    """
    request = router_pb2.CordonRequest(node=node, by=by or _user(), reason=reason)
    try:
        answer = ask(router, lambda stub: stub.Cordon(request, timeout=TIMEOUT_S))
    except OrderRefusedError as error:
        return fail(str(error), error.code)
    if as_json:
        print_json({"node": node, "cordoned": True, "players": answer.node.players})
    else:
        sys.stdout.write(f"{node} takes no new players; {answer.node.players} play there\n")
    return EXIT_OK


def uncordon(node: str, *, router: Routers = DEFAULT_TARGET, as_json: Json = False) -> int:
    """Let a Lavalink node take players again. Ends a drain.

    Args:
        node: The node's name, as `segue nodes` shows it.
        router: Routers to ask, host:port, separated by commas; the first that answers is believed.
        as_json: Print JSON for programs.
    """
    request = router_pb2.UncordonRequest(node=node)
    try:
        answer = ask(router, lambda stub: stub.Uncordon(request, timeout=TIMEOUT_S))
    except OrderRefusedError as error:
        return fail(str(error), error.code)
    if as_json:
        print_json({"node": node, "cordoned": False, "was_cordoned": answer.uncordoned})
    else:
        sys.stdout.write(f"{node} takes players{'' if answer.uncordoned else ', as it did before'}\n")
    return EXIT_OK


def drain(
    node: str,
    *,
    reason: str = "",
    by: str | None = None,
    timeout: Seconds = 600.0,
    router: Routers = DEFAULT_TARGET,
    as_json: Json = False,
) -> int:
    """Move a Lavalink node's players to others, one after another, and wait until it is empty.

    Nobody hears more than a blink. The node stays cordoned: `segue uncordon` lets it take players again,
    and ends a drain that is under way.

    Args:
        node: The node's name, as `segue nodes` shows it.
        reason: Why, for those who look later.
        by: Who orders it; your user name unless given.
        timeout: Seconds to wait for it to be empty; the drain goes on after that. 0 does not wait.
        router: Routers to ask, host:port, separated by commas; the first that answers is believed.
        as_json: Print JSON for programs, once it is over.
    """
    request = router_pb2.DrainRequest(node=node, by=by or _user(), reason=reason)
    started = time.monotonic()
    try:
        first = ask(router, lambda stub: stub.Drain(request, timeout=TIMEOUT_S)).node
        left = _until_empty(router, node, first, started + timeout, None if as_json else _say)
    except OrderRefusedError as error:
        return fail(str(error), error.code)
    result = Drained(
        node=node,
        players=first.players,
        left=left,
        empty=left == 0,
        seconds=round(time.monotonic() - started, 3),
    )
    if as_json:
        sys.stdout.write(json.dumps(asdict(result)) + "\n")
    elif result.empty:
        sys.stdout.write(f"{node} is empty after {result.seconds:.1f} s; it stays cordoned\n")
    if not result.empty and timeout:
        return fail(
            f"{node} still has {left} players after {timeout:g} s: no other node that they may use has "
            "room, or they are in trouble; the drain goes on until `segue uncordon`"
        )
    return EXIT_OK


def ask(routers: str, call: Callable[[router_pb2_grpc.AudioRouterStub], _T]) -> _T:
    """Ask the routers in turn.

    Raises:
        OrderRefusedError: when none answers, or one says that the question is wrong.
    """
    failures: list[str] = []
    for target in (part.strip() for part in routers.split(",")):
        if not target:
            continue
        with grpc.insecure_channel(target) as channel:
            try:
                return call(router_pb2_grpc.AudioRouterStub(channel))
            except grpc.RpcError as error:
                words = reason_of(error)
                if cast("grpc.Call", error).code() in _WRONG:
                    raise OrderRefusedError(words, EXIT_WRONG) from None
                failures.append(f"{target}: {words}")
    raise OrderRefusedError("; ".join(failures) or "no router to ask: give --router host:port", EXIT_FAILED)


def _until_empty(
    routers: str, name: str, node: router_pb2.Node, deadline: float, say: Callable[[str], None] | None
) -> int:
    """Wait until the node has reported no players for a moment; return how many are left at the end."""
    told = -1
    empty_since: float | None = None
    while True:
        now = time.monotonic()
        left = node.players + node.reserved
        if say is not None and left != told:
            say(f"{name}: {left} players left")
            told = left
        empty_since = None if left else empty_since or now
        if empty_since is not None and now - empty_since >= QUIET_S:
            return 0
        if now >= deadline:
            return left
        time.sleep(LOOK_S)
        node = _look(routers, name)


def _look(routers: str, name: str) -> router_pb2.Node:
    request = router_pb2.ListNodesRequest()
    listing = ask(routers, lambda stub: stub.ListNodes(request, timeout=TIMEOUT_S))
    found = next((one for one in listing.nodes if one.id == name), None)
    if found is None:
        raise OrderRefusedError(f"{name} left the topology while it was drained", EXIT_FAILED)
    if not found.draining:
        raise OrderRefusedError(f"somebody ended the drain of {name}", EXIT_FAILED)
    return found


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "segue"  # a container's user may have no name

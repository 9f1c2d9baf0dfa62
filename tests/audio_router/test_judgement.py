"""How outcomes of probes become states: at once when certain, after a second look when not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.codec import decode, encode
from segue_core.ids import NodeId
from segue_core.redis.nodes import NodeReport, NodeState
from segue_router.domain.health import (
    Answered,
    Bounds,
    Denied,
    Foreign,
    Outcome,
    Refused,
    Silent,
    Stats,
    Unreachable,
    next_report,
    players_after,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

NODE = NodeId("us-east-0")


def answer(deficit: float | None = None, load: float = 0.1, players: int = 3) -> Answered:
    """Return a node's ordinary answer."""
    stats = Stats(
        players=players,
        playing_players=players,
        system_load=0.99,
        lavalink_load=load,
        frame_deficit=deficit,
        version="4.2.2",
    )
    return Answered(stats=stats, probe_ms=2.0)


def judged(outcomes: Sequence[Outcome]) -> list[NodeState]:
    """Return the state after each outcome."""
    report: NodeReport | None = None
    states = []
    for number, outcome in enumerate(outcomes):
        report = next_report(NODE, report, outcome, 1000 + number, Bounds())
        states.append(report.state)
    return states


READY, DEAD, HUNG = NodeState.READY, NodeState.DEAD, NodeState.HUNG


@pytest.mark.parametrize(
    ("outcomes", "states"),
    [
        ([answer()], [READY]),
        ([answer(), Refused("gone")], [READY, DEAD]),
        ([answer(), Silent("slow"), answer()], [READY, READY, READY]),
        ([answer(), Silent("slow"), Silent("slow")], [READY, READY, HUNG]),
        ([answer(), Unreachable("lost"), Unreachable("lost")], [READY, READY, DEAD]),
        ([answer(), Denied("403")], [READY, NodeState.MISCONFIGURED]),
        ([answer(), Foreign("500"), Foreign("500")], [READY, READY, NodeState.MISCONFIGURED]),
        ([Refused("gone"), answer(), answer()], [DEAD, DEAD, READY]),
        ([Refused("gone"), answer(), Refused("gone"), answer()], [DEAD, DEAD, DEAD, DEAD]),
        ([Silent("slow"), Unreachable("lost"), Silent("slow")], [HUNG, HUNG, HUNG]),
    ],
)
def test_states_follow_outcomes(outcomes: list[Outcome], states: list[NodeState]) -> None:
    """A refusal is certain; one slow answer, one lost connection and one good answer are not."""
    assert judged(outcomes) == states


def test_overload_is_entered_and_left_at_different_bounds() -> None:
    """A node that hovers at the bound does not flap: it leaves only well below where it entered."""
    over, between, under = answer(deficit=0.06), answer(deficit=0.03), answer(deficit=0.01)
    busy = NodeState.OVERLOADED
    assert judged([between, between, over, over, between, between, under, under]) == [
        READY, READY, READY, busy, busy, busy, busy, READY,
    ]  # fmt: skip
    assert judged([answer(load=0.97)]) == [busy]


def test_a_busy_machine_alone_is_no_overload() -> None:
    """System load counts in the score; players are kept away only when they would hear it."""
    assert judged([answer(deficit=0.0)]) == [READY]


def test_what_a_probe_did_not_learn_is_kept() -> None:
    """A hung node still shows its last version and players; a dead process has none."""
    seen = next_report(NODE, None, answer(), 1000, Bounds())
    hung = next_report(NODE, seen, Silent("slow"), 2000, Bounds())
    assert (hung.version, hung.players, hung.seen_at, hung.probed_at) == ("4.2.2", 3, 1000, 2000)
    dead = next_report(NODE, hung, Refused("gone"), 3000, Bounds())
    assert (dead.players, dead.version) == (0, "4.2.2")
    assert [players_after(one) for one in (answer(), Refused("x"), Silent("x"))] == [3, 0, None]


outcomes_of_any_kind = st.sampled_from(
    [answer(), answer(deficit=0.5), Refused("r"), Unreachable("u"), Silent("s"), Denied("d"), Foreign("f")]
)


@given(st.lists(outcomes_of_any_kind, min_size=1, max_size=30))
def test_two_alike_in_a_row_always_decide(outcomes: list[Outcome]) -> None:
    """Whatever came before, a node is what it was twice seen to be; and every report survives Redis."""
    alone = judged([outcomes[-1]])
    assert judged([*outcomes, outcomes[-1]])[-1] == alone[0]
    report = next_report(NODE, None, outcomes[0], 1, Bounds())
    assert decode(NodeReport, encode(report)) == report

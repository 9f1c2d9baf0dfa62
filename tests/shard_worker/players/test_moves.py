"""A shard's players of a lost node: asked for once, answered each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from segue_core.ids import ChannelId, GuildId, ItemId, NodeId, ShardId, TierName, UserId
from segue_core.models import PlayerSnapshot, QueueItem, Track, VoiceLink
from segue_worker.domain.state import GuildState
from segue_worker.players.moves import ShardMoves
from segue_worker.players.ports import MoveQuery, Placement, PlaceQuery

LOST = NodeId("us-east-0")
ENDPOINT = "us-east1.discord.example:443"


def guild(number: int) -> GuildState:
    """Return a guild that plays on the node that will be lost."""
    track = Track(encoded="e", identifier="i", title="t", author="a", length_ms=200_000, source="s")
    item = QueueItem(id=ItemId(f"{number}-0"), track=track, requester=UserId(1), requested_at=1)
    snapshot = PlayerSnapshot(guild=GuildId(number), node=LOST, current=item)
    voice = VoiceLink(channel=ChannelId(6), session="s", token="t", endpoint=ENDPOINT)
    return GuildState(snapshot=snapshot, voice=voice, live=True, audible=True)


def query(number: int, endpoint: str = ENDPOINT, excluded: tuple[NodeId, ...] = (LOST,)) -> PlaceQuery:
    """Return what the guild asks once it has noticed."""
    return PlaceQuery(
        guild=GuildId(number),
        shard=ShardId(0),
        endpoint=endpoint,
        tier=TierName("free"),
        excluded=excluded,
    )


@dataclass
class Desk:
    """Answers in the router's place: batches by what the test says, single guilds with "alone"."""

    answer: Callable[[int], Placement]
    batches: list[MoveQuery] = field(default_factory=list)
    singles: list[PlaceQuery] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def place(self, query: PlaceQuery) -> Placement:
        self.singles.append(query)
        return Placement(node=NodeId("alone"))

    async def replace(self, query: MoveQuery) -> dict[GuildId, Placement]:
        self.batches.append(query)
        self.asked.set()
        await asyncio.sleep(0)
        return {one.guild: self.answer(len(self.batches)) for one in query.players}

    async def release(self, guild: GuildId) -> None:
        raise AssertionError(f"nobody gives the place of {guild} back")


def moves_of(desk: Desk) -> ShardMoves:
    """Return a shard's moves."""
    return ShardMoves(ShardId(0), desk, lambda: (NodeId("us-east-1"),))


async def test_twenty_guilds_that_lose_their_node_are_one_call() -> None:
    """Each gets its answer when it asks; nobody asks for itself."""
    desk = Desk(lambda _: Placement(node=NodeId("us-east-1")))
    moves = moves_of(desk)
    moves.lost(LOST, [guild(number) for number in range(1, 21)])
    found = await asyncio.gather(*(moves.place(query(number)) for number in range(1, 21)))
    assert {one.node for one in found} == {"us-east-1"}
    (batch,) = desk.batches
    assert (batch.node, len(batch.players), batch.preferred) == (LOST, 20, ("us-east-1",))
    assert desk.singles == []
    await moves.close()


async def test_who_is_told_to_wait_is_asked_for_again() -> None:
    """Those that had to wait come again together, and only they."""

    def answer(batch: int) -> Placement:
        return Placement(node=NodeId("us-east-1")) if batch > 2 else Placement(node=None, retry_after_ms=20)

    desk = Desk(answer)
    moves = moves_of(desk)
    moves.lost(LOST, [guild(1), guild(2)])
    found = await asyncio.gather(moves.place(query(1)), moves.place(query(2)))
    assert {one.node for one in found} == {"us-east-1"}
    assert [len(batch.players) for batch in desk.batches] == [2, 2, 2]
    await moves.close()


async def test_an_answer_that_does_not_fit_any_more_is_not_taken() -> None:
    """Another voice server, another lost node, or a second question: the guild asks for itself."""
    desk = Desk(lambda _: Placement(node=NodeId("us-east-1")))
    moves = moves_of(desk)
    moves.lost(LOST, [guild(1), guild(2), guild(3)])
    assert (await moves.place(query(1, endpoint="rotterdam1.discord.example:443"))).node == "alone"
    assert (await moves.place(query(2, excluded=()))).node == "alone"
    assert (await moves.place(query(3))).node == "us-east-1"
    assert (await moves.place(query(3))).node == "alone"
    failed_there = (LOST, NodeId("us-east-1"))
    moves.lost(LOST, [guild(4)])
    assert (await moves.place(query(4, excluded=failed_there))).node == "alone"
    await moves.close()


async def test_nobody_waits_for_a_shard_that_is_let_go() -> None:
    """Closing answers those who still wait, even when nothing was asked yet."""
    desk = Desk(lambda _: Placement(node=None, retry_after_ms=60_000))
    moves = moves_of(desk)
    moves.lost(LOST, [guild(1)])
    waiting = asyncio.create_task(moves.place(query(1)))
    await desk.asked.wait()
    await moves.close()
    assert (await waiting).node == "alone"
    waiting = asyncio.create_task(moves.place(query(2)))
    moves.lost(LOST, [guild(2)])
    await moves.close()
    assert (await waiting).node == "alone"


async def test_guilds_without_music_are_not_asked_for() -> None:
    """A lost node without any player that is needed costs no call."""
    desk = Desk(lambda _: Placement(node=None))
    silent = replace(guild(1), snapshot=replace(guild(1).snapshot, current=None))
    moves = moves_of(desk)
    moves.lost(LOST, [silent])
    await moves.close()
    assert desk.batches == []

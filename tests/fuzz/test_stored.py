"""Values in Redis that somebody else wrote: read, or refused by name; one never hides the others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_core.codec import MalformedValueError, decode, encode
from segue_core.events import CommandApplied, DomainEvent, TrackEnded
from segue_core.ids import (
    ChannelId,
    CommandId,
    EventId,
    GuildId,
    ItemId,
    MessageId,
    NodeId,
    RegionName,
    TierName,
    UserId,
)
from segue_core.models import (
    GatewaySession,
    MessageRef,
    PlayerSnapshot,
    QueueItem,
    Topology,
    TopologyNode,
    TopologyRegion,
    TopologyTier,
    Track,
    VoiceLink,
)
from segue_core.redis.guilds import GuildStore
from segue_core.redis.nodes import NodeReport, NodeState
from segue_core.store import RawEvent, ServerSettings
from tests.fuzz.mutate import DEEP, as_text, mutated

if TYPE_CHECKING:
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from segue_core.store import Store

TRACK = Track(
    encoded="QAAA",
    identifier="x",
    title="Rain on Tin",
    author="The Tubes",
    length_ms=212_000,
    source="youtube",
    is_stream=False,
    is_seekable=True,
    uri="https://music.example/rain",
    artwork_url=None,
    isrc=None,
)
ITEM = QueueItem(id=ItemId("i-1"), track=TRACK, requester=UserId(6), requested_at=1_700_000_000_000)
VALUES: tuple[Any, ...] = (
    PlayerSnapshot(
        guild=GuildId(8),
        version=3,
        text_channel=ChannelId(7),
        current=ITEM,
        position_ms=1000,
        position_at=1_700_000_000_000,
        node=NodeId("us-east-0"),
        generation=4,
        now_playing=MessageRef(channel=ChannelId(7), message=MessageId(9)),
        listeners=(UserId(6),),
        played=(ITEM,),
    ),
    ITEM,
    VoiceLink(channel=ChannelId(7), session="s", token="t", endpoint="e"),
    GatewaySession(session_id="s", seq=5, resume_url="wss://x", user_id=UserId(1), num_shards=2, intents=129),
    Topology(
        generation=1,
        num_shards=2,
        regions=(TopologyRegion(name=RegionName("us-east"), voice_prefixes=("us-east",)),),
        nodes=(TopologyNode(id=NodeId("a"), region=RegionName("us-east"), address="10.0.0.1:2333"),),
        tiers=(TopologyTier(name=TierName("free")),),
    ),
    NodeReport(node=NodeId("a"), state=NodeState.READY, probed_at=1),
    ServerSettings(),
)
EVENTS = (
    DomainEvent(
        id=EventId("e1"),
        guild=GuildId(8),
        at=1_700_000_000_000,
        data=CommandApplied(user=UserId(7), command=CommandId("5"), name="play", summary="played"),
    ),
    DomainEvent(
        id=EventId("e2"),
        guild=GuildId(8),
        at=1_700_000_000_000,
        data=TrackEnded(
            track=TRACK,
            requester=UserId(7),
            channel=ChannelId(8),
            started_at=1_700_000_000_000,
            played_ms=1000,
            reason="finished",
        ),
    ),
)
DOCUMENTS = {type(value): json.loads(encode(value)) for value in VALUES}
NOW = 1_800_000_000_000


@given(
    st.sampled_from(sorted(DOCUMENTS, key=str)).flatmap(
        lambda kind: st.tuples(st.just(kind), mutated((DOCUMENTS[kind],)))
    )
)
def test_a_value_is_read_or_named_as_malformed(case: tuple[type[Any], Any]) -> None:
    """A stranger's snapshot, session, topology: read and writable again, or MalformedValueError."""
    kind, document = case
    try:
        value = decode(kind, as_text(document))
    except MalformedValueError as error:
        assert kind.__name__ in str(error)
        return
    assert decode(kind, encode(value)) == value
    if isinstance(value, PlayerSnapshot):
        assert value.position(NOW) >= 0


@given(st.sampled_from(sorted(DOCUMENTS, key=str)), st.binary(max_size=200) | st.sampled_from(DEEP))
def test_any_bytes_are_a_value_or_malformed(kind: type[Any], data: bytes | str) -> None:
    """Half a value, another's value, or no JSON at all."""
    try:
        decode(kind, data)
    except MalformedValueError as error:
        assert kind.__name__ in str(error)


@given(mutated(tuple(json.loads(encode(event)) for event in EVENTS)).map(as_text) | st.binary(max_size=200))
def test_an_event_is_always_kept(stored: str | bytes) -> None:
    """What stands in a stream is never lost for its shape: read as far as it can be, else kept as it is."""
    data = stored if isinstance(stored, bytes) else stored.encode()
    raw = RawEvent.parse(data, "cluster/1/1-1")
    assert raw.id
    assert isinstance(json.loads(raw.data), dict)


@pytest.mark.timeout(180)
@settings(max_examples=100)
@given(
    number=st.integers(0, 10**12),
    text=mutated(tuple(json.loads(encode(event)) for event in EVENTS)).map(as_text),
)
async def test_no_event_stops_the_store(store: Store, number: int, text: str) -> None:
    """A poisoned entry must not keep all that comes behind it from being stored, for ever."""
    poison = RawEvent.parse(text.encode(), f"cluster/1/{number}")
    good = DomainEvent(id=EventId(f"good-{number}"), guild=GuildId(8), at=NOW, data=EVENTS[0].data)
    await store.append_events([poison, RawEvent.of(good)])
    assert await store.append_events([good]) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"at": 10**17},
        {"at": 2**70},
        {"guild": 2**64},
        {"trace": "\x00"},
        {"trace": "\ud800"},
        {"id": "x" * 100_000},
        {"id": "\x00"},
        {"data": {"kind": "\x00", "deep": {"\x00": "\ud800"}}},
        {"data": {"kind": "x", "much": float("inf")}},
        {"data": {**json.loads(encode(EVENTS[0]))["data"], "user": 2**64}},
        {"data": {**json.loads(encode(EVENTS[0]))["data"], "summary": "\x00"}},
        {"data": {**json.loads(encode(EVENTS[1]))["data"], "played_ms": 2**64}},
        {"data": {**json.loads(encode(EVENTS[1]))["data"], "started_at": 2**70}},
    ],
    ids=lambda change: ascii(change)[:40],
)
async def test_known_poison_is_stored_as_far_as_it_can_be(store: Store, change: dict[str, Any]) -> None:
    """Numbers no column holds, dates no calendar has, text PostgreSQL refuses: what is behind is stored."""
    document = {**json.loads(encode(EVENTS[0])), **change}
    poison = RawEvent.parse(json.dumps(document).encode(), "cluster/1/1")
    good = DomainEvent(id=EventId("good"), guild=GuildId(8), at=NOW, data=EVENTS[0].data)
    await store.append_events([poison, good])
    assert await store.append_events([poison, good]) == 0
    kept = await store.events(limit=10)
    assert EventId("good") in {row.id for row in kept}
    assert len(kept) == 2


@settings(max_examples=60)
@given(document=mutated((DOCUMENTS[PlayerSnapshot],)), queue=mutated(([DOCUMENTS[QueueItem]],)))
async def test_one_guild_nobody_can_read_hides_no_other(
    redis: RedisClient, keys: Keys, document: Any, queue: Any
) -> None:
    """A takeover opens all guilds of a shard but those whose record is damaged."""
    store = GuildStore(redis, keys, 1)
    strange, sound = GuildId(1 << 22), GuildId(2 << 22)
    parts = [keys.partition_of(guild) for guild in (strange, sound)]
    for guild, part in zip((strange, sound), parts, strict=True):
        await redis.execute_command("ZADD", part.live, 0, guild)
    await redis.execute_command("HSET", parts[0].snapshot(strange), "data", as_text(document), "version", 3)
    await redis.execute_command("SET", parts[0].queue(strange), as_text(queue))
    await redis.execute_command("HSET", parts[1].snapshot(sound), "data", encode(VALUES[0]), "version", 3)
    assert (await store.load(sound)) is not None
    try:
        await store.load(strange)
    except MalformedValueError as error:
        assert str(int(strange)) in str(error)

"""Snapshots of the release before are read, since both write to one Redis during a rollout."""

from __future__ import annotations

from segue_core.codec import decode, encode
from segue_core.filters import PLAIN, Filters, Karaoke, Oscillation, Timescale
from segue_core.ids import GuildId, ItemId, UserId
from segue_core.models import LoopMode, PlayerSnapshot, QueueItem, Track

BEFORE_FILTERS = b"""{"guild":77,"version":5,"schema":1,"text_channel":500,"current":{"id":"9-0","track":{
"encoded":"QAAA","identifier":"x","title":"Nightdrive","author":"The Tubes","length_ms":200000,
"source":"catalogue","is_stream":false,"is_seekable":true,"uri":null,"artwork_url":null,"isrc":null},
"requester":1,"requested_at":1700000000000},"position_ms":1000,"position_at":1700000001000,
"started_at":1700000000000,"paused":false,"volume":80,"speed":1.0,"loop":"queue","node":"us-east-0",
"generation":3,"now_playing":{"channel":500,"message":900},"listeners":[1,2],"tier":"free"}"""


def test_a_snapshot_without_filters_and_history_is_read() -> None:
    """What the release before wrote means: no filters, nothing to go back to."""
    snapshot = decode(PlayerSnapshot, BEFORE_FILTERS)
    assert (snapshot.volume, snapshot.loop, snapshot.version) == (80, LoopMode.QUEUE, 5)
    assert (snapshot.filters, snapshot.played) == (PLAIN, ())


def test_filters_and_history_survive_redis() -> None:
    """Every filter is read back as it was written."""
    track = Track(encoded="e", identifier="i", title="t", author="a", length_ms=1, source="s")
    item = QueueItem(id=ItemId("1-0"), track=track, requester=UserId(1), requested_at=1)
    filters = Filters(
        equalizer=(0.25, -0.1),
        timescale=Timescale(speed=1.2, pitch=1.1, rate=0.9),
        karaoke=Karaoke(),
        tremolo=Oscillation(frequency=4.0, depth=0.5),
        vibrato=Oscillation(frequency=2.0, depth=1.0),
        rotation_hz=0.2,
    )
    snapshot = PlayerSnapshot(guild=GuildId(1), filters=filters, speed=filters.speed, played=(item,))
    assert decode(PlayerSnapshot, encode(snapshot)) == snapshot

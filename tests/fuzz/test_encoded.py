"""The stand-in's reader of ``encoded`` tracks: a track, or BadTrackError."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.lavalink.tracks import BadTrackError, Track, decode, encode
from tests.fuzz.mutate import texts

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
longs = st.integers(-(2**63), 2**63 - 1)
tracks = st.builds(
    Track,
    identifier=words,
    title=words,
    author=words,
    length_ms=longs,
    source=st.sampled_from(("youtube", "http", "local", "")),
    is_stream=st.booleans(),
    uri=st.none() | words,
    artwork=st.none() | words,
    isrc=st.none() | words,
    position_ms=longs,
)


@given(tracks)
def test_what_is_written_is_read_back(track: Track) -> None:
    """Any title in any script survives, NUL and characters beyond the first plane included."""
    read = decode(encode(track))
    assert (read.title, read.author, read.identifier) == (track.title, track.author, track.identifier)
    assert (read.length_ms, read.position_ms, read.is_stream) == (
        track.length_ms,
        track.position_ms,
        track.is_stream,
    )
    assert (read.uri, read.artwork, read.isrc) == (track.uri, track.artwork, track.isrc)


@given(texts | st.binary(max_size=200).map(lambda data: base64.b64encode(data).decode()))
def test_any_text_is_a_track_or_refused(text: str) -> None:
    """Not base64, cut short, of another version, or bytes of nothing: always the same typed error."""
    try:
        decode(text)
    except BadTrackError as error:
        assert str(error)


@given(tracks, st.data())
def test_damage_is_a_track_or_refused(track: Track, data: st.DataObject) -> None:
    """A byte changed or the end cut off."""
    raw = bytearray(base64.b64decode(encode(track)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    try:
        decode(base64.b64encode(bytes(raw[:cut])).decode())
    except BadTrackError as error:
        assert str(error)

"""Encoded tracks, byte for byte as a real node writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.lavalink import tracks
from segue_devkit.lavalink.tracks import BadTrackError, Track

RECORDED = {
    "QAAAcgMADVVua25vd24gdGl0bGUADlVua25vd24gYXJ0aXN0AAAAAAAADZIAFy9tZWRpYS90cmFja3Mvc2hvcnQubXAzAAEAFy9tZWRp"
    "YS90cmFja3Mvc2hvcnQubXAzAAAABWxvY2FsAANtcDMAAAAAAAALfA==": Track(
        identifier="/media/tracks/short.mp3",
        title="Unknown title",
        author="Unknown artist",
        length_ms=3474,
        source="local",
        uri="/media/tracks/short.mp3",
        probe="mp3",
        position_ms=2940,
    ),
    "QAAAYAMACExhYiBUb25lAANTb3gAAAAAAAB1SAAWL21lZGlhL3RyYWNrcy90b25lLm1wMwABABYvbWVkaWEvdHJhY2tzL3RvbmUubXAz"
    "AAAABWxvY2FsAANtcDMAAAAAAAAAAA==": Track(
        identifier="/media/tracks/tone.mp3",
        title="Lab Tone",
        author="Sox",
        length_ms=30024,
        source="local",
        uri="/media/tracks/tone.mp3",
        probe="mp3",
    ),
    "QAAAfQMADVVua25vd24gdGl0bGUADlVua25vd24gYXJ0aXN0AAAAAAAAdTAAHWh0dHA6Ly8xMjcuMC4wLjE6ODk5Ny9jdXQud2F2AAEA"
    "HWh0dHA6Ly8xMjcuMC4wLjE6ODk5Ny9jdXQud2F2AAAABGh0dHAAA3dhdgAAAAAAAAAA": Track(
        identifier="http://127.0.0.1:8997/cut.wav",
        title="Unknown title",
        author="Unknown artist",
        length_ms=30000,
        source="http",
        uri="http://127.0.0.1:8997/cut.wav",
        probe="wav",
    ),
}


@pytest.mark.parametrize("encoded", RECORDED)
def test_recorded_tracks_are_read_and_written_the_same(encoded: str) -> None:
    """Decoding gives the recorded fields, encoding the recorded bytes."""
    assert tracks.decode(encoded) == RECORDED[encoded]
    assert tracks.encode(RECORDED[encoded]) == encoded


WORDS = st.text(max_size=40)


@given(
    st.builds(
        Track,
        identifier=WORDS,
        title=WORDS,
        author=WORDS,
        length_ms=st.integers(0, tracks.MAX_LONG),
        source=st.just("catalogue"),
        is_stream=st.booleans(),
        uri=st.none() | WORDS,
        artwork=st.none() | WORDS,
        isrc=st.none() | WORDS,
        position_ms=st.integers(0, 1 << 40),
    )
)
def test_every_track_survives_the_round_trip(track: Track) -> None:
    """Whatever the title holds: NULs, emoji, other scripts."""
    assert tracks.decode(tracks.encode(track)) == track


@given(st.text(max_size=60) | st.sampled_from(["AAAA", "QAAA", "", "QAAAcgMADVVu"]))
def test_rubbish_is_refused(text: str) -> None:
    """Anything else is a BadTrackError, never another exception."""
    with pytest.raises(BadTrackError):
        tracks.decode(text)

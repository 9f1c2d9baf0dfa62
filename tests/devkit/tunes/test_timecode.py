"""The timecode: written into every tune, read from whatever is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_devkit.tunes import catalogue, timecode

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECOND = timecode.RATE
WINDOW = SECOND * 13 // 10


@given(
    song=st.integers(1, timecode.MAX_SONG),
    start=st.integers(0, 300 * SECOND),
    gain=st.floats(0.1, 2.0),
)
@settings(max_examples=40, deadline=None)
def test_reads_back_what_was_written(song: int, start: int, gain: float) -> None:
    """Without a codec the position is exact to a millisecond, wherever the window begins."""
    mark = timecode.read(timecode.write(song, start, WINDOW) * np.float32(gain))
    assert mark is not None
    assert mark.song_id == song
    assert mark.position_ms == pytest.approx(start * 1000 / SECOND, abs=1.5)


@given(start=st.integers(0, 3_000_000), count=st.integers(1, 4_000), cut=st.integers(0, 4_000))
@settings(max_examples=60, deadline=None)
def test_any_stretch_equals_the_same_part_of_the_whole(start: int, count: int, cut: int) -> None:
    """Writing in pieces gives the same samples as writing at once, so seeking and streaming agree."""
    whole = timecode.write(7, start, count)
    cut = min(cut, count)
    parts = [timecode.write(7, start, cut)] if cut else []
    parts += [timecode.write(7, start + cut, count - cut)] if cut < count else []
    assert np.array_equal(whole, np.concatenate(parts))


@pytest.mark.parametrize("bit_rate", [64_000, 96_000, 128_000])
@pytest.mark.parametrize("gain", [0.1, 1.0, 2.0])
@pytest.mark.parametrize("lost", [0.0, 0.03])
def test_survives_opus_volume_and_loss(through_opus, bit_rate: int, gain: float, lost: float) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """Heard through Opus, at any volume and with frames missing: the right song within 20 ms."""
    tune = catalogue.tunes()[(bit_rate // 32_000) % 5]
    start = 11 * SECOND
    heard = through_opus(tune.sound().render(start, 6 * SECOND), bit_rate, gain, lost)
    for offset in range(0, 4 * SECOND, 17_777):
        mark = timecode.read(heard[offset : offset + WINDOW])
        assert mark is not None
        assert mark.song_id == tune.song_id
        assert mark.position_ms == pytest.approx((start + offset) * 1000 / SECOND, abs=20)


def _noise(level: float) -> NDArray[np.float32]:
    return (level * np.random.default_rng(3).standard_normal(3 * SECOND)).astype(np.float32)


@pytest.mark.parametrize(
    "sound",
    [np.zeros(3 * SECOND, dtype=np.float32), _noise(0.2), np.zeros(100, dtype=np.float32)],
    ids=["silence", "noise", "too short"],
)
def test_sound_without_a_timecode_is_no_song(sound: NDArray[np.float32]) -> None:
    """Silence, other sound and too little sound give None, never a guess."""
    assert timecode.read(sound) is None


@pytest.mark.parametrize("song", [0, -1, timecode.MAX_SONG + 1])
def test_a_song_number_that_does_not_fit_is_refused(song: int) -> None:
    """A number that no word can hold is an error, not another song's code."""
    with pytest.raises(ValueError, match="outside"):
        timecode.write(song, 0, 100)

"""Filters that are heard, read from the decoded sound; and what is echoed of the rest."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.lavalink.audio.graph import BAND_HZ, GraphReader, chain, pace, unheard
from segue_devkit.lavalink.audio.library import Library
from segue_devkit.lavalink.audio.voicing import voicing_of
from segue_devkit.lavalink.errors import ApiError
from segue_devkit.lavalink.filters import parse
from segue_devkit.lavalink.sources import Sources
from segue_devkit.tunes import catalogue, timecode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

RATE = 48_000
TUNE = catalogue.tunes()[0]
NONE: frozenset[str] = frozenset()


@pytest.fixture(scope="module")
def library() -> Iterator[Library]:
    """A library that is closed afterwards."""
    made = Library(Sources(http=False, local=False, tunes_url=None))
    yield made
    made.close()


def heard(library: Library, filters: dict[str, Any], start: int, count: int, volume: int = 100) -> Sound:
    """Frames of the tune under filters, encoded and decoded again; shape (2, n)."""
    track = Sources(http=False, local=False, tunes_url=None).load(TUNE.identifier).track
    assert track is not None
    book = library.take(track, voicing_of(volume, parse(filters, NONE)))
    codec = av.AudioCodecContext.create("libopus", "r")
    codec.sample_rate, codec.layout = RATE, "stereo"
    resampler = av.AudioResampler("fltp", "stereo", RATE)
    out: list[Sound] = []
    deadline = time.monotonic() + 30
    number = start
    while number < start + count:
        book.want(number, time.monotonic())
        if (frame := book.frame(number)) is None:
            assert book.error is None
            assert time.monotonic() < deadline
            threading.Event().wait(0.002)
            continue
        number += 1
        for decoded in codec.decode(av.Packet(frame)):
            out += [one.to_ndarray().astype(np.float32) for one in resampler.resample(decoded)]
    library.give_back(book)
    return np.concatenate(out, axis=1)


def measured_pace(sound: Sound, setting: float) -> float:
    """Seconds of the tune in a second of sound, by its timecode at two places."""
    mono = sound.mean(axis=0)
    window = int(1.6 * RATE)
    marks = [timecode.read(mono[at : at + window], setting) for at in (RATE // 10, len(mono) - window)]
    first, last = marks
    assert first is not None
    assert last is not None
    assert {first.song_id, last.song_id} == {TUNE.song_id}
    return (last.position_ms - first.position_ms) * RATE / 1000 / (len(mono) - window - RATE // 10)


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.25])
def test_speed_is_heard_as_pace(library: Library, speed: float) -> None:
    """Timescale's speed moves through the tune as much faster, at the same pitch."""
    sound = heard(library, {"timescale": {"speed": speed}}, 100, 300)
    assert measured_pace(sound, speed) == pytest.approx(speed, rel=0.01)


def test_a_place_in_a_faster_track_is_where_it_says(library: Library) -> None:
    """The hundredth frame at a speed of 1.25 is 2.5 s into the tune; also after a jump."""
    for start in (100, 400):
        mono = heard(library, {"timescale": {"speed": 1.25}}, start, 100).mean(axis=0)
        mark = timecode.read(mono, 1.25)
        assert mark is not None
        assert mark.position_ms == pytest.approx(start * 20 * 1.25, abs=60)


def test_rate_moves_pitch_and_pace(library: Library) -> None:
    """Played back by as much more slowly, it is the tune as it was."""
    sound = heard(library, {"timescale": {"rate": 1.25}}, 100, 250)
    slow = GraphReader(Given(sound), chain({"timescale": {"speed": 1.0, "pitch": 1.0, "rate": 0.8}}), 0.8)
    assert measured_pace(slow.read(int(sound.shape[1] * 1.24)), 1.0) == pytest.approx(1.0, rel=0.01)


def test_pitch_alone_keeps_the_pace() -> None:
    """A tone of 1000 Hz is heard at 1500 Hz, for as long as before."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE) / RATE).astype(np.float32)
    steps = chain({"timescale": {"speed": 1.0, "pitch": 1.5, "rate": 1.0}})
    out = GraphReader(Given(np.stack([tone, tone])), steps, 1.0).read(4 * RATE)
    assert out.shape[1] == pytest.approx(2 * RATE, rel=0.02)
    spectrum = np.abs(np.fft.rfft(out[0, 10_000 : 10_000 + RATE]))
    assert int(spectrum.argmax()) == pytest.approx(1500, abs=5)


class Given:
    """A reader of sound that is there already."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self._at = 0

    def seek(self, sample: int) -> None:
        self._at = sample

    def read(self, count: int) -> Sound:
        out = self._sound[:, self._at : self._at + count]
        self._at += out.shape[1]
        return out

    def close(self) -> None:
        """Nothing to let go of."""


def level(sound: Sound, low: float, high: float) -> float:
    """How loud a stretch of the spectrum is."""
    spectrum = np.abs(np.fft.rfft(sound[0])) ** 2
    hertz = np.fft.rfftfreq(sound.shape[1], 1 / RATE)
    return float(np.sqrt(spectrum[(hertz > low) & (hertz < high)].sum()))


@pytest.mark.parametrize(("band", "gain", "factor"), [(7, 0.25, 2.0), (7, -0.125, 0.5), (5, 0.5, 3.0)])
def test_the_equalizer_changes_its_band(library: Library, band: int, gain: float, factor: float) -> None:
    """The energy around a band's frequency, of decoded sound, is multiplied; two octaves off it is not."""
    hertz = BAND_HZ[band]
    plain = heard(library, {}, 400, 200)
    shaped = heard(library, {"equalizer": [{"band": band, "gain": gain}]}, 400, 200)
    there, off = (hertz * 0.94, hertz * 1.06), (hertz * 5, hertz * 8)
    assert level(shaped, *there) / level(plain, *there) == pytest.approx(factor, rel=0.15)
    assert level(shaped, *off) / level(plain, *off) == pytest.approx(1.0, rel=0.15)


def test_a_band_can_be_muted(library: Library) -> None:
    """A gain of -0.25 leaves almost nothing of it."""
    hertz = BAND_HZ[7]
    plain = heard(library, {}, 400, 200)
    muted = heard(library, {"equalizer": [{"band": 7, "gain": -0.25}]}, 400, 200)
    around = (hertz * 0.97, hertz * 1.03)
    assert level(muted, *around) / level(plain, *around) < 0.1


def test_tremolo_swings(library: Library) -> None:
    """At 4 Hz and a depth of 0.9 the loudness goes up and down four times a second."""
    plain = heard(library, {}, 400, 200)
    swung = heard(library, {"tremolo": {"frequency": 4.0, "depth": 0.9}}, 400, 200)
    piece = RATE // 50
    loudness = [
        np.sqrt((sound[0, : 200 * piece].reshape(200, piece) ** 2).mean(axis=1)) + 1e-6
        for sound in (plain, swung)
    ]
    ratio = loudness[1] / loudness[0]
    swing = np.abs(np.fft.rfft(ratio - ratio.mean()))
    assert int(swing[1:].argmax()) + 1 == 16


@pytest.mark.parametrize(("volume", "filters", "factor"), [(50, {}, 0.416), (100, {"volume": 0.5}, 0.5)])
def test_volume_is_heard(library: Library, volume: int, filters: dict[str, Any], factor: float) -> None:
    """The player's volume by lavaplayer's curve, the filter's as a factor."""
    plain, soft = heard(library, {}, 400, 100), heard(library, filters, 400, 100, volume)
    assert soft.std() / plain.std() == pytest.approx(factor, rel=0.05)


def test_low_pass_takes_the_highs(library: Library) -> None:
    """A smoothing of 20 leaves the bass and takes what is high."""
    plain, dull = heard(library, {}, 400, 100), heard(library, {"lowPass": {"smoothing": 20.0}}, 400, 100)
    assert level(dull, 40, 150) / level(plain, 40, 150) > 0.8
    assert level(dull, 3000, 6000) / level(plain, 3000, 6000) < 0.2


def test_channels_are_mixed(library: Library) -> None:
    """Left only on both sides."""
    mix = {"leftToLeft": 1, "leftToRight": 1, "rightToLeft": 0, "rightToRight": 0}
    sound = heard(library, {"channelMix": mix}, 400, 50)
    assert np.abs(sound[0] - sound[1]).max() < 0.02


@pytest.mark.parametrize(
    "filters",
    [
        {"timescale": {"speed": 0}}, {"timescale": {"pitch": -1}}, {"timescale": {"speed": 1e7}},
        {"tremolo": {"frequency": 0}}, {"tremolo": {"depth": 2}}, {"vibrato": {"frequency": -1}},
        {"rotation": {"rotationHz": 0}}, {"lowPass": {"smoothing": 0}}, {"equalizer": []}, {"volume": -1},
        {"equalizer": [{"band": 3, "gain": 0}]}, {"karaoke": {}}, {"distortion": {}},
    ],
)  # fmt: skip
def test_what_cannot_be_played_changes_nothing(filters: dict[str, Any]) -> None:
    """Numbers outside what the graph takes are echoed, and the sound is left alone."""
    parsed = parse(filters, NONE)
    assert parsed.echo
    assert parsed.chain == ()
    assert parsed.speed == 1.0


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "timescale": st.fixed_dictionaries(
                {name: st.floats(0.05, 20) for name in ("speed", "pitch", "rate")}
            ),
            "tremolo": st.fixed_dictionaries({"frequency": st.floats(-1, 30), "depth": st.floats(-1, 2)}),
            "vibrato": st.fixed_dictionaries({"frequency": st.floats(-1, 30), "depth": st.floats(-1, 2)}),
            "rotation": st.fixed_dictionaries({"rotationHz": st.floats(-200, 200)}),
            "lowPass": st.fixed_dictionaries({"smoothing": st.floats(-5, 1e6)}),
            "channelMix": st.fixed_dictionaries(
                {
                    name: st.floats(-5, 5)
                    for name in ("leftToLeft", "leftToRight", "rightToLeft", "rightToRight")
                }
            ),
            "equalizer": st.lists(
                st.fixed_dictionaries({"band": st.integers(0, 14), "gain": st.floats(-2, 5)}), max_size=15
            ),
        },
    ),
    st.sampled_from([0, 1, 7, 960, 4799, 4800, 5000, 20_011]),
)
def test_every_graph_can_be_made_and_gives_sound(filters: dict[str, Any], samples: int) -> None:
    """Whatever a client sets, the graph is accepted, and a sound of any length goes through it and ends."""
    parsed = parse(filters, NONE)
    if not parsed.chain:
        return
    reader = GraphReader(Given(np.full((2, samples), 0.1, dtype=np.float32)), parsed.chain, parsed.speed)
    while (sound := reader.read(RATE)).shape[1] == RATE:
        assert sound.dtype == np.float32
    assert reader.read(10).shape[1] == 0


def test_numbers_have_the_width_of_a_real_nodes() -> None:
    """32 bits for most, 64 for timescale and rotation; text that is a number is one."""
    echo = parse(
        {"volume": 0.123456789, "timescale": {"speed": "1.123456789"}, "tremolo": {"depth": "0.1"}}, NONE
    ).echo
    assert echo["volume"] == 0.12345679
    assert echo["timescale"]["speed"] == 1.123456789
    assert echo["tremolo"] == {"frequency": 2.0, "depth": 0.1}


@pytest.mark.parametrize(
    "filters",
    [
        {"volume": None}, {"volume": 1e39}, {"volume": True}, {"volume": "loud"}, {"equalizer": None},
        {"equalizer": [{"gain": 1}]}, {"equalizer": [{"band": 1.5, "gain": 0}]}, {"pluginFilters": 5},
        {"karaoke": {"level": None}}, {"timescale": {"speed": float("inf")}}, [],
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(filters: Any) -> None:
    """A bare 400."""
    with pytest.raises(ApiError) as refused:
        parse(filters, NONE)
    assert (refused.value.status, refused.value.message) == (400, "Bad Request")


def test_what_is_not_heard_is_named() -> None:
    """The log says which filters a listener will miss."""
    assert unheard({"karaoke": {}, "tremolo": {"frequency": 2.0, "depth": 0.5}}) == ("karaoke",)
    assert unheard({"timescale": {"speed": 0.0, "pitch": 1.0, "rate": 1.0}}) == ("timescale",)
    assert pace({"timescale": {"speed": 1.2, "pitch": 2.0, "rate": 0.5}}) == pytest.approx(0.6)

"""The catalogue: deterministic, searchable, and listenable."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.tunes import artwork, catalogue, composer, timecode


def test_dozens_of_tunes_each_with_a_name_of_its_own() -> None:
    """At least three dozen tunes between 20 s and 5 min, no two with one number, name or sound."""
    tunes = catalogue.tunes()
    assert len(tunes) >= 36
    assert len({tune.identifier for tune in tunes}) == len(tunes)
    assert len({tune.seed for tune in tunes}) == len(tunes)
    assert all(20_000 <= tune.length_ms <= 300_000 for tune in tunes)
    assert all(tune.length_ms <= timecode.MAX_LENGTH_MS for tune in tunes)


@given(st.text(max_size=60))
def test_every_search_finds_something_and_the_same_again(query: str) -> None:
    """Whatever is asked for, there is an answer, and it does not change."""
    found = catalogue.search(query)
    assert found
    assert found == catalogue.search(query)


@pytest.mark.parametrize("query", ["lantern waltz", "Lantern  WALTZ!", "paper boats lantern waltz"])
def test_a_title_is_found_by_its_words(query: str) -> None:
    """The tune whose words fit best comes first."""
    assert catalogue.search(query)[0].title == "Lantern Waltz"


def test_found_by_number_and_by_slug() -> None:
    """A tune is found by its number and by its slug; an unknown one is None."""
    tune = catalogue.tunes()[4]
    assert catalogue.by_id(tune.song_id) is tune
    assert catalogue.by_identifier(tune.identifier) is tune
    assert catalogue.by_identifier(str(tune.song_id)) is tune
    assert catalogue.by_id(0) is None
    assert catalogue.by_id(10_000) is None
    assert catalogue.by_identifier("no-such-tune") is None


def test_any_stretch_of_a_tune_is_the_same_sound_as_in_the_whole() -> None:
    """Seeking lands in the same music that playing through reaches, sample for sample."""
    sound = catalogue.tunes()[3].sound()
    whole = sound.render(40_000, 100_000)
    parts = [sound.render(start, 20_000) for start in range(40_000, 140_000, 20_000)]
    assert np.allclose(whole, np.concatenate(parts, axis=1), atol=1e-6)


def test_a_tune_is_music_that_never_clips_and_ends_on_time() -> None:
    """Sound is audible, below half of full scale (volume 200 stays clean), as long as said."""
    for tune in catalogue.tunes()[:6]:
        sound = tune.sound()
        heard = sound.render(8 * 48_000, 5 * 48_000)
        assert 0.03 < float(heard.std()) < 0.25
        assert float(np.abs(heard).max()) <= 0.5
        assert sound.samples == tune.length_ms * 48
        assert sound.render(sound.samples - 10, 100).shape == (2, 10)
        assert sound.render(sound.samples + 10, 100).shape == (2, 0)


def test_the_band_of_the_timecode_is_left_free_by_the_music() -> None:
    """What the orchestra plays in the timecode's band is far weaker than the timecode."""
    tune = catalogue.tunes()[1]
    start, count = 20 * 48_000, 4 * 48_000
    music = tune.sound().render(start, count)[0] - timecode.write(tune.song_id, start, count)
    power = np.abs(np.fft.rfft(music * np.hanning(count))) ** 2
    hertz = np.fft.rfftfreq(count, 1 / 48_000)
    band = (hertz >= timecode.BAND_LOW_HZ - 100) & (hertz <= timecode.BAND_HIGH_HZ + 100)
    assert power[band].sum() < 1e-4 * power.sum()


@given(st.integers(0, 10_000), st.integers(20_000, 300_000))
def test_composing_is_deterministic_and_stays_inside_the_length(seed: int, length_ms: int) -> None:
    """One seed, one score; every note begins before the end."""
    score = composer.compose(seed, length_ms)
    assert score == composer.compose(seed, length_ms)
    assert all(0 <= note.at < score.samples for note in score.notes)


def test_every_cover_is_a_picture_with_the_title() -> None:
    """Artwork is well-formed SVG that names the tune, whatever signs the title holds."""
    for tune in catalogue.tunes():
        root = ET.fromstring(artwork.svg(tune))  # noqa: S314 - our own drawing
        assert tune.title in {element.text for element in root.iter()}


def test_albums_hold_every_tune_once() -> None:
    """An album is all tunes of an author, found by the author's name as a slug."""
    everything = [tune for album in catalogue.albums() for tune in album.tunes]
    assert sorted(tune.song_id for tune in everything) == [tune.song_id for tune in catalogue.tunes()]
    found = catalogue.album("velvet-terminal")
    assert found is not None
    assert {tune.author for tune in found.tunes} == {found.name} == {"Velvet Terminal"}
    assert catalogue.album("nobody") is None

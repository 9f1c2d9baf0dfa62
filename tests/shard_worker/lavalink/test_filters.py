"""Filters on the wire: what a node understands is what was meant."""

from __future__ import annotations

import pytest

from segue_core.filters import PLAIN, Filters, Karaoke, Oscillation, Timescale
from segue_devkit.lavalink import filters as node
from segue_worker.domain.presets import FILTERS, Preset
from segue_worker.lavalink.filters import filters_document
from segue_worker.lavalink.rest import PlayerPatch


@pytest.mark.parametrize("preset", Preset)
def test_a_node_takes_every_preset(preset: Preset) -> None:
    """Nothing is named that the protocol does not know, and the speed is the one we count with."""
    document = filters_document(FILTERS[preset])
    parsed = node.parse(document, frozenset())
    assert parsed.echo.keys() == document.keys()
    assert parsed.speed == FILTERS[preset].speed


def test_every_filter_has_its_name_in_the_protocol() -> None:
    """Values arrive under the names of Lavalink v4, bands by their number."""
    everything = Filters(
        equalizer=(0.25, 0.0, -0.1),
        timescale=Timescale(speed=1.5, pitch=0.9, rate=1.1),
        karaoke=Karaoke(level=0.5, mono_level=0.4, band=200.0, width=90.0),
        tremolo=Oscillation(frequency=4.0, depth=0.5),
        vibrato=Oscillation(frequency=3.0, depth=0.2),
        rotation_hz=0.2,
    )
    assert PlayerPatch(filters=everything).document() == {
        "filters": {
            "equalizer": [{"band": 0, "gain": 0.25}, {"band": 1, "gain": 0.0}, {"band": 2, "gain": -0.1}],
            "timescale": {"speed": 1.5, "pitch": 0.9, "rate": 1.1},
            "karaoke": {"level": 0.5, "monoLevel": 0.4, "filterBand": 200.0, "filterWidth": 90.0},
            "tremolo": {"frequency": 4.0, "depth": 0.5},
            "vibrato": {"frequency": 3.0, "depth": 0.2},
            "rotation": {"rotationHz": 0.2},
        }
    }


def test_no_filters_switch_all_off_and_none_named_leave_them() -> None:
    """An empty object replaces what there was; a PATCH without one does not touch it."""
    assert PlayerPatch(filters=PLAIN).document() == {"filters": {}}
    assert PlayerPatch(paused=True).document() == {"paused": True}

"""Filters: named, combined, taken along wherever the player goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core.filters import BANDS, GAIN_LEAST, GAIN_MOST, PLAIN, Timescale
from segue_core.models import GuildRecord
from segue_worker.domain import presets
from segue_worker.domain.effects import Commit, PatchPlayer, ShowNowPlaying
from segue_worker.domain.messages import Adopted, NodeLost, Patched, Progress, Verb
from segue_worker.domain.presets import Preset
from segue_worker.domain.sound import sound_of
from segue_worker.domain.state import restored
from segue_worker.domain.views import Phrase
from segue_worker.lavalink.filters import filters_document

from .conftest import ANN, WEST

if TYPE_CHECKING:
    from .conftest import Table


@pytest.mark.parametrize("preset", Preset)
def test_every_preset_is_within_lavalinks_bounds(preset: Preset) -> None:
    """One value outside would cost the whole PATCH."""
    filters = presets.FILTERS[preset]
    assert len(filters.equalizer) <= BANDS
    assert all(GAIN_LEAST <= gain <= GAIN_MOST for gain in filters.equalizer)
    for wave in (filters.tremolo, filters.vibrato):
        assert wave is None or (0 < wave.frequency <= 14 and 0 < wave.depth <= 1)
    assert filters.speed > 0
    assert filters_document(filters), "a preset that does nothing"


@given(st.lists(st.tuples(st.sampled_from(Preset), st.booleans()), max_size=8))
def test_presets_combine_and_what_they_share_is_the_last_ones(steps: list[tuple[Preset, bool]]) -> None:
    """Switched on it is on, switched off it is off, and nothing else is touched but its rivals."""
    filters = PLAIN
    for preset, on in steps:
        before = set(presets.active(filters))
        filters = presets.switched(filters, preset, on=on)
        after = set(presets.active(filters))
        assert (preset in after) is on
        rivals = {other for other in before if other is not preset and other not in after}
        assert all(_share(preset, rival) for rival in rivals)
        assert after <= before | {preset}


def _share(one: Preset, other: Preset) -> bool:
    return bool(
        filters_document(presets.FILTERS[one]).keys() & filters_document(presets.FILTERS[other]).keys()
    )


def test_a_filter_is_sent_shown_and_switched_off_again(playing: Table) -> None:
    """One PATCH with all filters; the second time it is taken away."""
    command = playing.command(Verb.FILTERS, choice="bass-boost")
    patch = playing.one(PatchPlayer)
    assert patch.filters == presets.FILTERS[Preset.BASS_BOOST]
    assert (patch.position_ms, patch.item) == (None, None)
    assert playing.phrase(command) == Phrase.FILTER_ON
    assert playing.newest(ShowNowPlaying).view.sound.presets == (Preset.BASS_BOOST,)
    playing.patched()
    command = playing.command(Verb.FILTERS, choice="bass-boost")
    assert playing.phrase(command) == Phrase.FILTER_OFF
    assert playing.one(PatchPlayer).filters == PLAIN


def test_filters_add_up_until_all_are_off(playing: Table) -> None:
    """Different ones together; off means all of them."""
    for choice in ("8d", "karaoke", "nightcore"):
        playing.command(Verb.FILTERS, choice=choice)
        playing.patched()
    playing.command(Verb.EQUALIZER, choice="rock")
    active = presets.active(playing.state.snapshot.filters)
    assert set(active) == {Preset.EIGHT_D, Preset.KARAOKE, Preset.NIGHTCORE, Preset.ROCK}
    playing.patched()
    assert playing.phrase(playing.command(Verb.FILTERS, choice="off")) == Phrase.FILTERS_OFF
    assert (playing.state.snapshot.filters, playing.state.snapshot.speed) == (PLAIN, 1.0)


def test_the_equalizer_alone_can_be_made_flat(playing: Table) -> None:
    """The other filters stay."""
    playing.command(Verb.FILTERS, choice="tremolo")
    playing.patched()
    playing.command(Verb.EQUALIZER, choice="pop")
    playing.patched()
    assert playing.phrase(playing.command(Verb.EQUALIZER, choice="off")) == Phrase.EQUALIZER_OFF
    assert presets.active(playing.state.snapshot.filters) == (Preset.TREMOLO,)


def test_speed_and_pitch_are_chosen_by_number(playing: Table) -> None:
    """Shown by number; one and one is none."""
    command = playing.command(Verb.TIMESCALE, speed=1.5)
    assert playing.phrase(command) == Phrase.TIMESCALE_SET
    assert playing.state.snapshot.filters.timescale == Timescale(speed=1.5)
    assert sound_of(playing.state.snapshot.filters).timescale == Timescale(speed=1.5)
    playing.patched()
    playing.command(Verb.TIMESCALE, speed=1.0, pitch=1.0)
    assert playing.state.snapshot.filters == PLAIN


def test_another_speed_counts_from_here_on(playing: Table) -> None:
    """The node is told where here is, since what it has buffered is of the speed before."""
    playing.now += 20_000
    playing.command(Verb.TIMESCALE, speed=2.0)
    patch = playing.one(PatchPlayer)
    assert (patch.position_ms, patch.item) == (20_000, None)
    playing.patched()
    playing.now += 10_000
    assert playing.state.position(playing.now) == 40_000
    ends_at = playing.newest(ShowNowPlaying).view.ends_at
    assert ends_at == playing.now + (200_000 - 40_000) / 2


def test_a_nodes_count_is_not_trusted_at_another_speed(playing: Table) -> None:
    """It counts seconds of sound: ten of them are twenty of the song."""
    playing.command(Verb.TIMESCALE, speed=2.0)
    playing.patched()
    playing.now += 10_000
    playing.send(Progress(node=playing.node, position_ms=10_000, connected=True, at=playing.now))
    assert playing.state.position(playing.now) == 20_000


def test_filters_go_along_to_another_node(playing: Table) -> None:
    """Song, place and filters in one PATCH."""
    playing.command(Verb.FILTERS, choice="nightcore")
    playing.patched()
    playing.now += 8_000
    playing.send(NodeLost(node=playing.node, reason="refused"))
    playing.place(WEST)
    patch = playing.one(PatchPlayer)
    assert patch.filters == presets.FILTERS[Preset.NIGHTCORE]
    assert (patch.item, patch.position_ms) == (playing.current, 10_000)


@pytest.mark.parametrize(("version", "sent"), [("same", False), ("older", True)])
def test_filters_survive_a_takeover(playing: Table, version: str, sent: bool) -> None:
    """A player that had the newest change is left alone; one that had not is sent the filters again."""
    playing.command(Verb.FILTERS, choice="nightcore")
    playing.patched()
    old = playing.state
    record = GuildRecord(snapshot=old.snapshot, queue=old.queue, voice=old.voice)
    playing.state = restored(record)
    playing.now += 4_000
    behind = 1 if version == "older" else 0
    playing.send(
        Adopted(
            node=old.snapshot.node,
            item=playing.current.id,
            generation=old.snapshot.generation,
            version=old.snapshot.version - behind,
            position_ms=4_000,
            connected=True,
            at=playing.now,
        )
    )
    patches = playing.some(PatchPlayer)
    assert bool(patches) is sent
    assert all(patch.filters == old.snapshot.filters for patch in patches)
    assert playing.state.position(playing.now) == 5_000


@pytest.mark.parametrize("started", [True, False])
def test_a_node_that_forbids_a_filter_plays_on_without(playing: Table, *, started: bool) -> None:
    """Its configuration can switch filters off: the song stays where it is, and the message says so."""
    playing.now += 5_000
    playing.command(Verb.FILTERS, choice="nightcore")
    if started:
        playing.patched()
        playing.send(NodeLost(node=playing.node, reason="refused"))
        playing.place(WEST)
    here = playing.node
    patch = playing.newest(PatchPlayer)
    playing.send(
        Patched(
            request=patch.request, node=here, generation=patch.generation, error="disabled", rejected=True
        )
    )
    again = playing.newest(PatchPlayer)
    assert (playing.node, again.request != patch.request) == (here, True)
    assert (again.filters, again.position_ms) == (None, 5_000)
    assert (again.item is not None) is started
    assert (playing.state.snapshot.filters, playing.state.snapshot.speed) == (PLAIN, 1.0)
    notice = playing.newest(ShowNowPlaying).view.notice
    assert notice is not None
    assert notice.phrase is Phrase.FILTERS_REFUSED


def test_reading_changes_nothing(playing: Table) -> None:
    """Without a choice the filters are shown, from anywhere."""
    for verb in (Verb.FILTERS, Verb.EQUALIZER, Verb.TIMESCALE):
        command = playing.command(verb, voice_channel=None)
        assert playing.phrase(command) == Phrase.FILTERS_NONE
    playing.command(Verb.FILTERS, choice="8d")
    assert playing.phrase(playing.command(Verb.FILTERS)) == Phrase.FILTERS_ARE
    assert playing.some(Commit) == []


@pytest.mark.parametrize(
    ("verb", "values"),
    [
        (Verb.FILTERS, {"choice": "dubstep"}),
        (Verb.FILTERS, {"choice": "rock"}),
        (Verb.EQUALIZER, {"choice": "karaoke"}),
        (Verb.TIMESCALE, {"speed": 0.0}),
        (Verb.TIMESCALE, {"pitch": 9.0}),
        (Verb.TIMESCALE, {"speed": float("nan")}),
    ],
)
def test_what_is_not_offered_is_refused(playing: Table, verb: Verb, values: dict[str, object]) -> None:
    """Nothing reaches the node."""
    command = playing.command(verb, user=ANN, **values)
    assert playing.phrase(command) == Phrase.BAD_OPTION
    assert not (playing.some(Commit))
    assert not (playing.some(PatchPlayer))


def test_a_filter_before_the_song_is_sent_with_it(table: Table) -> None:
    """Whoever chose it in silence hears the next song so, from its first second."""
    table.command(Verb.JOIN)
    table.join()
    table.command(Verb.FILTERS, choice="8d")
    table.play("B")
    table.place()
    table.patched()
    patch = next(one for one in table.all(PatchPlayer) if one.item is not None)
    sent = [one.filters for one in table.all(PatchPlayer)]
    assert sent[: table.all(PatchPlayer).index(patch) + 1].count(presets.FILTERS[Preset.EIGHT_D]) == 1

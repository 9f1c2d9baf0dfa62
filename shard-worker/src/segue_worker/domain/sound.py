"""Commands that change how it sounds: filters, equalizer, speed and pitch."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from segue_core.filters import PLAIN, Filters, Timescale
from segue_worker.domain import policy, presets
from segue_worker.domain.guards import is_with_us
from segue_worker.domain.views import Phrase, SoundView, Tone, Words

if TYPE_CHECKING:
    from segue_worker.domain.messages import Command
    from segue_worker.domain.presets import Preset
    from segue_worker.domain.turn import Turn

OFF = "off"
"""The choice that switches off."""


@lru_cache(maxsize=256)
def sound_of(filters: Filters) -> SoundView:
    """Return what is to be told of ``filters``. Asked in every turn, so it is remembered."""
    return SoundView(presets=presets.active(filters), timescale=presets.own_timescale(filters))


def filters(turn: Turn, command: Command) -> None:
    """Show the filters, switch one on or (when it is on) off, or all off."""
    if command.choice is None:
        _show(turn, command)
    elif command.choice == OFF:
        _apply(turn, command, PLAIN, Words(phrase=Phrase.FILTERS_OFF))
    else:
        preset = _chosen(turn, command, presets.EFFECTS)
        if preset is None:
            return
        now = turn.state.snapshot.filters
        on = not presets.is_on(now, preset)
        phrase = Phrase.FILTER_ON if on else Phrase.FILTER_OFF
        words = Words(phrase=phrase, values={"preset": preset.value})
        _apply(turn, command, presets.switched(now, preset, on=on), words)


def equalizer(turn: Turn, command: Command) -> None:
    """Show the filters, set the equalizer to a preset, or flat."""
    if command.choice is None:
        _show(turn, command)
    elif command.choice == OFF:
        flat = replace(turn.state.snapshot.filters, equalizer=())
        _apply(turn, command, flat, Words(phrase=Phrase.EQUALIZER_OFF))
    else:
        preset = _chosen(turn, command, presets.EQUALIZERS)
        if preset is None:
            return
        words = Words(phrase=Phrase.FILTER_ON, values={"preset": preset.value})
        _apply(turn, command, presets.switched(turn.state.snapshot.filters, preset, on=True), words)


def timescale(turn: Turn, command: Command) -> None:
    """Show the filters, or set speed and pitch; what is left out becomes normal."""
    if command.speed is None and command.pitch is None:
        _show(turn, command)
        return
    for name, factor in (("speed", command.speed), ("pitch", command.pitch)):
        if factor is not None and not policy.FACTOR_LEAST <= factor <= policy.FACTOR_MOST:
            turn.refuse(command, Phrase.BAD_OPTION, option=name)
            return
    speed, pitch = round(command.speed or 1.0, 2), round(command.pitch or 1.0, 2)
    wanted = Timescale(speed=speed, pitch=pitch)
    scaled = replace(turn.state.snapshot.filters, timescale=None if wanted == Timescale() else wanted)
    percent: dict[str, str | int] = {"speed": round(speed * 100), "pitch": round(pitch * 100)}
    _apply(turn, command, scaled, Words(phrase=Phrase.TIMESCALE_SET, values=percent))


def _chosen(turn: Turn, command: Command, offered: tuple[Preset, ...]) -> Preset | None:
    for preset in offered:
        if preset.value == command.choice:
            return preset
    turn.refuse(command, Phrase.BAD_OPTION, option="preset")
    return None


def _show(turn: Turn, command: Command) -> None:
    now = turn.state.snapshot.filters
    phrase = Phrase.FILTERS_NONE if now == PLAIN else Phrase.FILTERS_ARE
    turn.reply(command, Tone.INFO, Words(phrase=phrase), sound=sound_of(now))


def _apply(turn: Turn, command: Command, wanted: Filters, words: Words) -> None:
    if not is_with_us(turn, command):
        return
    if wanted != turn.state.snapshot.filters:
        _set(turn, wanted)
        turn.accept(command, command.choice or f"speed {wanted.speed:g}")
    turn.reply(command, Tone.OK, words, sound=sound_of(wanted))


def _set(turn: Turn, wanted: Filters) -> None:
    """Change the filters. Another speed counts from here on, so the node is told where here is.

    A node plays what it has buffered before a filter is heard, and counts seconds of sound, whatever the
    speed; a seek empties the buffer, and lets it count from where we are.
    """
    state = turn.state
    item = state.current
    if wanted.speed != state.snapshot.speed and item is not None:
        turn.snap(position_ms=turn.position, position_at=turn.now)
        if item.track.is_seekable and not item.track.is_stream and not state.start_needed:
            turn.set(seek_needed=True)
    turn.snap(filters=wanted, speed=wanted.speed)

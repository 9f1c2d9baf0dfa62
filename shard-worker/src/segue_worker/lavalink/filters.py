"""Filters as Lavalink v4 takes them: what is not named in a PATCH's ``filters`` is switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segue_core.filters import Filters


def filters_document(filters: Filters) -> dict[str, Any]:
    """Return the ``filters`` object of a player's PATCH."""
    body: dict[str, Any] = {}
    if filters.equalizer:
        body["equalizer"] = [{"band": band, "gain": gain} for band, gain in enumerate(filters.equalizer)]
    if filters.timescale is not None:
        scale = filters.timescale
        body["timescale"] = {"speed": scale.speed, "pitch": scale.pitch, "rate": scale.rate}
    if filters.karaoke is not None:
        voice = filters.karaoke
        body["karaoke"] = {
            "level": voice.level,
            "monoLevel": voice.mono_level,
            "filterBand": voice.band,
            "filterWidth": voice.width,
        }
    if filters.tremolo is not None:
        body["tremolo"] = {"frequency": filters.tremolo.frequency, "depth": filters.tremolo.depth}
    if filters.vibrato is not None:
        body["vibrato"] = {"frequency": filters.vibrato.frequency, "depth": filters.vibrato.depth}
    if filters.rotation_hz:
        body["rotation"] = {"rotationHz": filters.rotation_hz}
    return body

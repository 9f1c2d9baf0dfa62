"""Carries a player PATCH out, in the order of a real node: voice, filters, settings, then the track."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from segue_devkit.lavalink import filters as filter_module
from segue_devkit.lavalink.errors import bad_request, no_voice
from segue_devkit.lavalink.links import LOAD_ERROR
from segue_devkit.lavalink.requests import Omitted, PlayerPatch
from segue_devkit.lavalink.voice.connection import HandshakeError, UnreachableError, VoiceState

if TYPE_CHECKING:
    from segue_devkit.lavalink.player import Player
    from segue_devkit.lavalink.sessions import Session
    from segue_devkit.lavalink.sources import Sources
    from segue_devkit.lavalink.tracks import Track

_HANGS_S: Final = 900.0
"""As good as never: no client waits longer."""


class Patcher:
    """Applies patches to players."""

    def __init__(self, sources: Sources, disabled_filters: frozenset[str]) -> None:
        self._sources = sources
        self._disabled = disabled_filters

    async def apply(
        self, session: Session, guild_id: int, patch: PlayerPatch, *, no_replace: bool
    ) -> dict[str, Any]:
        """Do what a patch says; the answer is the player.

        Raises:
            ApiError: 400 or 500; what came before the fault in the order stays done.
        """
        wanted = (
            None if isinstance(patch.filters, Omitted) else filter_module.parse(patch.filters, self._disabled)
        )
        track = await self._track(patch)
        player = session.player(guild_id)
        if not isinstance(patch.voice, Omitted):
            await _connect(player, patch.voice)
        if wanted is not None:
            player.set_filters(wanted)
        if not isinstance(patch.volume, Omitted):
            player.set_volume(patch.volume)
        if patch.has_track:
            if not (no_replace and player.track is not None):
                _start(player, patch, track)
            return player.to_json()
        return player.to_json(_adjust(player, patch))

    async def _track(self, patch: PlayerPatch) -> Track | None:
        """The track that a patch names; None for a stop, or if it names none."""
        if isinstance(patch.encoded, str):
            return self._sources.decode(patch.encoded)
        if isinstance(patch.identifier, Omitted):
            return None
        loaded = await asyncio.to_thread(self._sources.load, patch.identifier)
        if loaded.error is not None:
            raise bad_request(LOAD_ERROR)
        if loaded.found or loaded.playlist is not None:
            raise bad_request("Cannot play a playlist or search result")
        if loaded.track is None:
            raise bad_request("No matches found for identifier")
        return loaded.track


async def _connect(player: Player, state: VoiceState) -> None:
    """Connect, one call at a time for each player.

    A real node never answers if nothing listens at the endpoint, and holds the player's lock meanwhile, so
    that the next voice call of that guild hangs too. Deleting the player frees the guild, for a new player,
    and not the calls that hang.
    """
    async with player.voice_lock:
        try:
            await player.connect(state)
        except UnreachableError:
            await asyncio.sleep(_HANGS_S)
            raise no_voice() from None
        except HandshakeError:
            raise no_voice() from None


def _start(player: Player, patch: PlayerPatch, track: Track | None) -> None:
    player.paused = patch.paused is True
    if track is None:
        player.stop()
        return
    start = track.position_ms if isinstance(patch.position, Omitted) else max(0, patch.position)
    end = None if isinstance(patch.end_time, Omitted) else patch.end_time
    data = {} if isinstance(patch.user_data, Omitted) else patch.user_data
    player.play(track, data, start, end)


def _adjust(player: Player, patch: PlayerPatch) -> int | None:
    """Change what is under way; the position to answer with, where it is not the one of now."""
    answer = None
    if not isinstance(patch.user_data, Omitted):
        player.set_user_data(patch.user_data)
    if not isinstance(patch.paused, Omitted):
        player.paused = patch.paused
    if not isinstance(patch.position, Omitted) and player.track is not None:
        answer = player.position_ms
        player.seek(patch.position)
    if not isinstance(patch.end_time, Omitted):
        player.set_end(patch.end_time)
    return answer

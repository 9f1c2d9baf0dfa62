"""A queue out of a file: each song by its link where that plays, else by its words."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from segue_core import queue_file
from segue_core.logging import get_logger
from segue_worker.domain.messages import Loaded, LoadFailure
from segue_worker.lavalink.errors import NodeTimeoutError
from segue_worker.lavalink.loader import NoNodeError, SourceRestsError
from segue_worker.lavalink.tracks import LoadKind
from segue_worker.players.ports import RefusedLink, SafeLink
from segue_worker.search.desk import TooManySearchesError
from segue_worker.search.limits import Asker, Purpose

if TYPE_CHECKING:
    from segue_core.ids import GuildId
    from segue_core.models import Track
    from segue_core.queue_file import WantedSong
    from segue_worker.domain.effects import LoadTracks
    from segue_worker.players.tools import Tools

_log = get_logger(__name__)

AT_ONCE: Final = 4
"""Lookups of one file side by side: it shares the nodes with everybody."""
PATIENCE_S: Final = 15.0
"""Less than a load may take: what was found by then is queued, the rest counted as left out."""
NAME: Final = "your file"


async def import_queue(effect: LoadTracks, guild: GuildId, tools: Tools) -> Loaded:
    """Return the songs of the file in its order, and how many of it could not be had. Never raises."""
    data = await tools.links.fetch(effect.query, queue_file.LARGEST_BYTES + 1)
    if isinstance(data, RefusedLink):
        return Loaded(request=effect.request, failure=data.failure, detail=data.detail)
    try:
        wanted = queue_file.read(data)
    except queue_file.BadQueueFileError as error:
        return Loaded(request=effect.request, failure=LoadFailure.BAD_FILE, detail=str(error))
    asker = Asker(guild=guild, user=effect.user, purpose=Purpose.IMPORT)
    slots = asyncio.Semaphore(AT_ONCE)

    async def find(song: WantedSong) -> Track | None:
        async with slots:
            return await _find(song, asker, tools)

    tasks = [asyncio.create_task(find(song), name="import") for song in wanted.songs]
    try:
        await asyncio.wait(tasks, timeout=PATIENCE_S)
    finally:
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tracks = [task.result() for task in tasks if not task.cancelled() and task.exception() is None]
    found = tuple(track for track in tracks if track is not None)
    if not found:
        return Loaded(request=effect.request, failure=LoadFailure.NOTHING_FOUND)
    left_out = wanted.left_out + len(wanted.songs) - len(found)
    return Loaded(request=effect.request, tracks=found, playlist=NAME, left_out=left_out)


async def _find(song: WantedSong, asker: Asker, tools: Tools) -> Track | None:
    try:
        return await _by_link(song, asker, tools) or await _by_words(song, asker, tools)
    except (TooManySearchesError, SourceRestsError, NodeTimeoutError, NoNodeError) as error:
        _log.info("player.not_imported", guild=asker.guild, why=str(error))
        return None


async def _by_link(song: WantedSong, asker: Asker, tools: Tools) -> Track | None:
    link = await tools.links.check(song.url) if song.url else None
    if not isinstance(link, SafeLink):
        return None  # none, or one that must not be fetched: what the song is called may still do
    result = await tools.loader.load(link.identifier, tools.fleet.candidates(asker.guild))
    return result.tracks[0] if result.kind is LoadKind.TRACK and result.tracks else None


async def _by_words(song: WantedSong, asker: Asker, tools: Tools) -> Track | None:
    if not song.title:
        return None
    identifier = f"{tools.search_prefix}:{song.title} {song.author}".strip()
    result = await tools.searches.search(identifier, asker, tools.fleet.candidates(asker.guild))
    return result.tracks[0] if result.tracks else None

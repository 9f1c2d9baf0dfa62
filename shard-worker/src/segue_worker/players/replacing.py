"""Looks for a song that failed in other sources, one after the other, until one surely is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.logging import get_logger
from segue_worker.domain.matching import best_match, query_for
from segue_worker.domain.messages import Loaded, LoadFailure
from segue_worker.lavalink.errors import NodeTimeoutError
from segue_worker.lavalink.loader import NoNodeError, SourceRestsError
from segue_worker.search.desk import TooManySearchesError
from segue_worker.search.limits import Asker, Purpose

if TYPE_CHECKING:
    from segue_core.ids import GuildId
    from segue_worker.domain.effects import FindReplacement
    from segue_worker.players.tools import Tools

_log = get_logger(__name__)


async def find_replacement(effect: FindReplacement, guild: GuildId, tools: Tools) -> Loaded:
    """Return the same song from elsewhere, or NOTHING_FOUND. Never raises."""
    words = query_for(effect.track)
    asker = Asker(guild=guild, user=effect.user, purpose=Purpose.REPLACE)
    for prefix in tools.replacement_prefixes if words is not None else ():
        try:
            result = await tools.searches.search(f"{prefix}:{words}", asker, tools.fleet.candidates(guild))
        except (SourceRestsError, NodeTimeoutError, NoNodeError, TooManySearchesError) as error:
            _log.info("player.no_replacement", guild=guild, source=prefix, why=str(error))
            continue
        match = best_match(effect.track, result.tracks)
        if match is not None:
            return Loaded(request=effect.request, tracks=(match,))
    return Loaded(request=effect.request, failure=LoadFailure.NOTHING_FOUND)

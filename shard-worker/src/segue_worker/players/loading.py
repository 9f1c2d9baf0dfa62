"""From a person's words to songs: link guard first, then a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.logging import get_logger
from segue_worker.domain.messages import Loaded, LoadFailure
from segue_worker.lavalink.errors import NodeTimeoutError
from segue_worker.lavalink.loader import NoNodeError, SourceRestsError
from segue_worker.lavalink.tracks import LoadKind, LoadResult
from segue_worker.players.ports import NotALink, RefusedLink, SafeLink
from segue_worker.search.desk import TooManySearchesError
from segue_worker.search.limits import Asker

if TYPE_CHECKING:
    from segue_core.ids import GuildId
    from segue_worker.domain.effects import LoadTracks
    from segue_worker.players.tools import Tools

_log = get_logger(__name__)


async def load_tracks(effect: LoadTracks, guild: GuildId, tools: Tools) -> Loaded:
    """Return what ``effect.query`` means; every way to fail is an answer."""
    link = await tools.links.check(effect.query)
    match link:
        case RefusedLink():
            return Loaded(request=effect.request, failure=link.failure, detail=link.detail)
        case SafeLink():
            look_up = tools.loader.load(link.identifier, tools.fleet.candidates(guild))
        case NotALink():
            identifier = f"{link.prefix or tools.search_prefix}:{link.words}"
            asker = Asker(guild=guild, user=effect.user)
            look_up = tools.searches.search(identifier, asker, tools.fleet.candidates(guild))
    try:
        result = await look_up
    except TooManySearchesError as error:
        failure = LoadFailure.TOO_MANY_SEARCHES
        return Loaded(request=effect.request, failure=failure, wait_ms=error.wait_ms)
    except SourceRestsError as error:
        return Loaded(request=effect.request, failure=LoadFailure.SOURCE_RESTS, detail=str(error))
    except NodeTimeoutError as error:
        return Loaded(request=effect.request, failure=LoadFailure.TIMEOUT, detail=error.why)
    except NoNodeError as error:
        _log.warning("player.no_node_to_load", guild=guild, why=str(error))
        return Loaded(request=effect.request, failure=LoadFailure.NO_NODE, detail=str(error))
    return _loaded(effect, result)


def _loaded(effect: LoadTracks, result: LoadResult) -> Loaded:
    if result.kind is LoadKind.ERROR:
        _log.info("player.load_error", message=result.message, cause=result.cause[:300])
        return Loaded(request=effect.request, failure=_failure_of(result), detail=result.message)
    if not result.tracks:
        return Loaded(request=effect.request, failure=LoadFailure.NOTHING_FOUND)
    # A search offers many songs; the best match is meant.
    tracks = result.tracks[:1] if result.kind is LoadKind.SEARCH else result.tracks
    return Loaded(request=effect.request, tracks=tracks, playlist=result.playlist)


def _failure_of(result: LoadResult) -> LoadFailure:
    return LoadFailure.THROTTLED if result.throttled else LoadFailure.UNPLAYABLE

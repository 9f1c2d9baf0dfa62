"""From what a person asked for to songs: link guard first, then a node; or a list they were shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from segue_core.logging import get_logger
from segue_core.redis.connection import UNREACHABLE
from segue_worker.domain import policy
from segue_worker.domain.effects import QueryKind
from segue_worker.domain.messages import Loaded, LoadFailure
from segue_worker.lavalink.errors import NodeTimeoutError
from segue_worker.lavalink.loader import NoNodeError, SourceRestsError
from segue_worker.lavalink.tracks import LoadKind, LoadResult, named_after
from segue_worker.players.importing import import_queue
from segue_worker.players.ports import NotALink, RefusedLink, SafeLink
from segue_worker.search.desk import TooManySearchesError
from segue_worker.search.limits import Asker

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from segue_core.ids import GuildId
    from segue_worker.domain.effects import LoadTracks
    from segue_worker.players.tools import Tools

_log = get_logger(__name__)


async def load_tracks(effect: LoadTracks, guild: GuildId, tools: Tools) -> Loaded:
    """Return what ``effect.query`` means; every way to fail is an answer."""
    if effect.kind is QueryKind.OFFER:
        return await _chosen(effect, guild, tools)
    if effect.kind is QueryKind.QUEUE:
        return await import_queue(effect, guild, tools)
    check = tools.links.check_file if effect.kind is QueryKind.FILE else tools.links.check
    link = await check(effect.query)
    match link:
        case RefusedLink():
            return Loaded(request=effect.request, failure=link.failure, detail=link.detail)
        case SafeLink():
            look_up = tools.loader.load(link.identifier, tools.fleet.candidates(guild))
        case NotALink():
            identifier = f"{link.prefix or tools.search_prefix}:{link.words}"
            asker = Asker(guild=guild, user=effect.user)
            look_up = tools.searches.search(identifier, asker, tools.fleet.candidates(guild))
    result = await _outcome(effect, guild, look_up)
    return result if isinstance(result, Loaded) else _loaded(effect, result)


async def _outcome(
    effect: LoadTracks, guild: GuildId, look_up: Coroutine[None, None, LoadResult]
) -> LoadResult | Loaded:
    try:
        return await look_up
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


async def _chosen(effect: LoadTracks, guild: GuildId, tools: Tools) -> Loaded:
    """Return the song chosen from a list, if it was this person's list, in this guild."""
    try:
        offer = await tools.offers.get(effect.query)
    except (RedisError, *UNREACHABLE) as error:
        _log.info("player.offer_unread", guild=guild, error=type(error).__name__)
        return Loaded(request=effect.request, failure=LoadFailure.UNAVAILABLE)
    if offer is None or not 0 < effect.place <= len(offer.tracks):
        return Loaded(request=effect.request, failure=LoadFailure.OFFER_EXPIRED)
    if offer.user != effect.user or offer.guild != guild:
        return Loaded(request=effect.request, failure=LoadFailure.NOT_THEIR_OFFER)
    return Loaded(request=effect.request, tracks=(offer.tracks[effect.place - 1],))


def _loaded(effect: LoadTracks, result: LoadResult) -> Loaded:
    if result.kind is LoadKind.ERROR:
        _log.info("player.load_error", message=result.message, cause=result.cause[:300])
        return Loaded(request=effect.request, failure=_failure_of(result), detail=result.message)
    if not result.tracks:
        return Loaded(request=effect.request, failure=LoadFailure.NOTHING_FOUND)
    # A search offers many songs, of which the best match is meant; of a playlist no more than can be used.
    most = policy.PLAYLIST_LIMIT if result.kind is LoadKind.PLAYLIST else 1
    tracks = tuple(named_after(track, effect.query) for track in result.tracks[:most])
    left_out = max(0, len(result.tracks) - most) if result.kind is LoadKind.PLAYLIST else 0
    return Loaded(request=effect.request, tracks=tracks, playlist=result.playlist, left_out=left_out)


def _failure_of(result: LoadResult) -> LoadFailure:
    return LoadFailure.THROTTLED if result.throttled else LoadFailure.UNPLAYABLE

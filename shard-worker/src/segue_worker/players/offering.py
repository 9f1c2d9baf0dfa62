"""What a search shows: songs to choose from, or why there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from segue_core.logging import get_logger
from segue_core.redis.connection import UNREACHABLE
from segue_worker.domain import policy
from segue_worker.domain.messages import LoadFailure
from segue_worker.domain.plays import FAILURES, seconds
from segue_worker.domain.views import OfferView, Phrase, ReplyView, Tone, Words
from segue_worker.lavalink.errors import NodeTimeoutError
from segue_worker.lavalink.loader import NoNodeError, SourceRestsError
from segue_worker.players.ports import NotALink
from segue_worker.search.desk import TooManySearchesError
from segue_worker.search.limits import Asker
from segue_worker.search.offers import Offer

if TYPE_CHECKING:
    from segue_core.ids import GuildId
    from segue_core.models import Track
    from segue_worker.domain.effects import OfferSongs
    from segue_worker.players.tools import Tools

_log = get_logger(__name__)


async def offer_songs(effect: OfferSongs, guild: GuildId, tools: Tools) -> ReplyView:
    """Return the answer to a search; every way to fail is one."""
    query = await tools.links.check(effect.query)
    if not isinstance(query, NotALink):
        return _refused(Phrase.WORDS_ONLY)
    found = await _found(query, Asker(guild=guild, user=effect.user), tools)
    if isinstance(found, ReplyView):
        return found
    tracks = found[: policy.OFFERED]
    try:
        await tools.offers.keep(effect.command, Offer(guild=guild, user=effect.user, tracks=tracks))
    except (RedisError, *UNREACHABLE) as error:
        _log.info("player.offer_unwritten", guild=guild, error=type(error).__name__)
        return _refused(Phrase.TRY_AGAIN)
    words = Words(phrase=Phrase.OFFERED, values={"query": query.words})
    return ReplyView(tone=Tone.INFO, words=words, offer=OfferView(id=effect.command, tracks=tracks))


async def _found(query: NotALink, asker: Asker, tools: Tools) -> tuple[Track, ...] | ReplyView:
    identifier = f"{query.prefix or tools.search_prefix}:{query.words}"
    try:
        result = await tools.searches.search(identifier, asker, tools.fleet.candidates(asker.guild))
    except TooManySearchesError as error:
        return _refused(Phrase.TOO_MANY_SEARCHES, wait_s=seconds(error.wait_ms))
    except SourceRestsError:
        return _refused(FAILURES[LoadFailure.SOURCE_RESTS])
    except NodeTimeoutError:
        return _refused(FAILURES[LoadFailure.TIMEOUT])
    except NoNodeError as error:
        _log.warning("player.no_node_to_search", guild=asker.guild, why=str(error))
        return _refused(FAILURES[LoadFailure.NO_NODE])
    return result.tracks or _refused(Phrase.NOTHING_FOUND)


def _refused(phrase: Phrase, **values: str | int) -> ReplyView:
    return ReplyView(tone=Tone.REFUSED, words=Words(phrase=phrase, values=values))

"""Lists of songs that people were shown to choose from: in Redis, as the choice may reach another worker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segue_core.codec import MalformedValueError, decode, encode
from segue_core.ids import GuildId, UserId
from segue_core.logging import get_logger
from segue_core.models import Track
from segue_core.redis.cache import Cache, CacheKind

if TYPE_CHECKING:
    from segue_core.ids import CommandId

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What was shown, in this order, and to whom."""

    guild: GuildId
    user: UserId
    tracks: tuple[Track, ...]
    schema: int = 1


class Offers:
    """Raises RedisError when Redis is away: what can't be kept must not be shown."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def keep(self, name: CommandId, offer: Offer) -> None:
        """Remember what the command of this id was answered with, as long as its answer can be used."""
        await self._cache.set(CacheKind.CHOICES, name, encode(offer))

    async def get(self, name: str) -> Offer | None:
        """Return it, None when nobody remembers it."""
        data = await self._cache.get(CacheKind.CHOICES, name)
        try:
            return None if data is None else decode(Offer, data)
        except MalformedValueError as error:
            _log.info("offer.unreadable", why=str(error))
            return None

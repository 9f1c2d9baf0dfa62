"""What Discord says about our bot before any shard is opened."""

from __future__ import annotations

from dataclasses import dataclass

import hikari
from hikari import api as hikari_api

from segue_core.ids import UserId
from segue_worker.gateway.errors import BadTokenError, DiscordUnreachableError


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayInfo:
    """GET /gateway/bot: where to connect, and how many IDENTIFYs the day has left."""

    url: str
    shards: int
    max_concurrency: int
    remaining: int
    total: int
    reset_after_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BotIdentity:
    """Whose token this is."""

    user: UserId
    name: str
    application: int


async def gateway_info(rest: hikari_api.RESTClient) -> GatewayInfo:
    """Ask for the gateway's address and the session start limit.

    Raises:
        BadTokenError: somebody has to set another token.
        DiscordUnreachableError: try again later.
    """
    try:
        info = await rest.fetch_gateway_bot_info()
    except (hikari.HTTPError, KeyError, ValueError, TypeError) as error:
        raise translate(error, "GET /gateway/bot") from error
    limit = info.session_start_limit
    return GatewayInfo(
        url=info.url,
        shards=info.shard_count,
        max_concurrency=max(1, limit.max_concurrency),
        remaining=limit.remaining,
        total=limit.total,
        reset_after_ms=round(limit.reset_after.total_seconds() * 1000),
    )


async def own_user(rest: hikari_api.RESTClient) -> hikari.OwnUser:
    """Return the bot's user.

    Raises:
        BadTokenError, DiscordUnreachableError: as above.
    """
    try:
        return await rest.fetch_my_user()
    except (hikari.HTTPError, KeyError, ValueError, TypeError) as error:
        raise translate(error, "GET /users/@me") from error


async def own_application(rest: hikari_api.RESTClient) -> int:
    """Return the id of the application behind the bot.

    Raises:
        BadTokenError, DiscordUnreachableError: as above.
    """
    try:
        return int((await rest.fetch_application()).id)
    except (hikari.HTTPError, KeyError, ValueError, TypeError) as error:
        raise translate(error, "GET /oauth2/applications/@me") from error


def translate(error: Exception, call: str) -> BadTokenError | DiscordUnreachableError:
    """Return what ``error`` of ``call`` means to the one who runs the bot, in a line."""
    if isinstance(error, hikari.UnauthorizedError):
        return BadTokenError()
    if isinstance(error, hikari.HTTPResponseError):
        return DiscordUnreachableError(f"{call} answered {int(error.status)}: {error.message or 'no reason'}")
    return DiscordUnreachableError(f"{call} failed: {str(error) or type(error).__name__}")

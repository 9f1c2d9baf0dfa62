"""Presence, members and channel data: what hikari's interface lets a plugin ask a shard for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hikari import errors, intents, presences, undefined

from segue_worker.gateway.codes import Opcode

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_USERS = 100
_LONGEST_NONCE = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """How the bot appears."""

    idle_since: datetime | None = None
    afk: bool = False
    activity: presences.Activity | None = None
    status: presences.Status = presences.Status.ONLINE

    def changed(
        self,
        idle_since: undefined.UndefinedNoneOr[datetime],
        afk: undefined.UndefinedOr[bool],
        activity: undefined.UndefinedNoneOr[presences.Activity],
        status: undefined.UndefinedOr[presences.Status],
    ) -> Presence:
        """Return this with what is defined changed."""
        return Presence(
            idle_since=self.idle_since if idle_since is undefined.UNDEFINED else idle_since,
            afk=self.afk if afk is undefined.UNDEFINED else afk,
            activity=self.activity if activity is undefined.UNDEFINED else activity,
            status=self.status if status is undefined.UNDEFINED else status,
        )


def presence_update(presence: Presence) -> dict[str, Any]:
    """Return op 3. "offline" is not understood there, "invisible" is."""
    status = presence.status
    return {
        "op": Opcode.PRESENCE_UPDATE,
        "d": {
            "since": None if presence.idle_since is None else int(presence.idle_since.timestamp() * 1000),
            "afk": presence.afk,
            "activities": [] if presence.activity is None else [_activity(presence.activity)],
            "status": "invisible" if status is presences.Status.OFFLINE else str(status.value),
        },
    }


def _activity(activity: presences.Activity) -> dict[str, Any]:
    return {
        "name": activity.name,
        "state": activity.state,
        "type": int(activity.type),
        "url": activity.url,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberQuery:
    """Which members of a guild are wanted. ``limit`` 0 with an empty query: all of them."""

    guild: int
    query: str = ""
    limit: int = 0
    presences: bool = False
    users: tuple[int, ...] = ()
    nonce: str | None = None


def guild_members(wanted: MemberQuery, granted: intents.Intents) -> dict[str, Any]:
    """Return op 8.

    Raises:
        ValueError: for a query that Discord would refuse.
        hikari.errors.MissingIntentError: when our intents don't allow it.
    """
    if wanted.users and (wanted.query or wanted.limit):
        raise ValueError("ask for users by id or by query, not both")
    if not 0 <= wanted.limit <= _MOST_USERS or len(wanted.users) > _MOST_USERS:
        raise ValueError("at most 100 members can be asked for at a time")
    if wanted.nonce is not None and len(wanted.nonce.encode()) > _LONGEST_NONCE:
        raise ValueError("a nonce has at most 32 bytes")
    if not (wanted.users or wanted.query or wanted.limit) and not granted & intents.Intents.GUILD_MEMBERS:
        raise errors.MissingIntentError(intents.Intents.GUILD_MEMBERS)
    if wanted.presences and not granted & intents.Intents.GUILD_PRESENCES:
        raise errors.MissingIntentError(intents.Intents.GUILD_PRESENCES)
    data: dict[str, Any] = {"guild_id": str(wanted.guild), "presences": wanted.presences}
    if wanted.users:
        data["user_ids"] = [str(user) for user in wanted.users]
    else:
        data |= {"query": wanted.query, "limit": wanted.limit}
    if wanted.nonce is not None:
        data["nonce"] = wanted.nonce
    return {"op": Opcode.REQUEST_GUILD_MEMBERS, "d": data}


def channel_info(guild: int, fields: Sequence[str]) -> dict[str, Any]:
    """Return op 43."""
    return {"op": Opcode.REQUEST_CHANNEL_INFO, "d": {"guild_id": str(guild), "fields": list(fields)}}

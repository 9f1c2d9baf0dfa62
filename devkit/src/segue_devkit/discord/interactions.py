"""Interactions: from a person's click to the bot's answer, with Discord's two clocks.

Three seconds to acknowledge, fifteen minutes in which the token works (both knobs). An interaction
that was not acknowledged in time is unknown (10062) from then on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Final

from segue_devkit.discord import payloads
from segue_devkit.discord.errors import already_acknowledged, unknown_interaction
from segue_devkit.discord.model import Message, User
from segue_devkit.discord.permissions import of_member
from segue_devkit.discord.wire import Payload, now_ns
from segue_devkit.discord.world import Event

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.world import World


_REMEMBERED_MS: Final = 60_000
"""How long a token that ran out is still told apart from one that never was."""


class Kind(IntEnum):
    """Interaction types."""

    PING = 1
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class Stage(StrEnum):
    """Where an interaction stands."""

    PENDING = "pending"
    DEFERRED = "deferred"
    ANSWERED = "answered"
    FAILED = "failed"
    """Not acknowledged in time: "The application did not respond"."""


@dataclass(slots=True)
class Interaction:
    """One interaction. Stamps are ns of CLOCK_MONOTONIC, taken at the socket."""

    id: int
    token: str = field(repr=False)
    kind: Kind
    guild_id: int
    channel_id: int
    user: User
    data: Payload
    source: Message | None = None
    created_ns: int = field(default_factory=now_ns)
    sent_ns: int | None = None
    acked_ns: int | None = None
    answered_ns: int | None = None
    stage: Stage = Stage.PENDING
    callback: int | None = None
    original: Message | None = None
    followups: dict[int, Message] = field(default_factory=dict)
    choices: list[Payload] | None = None
    modal: Payload | None = None

    @property
    def acknowledged(self) -> bool:
        """True once the bot called back in time."""
        return self.stage in {Stage.DEFERRED, Stage.ANSWERED}


class Interactions:
    """All interactions by id and by token, and who waits for news of one."""

    def __init__(self, world: World, knobs: Knobs) -> None:
        self._world = world
        self._knobs = knobs
        self._by_token: dict[str, Interaction] = {}
        self._by_id: dict[int, Interaction] = {}
        self._listeners: dict[int, list[Callable[[Interaction], None]]] = {}
        self._deadlines: dict[int, asyncio.TimerHandle] = {}

    # ---- people's side ---------------------------------------------------------------------------

    def start(
        self,
        kind: Kind,
        *,
        guild_id: int,
        channel_id: int,
        user: User,
        data: Payload,
        source: Message | None = None,
        listener: Callable[[Interaction], None] | None = None,
    ) -> Interaction:
        """Send an interaction to the bot; the listener hears of every change of it."""
        one = Interaction(
            id=self._world.ids.new(),
            token=self._world.ids.token(64),
            kind=kind,
            guild_id=guild_id,
            channel_id=channel_id,
            user=user,
            data=data,
            source=source,
        )
        self._forget_old(one.created_ns)
        self._by_id[one.id] = one
        self._by_token[one.token] = one
        if listener is not None:
            self._listeners[one.id] = [listener]
        loop = asyncio.get_running_loop()
        self._deadlines[one.id] = loop.call_later(self._knobs.interaction_ack_ms / 1000, self._expire, one)

        def stamp(at_ns: int) -> None:
            if one.sent_ns is None:
                one.sent_ns = at_ns
                self.changed(one)

        event = Event("INTERACTION_CREATE", guild_id, self._payload(one), on_sent=stamp)
        self._world.publish(event)
        return one

    def _forget_old(self, now: int) -> None:
        """Drop what nobody can answer any more; the dict is in order of age."""
        oldest_kept = now - (self._knobs.interaction_token_ms + _REMEMBERED_MS) * 1_000_000
        while self._by_id:
            one = next(iter(self._by_id.values()))
            if one.created_ns >= oldest_kept:
                return
            del self._by_id[one.id]
            del self._by_token[one.token]
            self._listeners.pop(one.id, None)

    def _payload(self, one: Interaction) -> Payload:
        guild = self._world.guild(one.guild_id)
        channel = self._world.channel(one.channel_id)
        member = self._world.ensure_member(one.guild_id, one.user.id)
        allowed = str(of_member(guild, one.user.id, channel))
        payload: Payload = {
            "id": str(one.id),
            "application_id": str(self._world.bot.id),
            "type": int(one.kind),
            "token": one.token,
            "version": 1,
            "data": one.data,
            "guild_id": str(guild.id),
            "guild": payloads.partial_guild(guild),
            "channel_id": str(channel.id),
            "channel": {**payloads.channel(channel), "permissions": allowed},
            "member": {**payloads.member(member), "permissions": allowed},
            "locale": one.user.locale,
            "guild_locale": guild.locale,
            "app_permissions": str(of_member(guild, self._world.bot.id, channel)),
            "entitlements": [],
            "authorizing_integration_owners": {"0": str(guild.id)},
            "context": 0,
            "attachment_size_limit": self._knobs.attachment_size_limit,
        }
        if one.source is not None:
            payload["message"] = payloads.message(one.source)
        return payload

    def _expire(self, one: Interaction) -> None:
        self._deadlines.pop(one.id).cancel()
        if one.stage is Stage.PENDING:
            one.stage = Stage.FAILED
            self.changed(one)

    def find(self, interaction_id: int) -> Interaction:
        """The interaction, or 10062."""
        if interaction_id not in self._by_id:
            raise unknown_interaction()
        return self._by_id[interaction_id]

    def listen(self, interaction_id: int, listener: Callable[[Interaction], None]) -> Callable[[], None]:
        """Hear of every change of one interaction; returns the call that ends it."""
        listeners = self._listeners.setdefault(interaction_id, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def changed(self, one: Interaction) -> None:
        """Tell who listens."""
        for listener in tuple(self._listeners.get(one.id, ())):
            listener(one)

    # ---- the bot's side --------------------------------------------------------------------------

    def acknowledge(self, interaction_id: int, token: str, at_ns: int) -> Interaction:
        """The interaction the bot calls back for, with a call that arrived at ``at_ns``.

        Raises:
            ApiError: 10062 if unknown or late, 40060 if it was acknowledged before.
        """
        one = self._by_id.get(interaction_id)
        late_ns = self._knobs.interaction_ack_ms * 1_000_000
        if one is not None and one.stage is Stage.PENDING and at_ns - one.created_ns >= late_ns:
            self._expire(one)  # also if the timer, in a busy loop, comes after the call
        if one is None or one.token != token or one.stage is Stage.FAILED:
            raise unknown_interaction()
        if one.acknowledged:
            raise already_acknowledged()
        return one

    def acknowledged(self, one: Interaction, callback: int, at_ns: int, *, answered: bool) -> None:
        """Note that the callback was accepted."""
        self._deadlines.pop(one.id).cancel()
        one.callback = callback
        one.acked_ns = at_ns
        one.stage = Stage.DEFERRED
        if answered:
            self.answered(one, at_ns)
        else:
            self.changed(one)

    def answered(self, one: Interaction, at_ns: int) -> None:
        """Note that the person sees an answer, and tell who listens (also of later edits)."""
        if one.answered_ns is None:
            one.answered_ns = at_ns
        one.stage = Stage.ANSWERED
        self.changed(one)

    def by_token(self, token: str) -> Interaction | None:
        """The interaction a webhook call is for; None if no such token was ever given out."""
        return self._by_token.get(token)

    def token_lives(self, one: Interaction) -> bool:
        """True for fifteen minutes."""
        return now_ns() - one.created_ns < self._knobs.interaction_token_ms * 1_000_000

"""The way in and out of a worker: real leases and journal, and a Discord that does as the test says."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from segue_core.ids import ChannelId, CommandId, GuildId, ShardId
from segue_core.redis.clock import RedisClock
from segue_core.redis.guilds import GuildStore
from segue_worker.app.answers import Answers
from segue_worker.app.ingress import Ingress
from segue_worker.commands.cooldown import Cooldowns
from segue_worker.domain.messages import Command
from segue_worker.gateway.calls import Ack
from segue_worker.gateway.events import Interaction, InteractionKind
from segue_worker.gateway.voice_states import UNKNOWN, Unknown
from segue_worker.players.journaling import CommandJournal
from segue_worker.search.suggest import Suggestion
from segue_worker.shards.lease import LeaseView

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from segue_core.ids import UserId
    from segue_core.redis.connection import RedisClient
    from segue_core.redis.keys import Keys
    from segue_worker.domain.messages import Message
    from segue_worker.shards.lease import Lease

GUILD = GuildId(77)
LOUNGE = ChannelId(600)
SHARD = ShardId(0)

_ids = itertools.count(10**17)


@dataclass
class Rest:
    """Discord's REST API: what it was told, and what it says to the next acknowledgements."""

    said: list[tuple[str, str]] = field(default_factory=list)
    outcomes: list[Ack | Exception] = field(default_factory=list)
    failing: list[Exception] = field(default_factory=list)
    slow: asyncio.Event | None = None

    def kinds(self, token: str | None = None) -> list[str]:
        """Return the calls made, of one interaction if wanted."""
        return [kind for kind, which in self.said if token in {None, which}]

    async def _ack(self, kind: str, token: str) -> Ack:
        self.said.append((kind, token))
        if self.slow is not None:
            await self.slow.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else Ack.ACCEPTED
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def defer(self, interaction: Any) -> Ack:
        return await self._ack("defer", interaction.token)

    async def defer_update(self, interaction: Any) -> Ack:
        return await self._ack("defer_update", interaction.token)

    async def answer(self, interaction: Any, shown: Any) -> Ack:
        return await self._ack(f"answer {text_of(shown)}", interaction.token)

    async def answer_update(self, interaction: Any, shown: Any) -> Ack:
        return await self._ack(f"update {text_of(shown)}", interaction.token)

    async def complete(self, interaction: Any, choices: list[tuple[str, str]]) -> Ack:
        return await self._ack(f"complete {[value for _, value in choices]}", interaction.token)

    async def edit_original(self, token: str, shown: Any) -> None:
        self.said.append((f"edit {text_of(shown)}", token))
        if self.failing:
            raise self.failing.pop(0)

    async def follow_up(self, token: str, shown: Any) -> None:
        self.said.append((f"follow_up {text_of(shown)}", token))
        if self.failing:
            raise self.failing.pop(0)


def text_of(shown: Any) -> str:
    """Return what the first embed says."""
    return str(shown.embeds[0].description)


@dataclass
class People:
    """Who is where: known, or to be asked for; asking may fail."""

    channel: ChannelId | None = LOUNGE
    known: bool = True
    error: Exception | None = None
    asked: int = 0

    def known_channel(self, guild: GuildId, user: UserId) -> ChannelId | Unknown | None:
        assert guild == GUILD
        assert user
        return self.channel if self.known else UNKNOWN

    async def voice_channel_of(self, guild: GuildId, user: UserId) -> ChannelId | None:
        assert guild == GUILD
        assert user
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.channel


class Proposals:
    """Proposes what was typed, and that twice."""

    async def suggest(self, guild: GuildId, user: UserId, words: str) -> tuple[Suggestion, ...]:
        assert guild == GUILD
        assert user
        return (Suggestion(name=words, value=words), Suggestion(name=f"{words}!", value=f"{words}!"))


@dataclass
class Door:
    """An ingress, with everything it leads to."""

    ingress: Ingress
    commands: CommandJournal
    answers: Answers
    rest: Rest
    people: People
    store: GuildStore
    posted: list[Command]
    lease: list[LeaseView | None]
    takes: list[bool]
    room: list[bool]
    handled: list[str] = field(default_factory=list)

    def take(self, payload: dict[str, Any]) -> str:
        """Let an interaction come in; return its token."""
        token = str(payload["token"])
        interaction = Interaction(
            id=CommandId(payload["id"]),
            application=9,
            token=token,
            kind=InteractionKind(payload["type"]),
            guild=GUILD,
            payload=payload,
        )
        self.ingress.take(interaction, lambda: self.handled.append(token))
        return token

    async def settle(self) -> None:
        """Wait until all that came in is through."""
        await self.ingress.close()
        await self.commands.close()

    async def journal(self) -> list[CommandId]:
        """Return what the journal has of the guild."""
        found = await self.store.journaled((SHARD,))
        return [entry.id for entry in found.get(GUILD, ())]


@pytest.fixture
def slash() -> Callable[..., dict[str, Any]]:
    """Return a function that makes the interaction of a slash command, as Discord sends it."""

    def make(name: str, /, user: int = 1, permissions: int = 3 << 20, **options: object) -> dict[str, Any]:
        number = next(_ids)
        return {
            "id": str(number),
            "application_id": "9",
            "token": f"token-{number}",
            "type": 2,
            "guild_id": str(GUILD),
            "channel_id": "500",
            "app_permissions": str(permissions),
            "member": {"user": {"id": str(user)}},
            "data": {
                "name": name,
                "options": [{"name": key, "value": value} for key, value in options.items()],
            },
        }

    return make


@pytest.fixture
def press() -> Callable[[str], dict[str, Any]]:
    """Return a function that makes the interaction of a button."""

    def make(custom_id: str) -> dict[str, Any]:
        number = next(_ids)
        return {
            "id": str(number),
            "application_id": "9",
            "token": f"token-{number}",
            "type": 3,
            "guild_id": str(GUILD),
            "channel_id": "500",
            "member": {"user": {"id": "1"}},
            "data": {"custom_id": custom_id},
        }

    return make


@pytest.fixture
async def lease(hold: Callable[[str], Awaitable[Lease]]) -> Lease:
    """Hold the only shard."""
    return await hold("ours")


@pytest.fixture
def guilds(redis: RedisClient, keys: Keys) -> GuildStore:
    """Return the guild state of this test's cluster."""
    return GuildStore(redis, keys, 1)


@pytest.fixture
def door(guilds: GuildStore, lease: Lease) -> Door:
    """Return an ingress that holds its shard."""
    rest, people = Rest(), People()
    posted: list[Command] = []
    held: list[LeaseView | None] = [lease]
    takes: list[bool] = [True]
    room: list[bool] = [True]
    answers = Answers(rest)  # type: ignore[arg-type]  # as much of it as answers use

    def post(guild: GuildId, message: Message) -> bool:
        assert guild == GUILD
        assert isinstance(message, Command)
        if takes[0]:
            posted.append(message)
        return takes[0]

    journal = CommandJournal(guilds)
    ingress = Ingress(
        journal=journal,
        completer=Proposals(),
        answers=answers,
        people=people,
        lease_of=lambda _guild: held[0],
        post=post,
        cooldowns=Cooldowns(),
        clock=RedisClock(),
        may_begin=lambda _guild: room[0],
    )
    return Door(ingress, journal, answers, rest, people, guilds, posted, held, takes, room)

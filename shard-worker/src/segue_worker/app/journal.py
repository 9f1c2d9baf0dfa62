"""What the journal keeps of a command, and how a successor takes it up again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from segue_core.codec import MalformedValueError, decode, encode
from segue_core.ids import ChannelId
from segue_core.logging import get_logger
from segue_worker import metrics
from segue_worker.commands.parse import Wish, missing_voice_permissions, parse_interaction
from segue_worker.domain.effects import Reply
from segue_worker.domain.messages import Verb
from segue_worker.domain.views import Phrase, ReplyView, Tone, Words
from segue_worker.gateway.calls import Ack
from segue_worker.gateway.errors import DiscordUnreachableError, GatewayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_core.ids import CommandId, GuildId, UserId
    from segue_core.redis.guilds import JournalEntry
    from segue_worker.app.answers import Answers
    from segue_worker.domain.messages import Command

_log = get_logger(__name__)

_NEEDS_VOICE: Final = frozenset({Verb.PLAY, Verb.PLAY_NEXT, Verb.PLAY_NOW, Verb.IMPORT, Verb.JOIN})
_ACK_ATTEMPTS: Final = 3


class People(Protocol):
    """Knows, or asks, which voice channel somebody is in."""

    async def voice_channel_of(self, guild: GuildId, user: UserId) -> ChannelId | None:
        """Return it, None for nowhere. Raises DiscordUnreachableError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Journaled:
    """The interaction as Discord sent it, and where its person was, as far as that was ``located``."""

    payload: dict[str, Any] = field(repr=False)
    voice_channel: ChannelId | None = None
    located: bool = False

    def stored(self) -> bytes:
        """Return it as the journal's opaque payload."""
        return encode(self)


def at_place(command: Command, payload: Mapping[str, Any], channel: ChannelId | None) -> Command:
    """Return the command as said from that voice channel, with what the bot lacks to speak there."""
    missing: tuple[str, ...] = ()
    if command.verb in _NEEDS_VOICE:
        missing = missing_voice_permissions(_permissions(payload))
    return replace(command, voice_channel=channel, missing_permissions=missing)


def refusal(phrase: Phrase) -> ReplyView:
    """Return an answer that refuses in these words."""
    return ReplyView(tone=Tone.REFUSED, words=Words(phrase=phrase))


class JournalRecovery:
    """A ``Recovery``. What a predecessor journaled it may have acknowledged or not: Discord knows."""

    def __init__(self, answers: Answers, people: People) -> None:
        self._answers = answers
        self._people = people

    def knows(self, command: CommandId) -> bool:
        """Whether this process was given the command itself."""
        return self._answers.knows(command)

    async def command(self, guild: GuildId, entry: JournalEntry) -> Command | None:
        """Return a predecessor's command, acknowledged, or None when it is over."""
        try:
            written = decode(Journaled, entry.payload)
        except MalformedValueError as error:
            _log.warning("journal.unreadable", guild=guild, why=str(error))
            return None
        wish = parse_interaction(written.payload)
        if not isinstance(wish, Wish):
            return None
        self._answers.expect(wish.origin, wish.ack)
        if not await self._accepted(wish):
            self._answers.forget(wish.origin.id)
            return None
        self._answers.deferred(wish.origin.id)
        channel = written.voice_channel
        if not written.located:
            try:
                channel = await self._people.voice_channel_of(guild, wish.command.user)
            except DiscordUnreachableError as error:
                _log.info("command.person_not_located", guild=guild, why=str(error))
                view, from_button = refusal(Phrase.TRY_AGAIN), wish.command.from_button
                await self._answers.reply(
                    guild, Reply(command=wish.command.id, view=view, from_button=from_button)
                )
                return None
        return replace(at_place(wish.command, written.payload, channel), replayed=True)

    async def _accepted(self, wish: Wish) -> bool:
        """Whether its person was, or is now, told that it is being done.

        While Discord can't say, it counts as accepted: its holder acknowledged right after journaling.
        """
        for _ in range(_ACK_ATTEMPTS):
            try:
                outcome = await self._answers.acknowledge(wish.origin, wish.ack)
            except GatewayError as error:
                _log.info("command.not_acknowledged", guild=wish.guild, why=str(error))
                continue
            metrics.ACKNOWLEDGEMENTS.labels(outcome.value).inc()
            if outcome is Ack.ALREADY:
                # By its holder, or by us: given it again while we were frozen, we refused it in words.
                return not await self._answers.turned_away(wish.origin.id)
            return outcome is Ack.ACCEPTED
        return True


def _permissions(payload: Mapping[str, Any]) -> int:
    """Return the bot's permission bits where the interaction was sent from; Discord sends a string."""
    bits = payload.get("app_permissions")
    return int(bits) if isinstance(bits, str) and bits.isdecimal() else 0

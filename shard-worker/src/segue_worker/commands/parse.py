"""An interaction as Discord sends it becomes a command, or a refusal in words. Total on any input.

https://discord.com/developers/docs/interactions/receiving-and-responding
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from segue_core.ids import ChannelId, CommandId, GuildId, UserId
from segue_worker.commands.custom_ids import parse_custom_id
from segue_worker.commands.spec import OptionKind
from segue_worker.commands.table import BY_NAME, COMMANDS
from segue_worker.domain.messages import Command, Verb
from segue_worker.domain.views import Phrase, ReplyView, Tone, Words

if TYPE_CHECKING:
    from segue_worker.commands.spec import CommandSpec, OptionSpec, OptionValue

_COMMAND = 2
_COMPONENT = 3
_AUTOCOMPLETE = 4
_MAX_SNOWFLAKE = 2**63 - 1
_LONGEST_SNOWFLAKE = 19
_LONGEST_TOKEN = 1024
_LONGEST_LOCALE = 16

CONNECT = 1 << 20
SPEAK = 1 << 21
ADMINISTRATOR = 1 << 3
VOICE_PERMISSIONS = {"Connect": CONNECT, "Speak": SPEAK}


class Ack(StrEnum):
    """How Discord is to be answered at once; three seconds are all there is."""

    DEFER = "defer"
    """Type 5, ephemeral: journaled, then this; the answer edits the original."""
    DEFER_UPDATE = "defer_update"
    """Type 6: journaled, then this; the answer is seen in the message, or is a follow-up."""
    DIRECT = "direct"
    """Type 4, ephemeral, with the answer: a read, not journaled."""
    DIRECT_UPDATE = "direct_update"
    """Type 7: the message with the button is replaced by the answer; a read, not journaled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which interaction to answer. The token is a credential for fifteen minutes."""

    id: CommandId
    application: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A command to carry out. ``command.voice_channel`` is for the caller to fill in, who knows it."""

    origin: Origin
    guild: GuildId
    command: Command
    ack: Ack
    cooldown_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An interaction that is answered at once (type 4, ephemeral) with ``view``; not journaled."""

    origin: Origin
    view: ReplyView


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing to answer to: not an interaction of ours, or of a kind that is not handled."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """Somebody types ``words`` into an option that we complete. Answered at once, or not at all."""

    origin: Origin
    guild: GuildId
    user: UserId
    words: str


class _BadOptionError(Exception):
    """An option is missing or out of bounds; Discord's client would not have sent it."""

    def __init__(self, phrase: Phrase, option: str) -> None:
        super().__init__(option)
        self.phrase = phrase
        self.option = option


def parse_interaction(payload: object) -> Wish | Typing | Refused | Ignored:
    """Return what an INTERACTION_CREATE payload asks for. Never raises; unknown fields are passed over."""
    if not isinstance(payload, Mapping):
        return Ignored(reason="not an object")
    origin = _origin(payload)
    if origin is None:
        return Ignored(reason="without id, application or token")
    guild, user, channel = _place(payload)
    if user is None or channel is None:
        return Ignored(reason="without user or channel")
    command = _blank_command(payload, origin, user, channel)
    data = payload.get("data")
    return _of_kind(
        payload.get("type"),
        origin,
        None if guild is None else GuildId(guild),
        command,
        data if isinstance(data, Mapping) else {},
    )


def _of_kind(
    kind: object, origin: Origin, guild: GuildId | None, command: Command, data: Mapping[Any, Any]
) -> Wish | Typing | Refused | Ignored:
    if not isinstance(kind, int) or kind not in {_COMMAND, _COMPONENT, _AUTOCOMPLETE}:
        return Ignored(reason="of a type that is not handled")
    if kind == _AUTOCOMPLETE:
        return _typing(origin, guild, command.user, data)
    if guild is None:
        return _refused(origin, Phrase.SERVERS_ONLY)
    handle = _slash if kind == _COMMAND else _button
    return handle(origin, guild, command, data)


def _blank_command(payload: Mapping[Any, Any], origin: Origin, user: int, channel: int) -> Command:
    locale = payload.get("locale")
    return Command(
        id=origin.id,
        verb=Verb.PING,
        user=UserId(user),
        text_channel=ChannelId(channel),
        voice_channel=None,
        locale=locale if isinstance(locale, str) and len(locale) <= _LONGEST_LOCALE else "en-US",
    )


def missing_voice_permissions(permissions: int) -> tuple[str, ...]:
    """Name what the bot lacks to speak in a channel where it has these ``permissions`` (bits)."""
    if permissions & ADMINISTRATOR:
        return ()
    return tuple(name for name, bit in VOICE_PERMISSIONS.items() if not permissions & bit)


def _slash(origin: Origin, guild: GuildId, command: Command, data: Mapping[Any, Any]) -> Wish | Refused:
    name = data.get("name")
    spec = BY_NAME.get(name) if isinstance(name, str) else None
    if spec is None:
        return _refused(origin, Phrase.UNKNOWN_COMMAND)
    try:
        given = _options(spec, data.get("options"), data.get("resolved"))
    except _BadOptionError as error:
        return _refused(origin, error.phrase, option=error.option)
    fields: dict[str, Any] = {
        option.fills: given[option.name] for option in spec.options if option.name in given
    }
    command = replace(command, verb=spec.verb, **fields)
    ack = Ack.DIRECT if spec.is_read(frozenset(given)) else Ack.DEFER
    return Wish(origin=origin, guild=guild, command=command, ack=ack, cooldown_ms=spec.cooldown_ms)


def _button(origin: Origin, guild: GuildId, command: Command, data: Mapping[Any, Any]) -> Wish | Refused:
    custom_id = data.get("custom_id")
    press = parse_custom_id(custom_id) if isinstance(custom_id, str) else None
    if press is None:
        return _refused(origin, Phrase.UNKNOWN_COMMAND)
    if press.offer is not None:
        return _chosen(origin, guild, replace(command, verb=press.verb, offer=press.offer), data)
    reads = press.verb in {Verb.QUEUE, Verb.HISTORY, Verb.HELP, Verb.LIKED}
    command = replace(
        command,
        verb=press.verb,
        amount=press.amount,
        relative=press.amount is not None,
        page=press.page,
        from_button=not reads,
    )
    read_ack = Ack.DIRECT if press.page is None else Ack.DIRECT_UPDATE
    return Wish(origin=origin, guild=guild, command=command, ack=read_ack if reads else Ack.DEFER_UPDATE)


def _chosen(origin: Origin, guild: GuildId, command: Command, data: Mapping[Any, Any]) -> Wish | Refused:
    """Somebody chose one of the songs that were offered: the list gives way to the answer."""
    values = data.get("values")
    chosen = values[0] if isinstance(values, list) and values else None
    place = _snowflake(chosen) if isinstance(chosen, str) else None
    if place is None:
        return _refused(origin, Phrase.UNKNOWN_COMMAND)
    return Wish(origin=origin, guild=guild, command=replace(command, place=place), ack=Ack.DEFER_UPDATE)


def _typing(origin: Origin, guild: GuildId | None, user: UserId, data: Mapping[Any, Any]) -> Typing | Ignored:
    sent = data.get("options")
    for option in sent if isinstance(sent, list) else []:
        if isinstance(option, Mapping) and option.get("focused") is True:
            words = option.get("value")
            if guild is not None and isinstance(words, str) and option.get("name") in _SUGGESTING:
                return Typing(origin=origin, guild=guild, user=user, words=words)
    return Ignored(reason="typed into nothing that we complete")


_SUGGESTING = tuple({option.name for spec in COMMANDS for option in spec.options if option.suggests})
"""No set: what is looked for in it may be anything, a list too."""


def _options(spec: CommandSpec, sent: object, resolved: object) -> dict[str, OptionValue]:
    """Return the options given, checked against the table; those unknown to it are passed over."""
    values = {}
    for option in sent if isinstance(sent, list) else []:
        if isinstance(option, Mapping) and isinstance(option.get("name"), str):
            values[option["name"]] = option.get("value")
    given: dict[str, OptionValue] = {}
    for option in spec.options:
        value = values.get(option.name)
        if option.kind is OptionKind.ATTACHMENT and value is not None:
            value = _link_of(value, resolved)
            if value is None:
                raise _BadOptionError(Phrase.BAD_OPTION, option.name)
        if value is not None:
            given[option.name] = _checked(option, value)
        elif option.required:
            raise _BadOptionError(Phrase.MISSING_OPTION, option.name)
    return given


def _link_of(attachment: object, resolved: object) -> object:
    """Return where a file that was sent along can be fetched."""
    files = resolved.get("attachments") if isinstance(resolved, Mapping) else None
    found = files.get(attachment) if isinstance(files, Mapping) and isinstance(attachment, str) else None
    return found.get("url") if isinstance(found, Mapping) else None


def _checked(option: OptionSpec, value: object) -> OptionValue:
    accepted = option.accepts(value)
    if accepted is None:
        raise _BadOptionError(Phrase.BAD_OPTION, option.name)
    return accepted


def _origin(payload: Mapping[Any, Any]) -> Origin | None:
    interaction = _snowflake(payload.get("id"))
    application = _snowflake(payload.get("application_id"))
    token = payload.get("token")
    if interaction is None or application is None:
        return None
    if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_TOKEN:
        return None
    return Origin(id=CommandId(str(interaction)), application=application, token=token)


def _place(payload: Mapping[Any, Any]) -> tuple[int | None, int | None, int | None]:
    """Return guild, user and channel; the user stands in ``member`` for guilds, else in ``user``."""
    member = payload.get("member")
    person = member.get("user") if isinstance(member, Mapping) else payload.get("user")
    user = _snowflake(person.get("id")) if isinstance(person, Mapping) else None
    channel = payload.get("channel")
    channel_id = payload.get("channel_id")
    if channel_id is None and isinstance(channel, Mapping):
        channel_id = channel.get("id")
    return _snowflake(payload.get("guild_id")), user, _snowflake(channel_id)


def _snowflake(value: object) -> int | None:
    """Return a 64-bit id sent as a string (as Discord does) or a number."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= _LONGEST_SNOWFLAKE):
            return None
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _MAX_SNOWFLAKE:
        return None
    return value


def _refused(origin: Origin, phrase: Phrase, **values: str | int) -> Refused:
    words = Words(phrase=phrase, values=values)
    return Refused(origin=origin, view=ReplyView(tone=Tone.REFUSED, words=words))

"""What calls of Discord's REST API take, and what they come to."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Protocol

from segue_worker.gateway.errors import GatewayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import hikari
    from hikari import api as hikari_api

    from segue_core.ids import CommandId
    from segue_worker.domain.views import FileView


class ErrorCode(IntEnum):
    """Discord's JSON error codes that mean something to us (*Opcodes and Status Codes, JSON*)."""

    UNKNOWN_INTERACTION = 10062
    ALREADY_ACKNOWLEDGED = 40060
    INVALID_WEBHOOK_TOKEN = 50027


class Ack(StrEnum):
    """What became of an acknowledgement."""

    ACCEPTED = "accepted"
    EXPIRED = "expired"
    """10062: too late, or no such interaction. Never carry it out."""

    ALREADY = "already"
    """40060: acknowledged before, by a predecessor or by a first try whose answer got lost."""


class Operation(StrEnum):
    """The calls we make, in words."""

    ACKNOWLEDGE = "acknowledging an interaction"
    COMPLETE = "completing an option"
    EDIT_ANSWER = "editing an answer"
    FOLLOW_UP = "following up"
    POST_MESSAGE = "posting a message"
    EDIT_MESSAGE = "editing a message"
    DELETE_MESSAGE = "deleting a message"
    REGISTER_COMMANDS = "registering commands"
    VOICE_STATE = "asking who is in voice"

    @property
    def label(self) -> str:
        """Its name in metrics."""
        return self.name.lower()


class RestError(GatewayError):
    """A REST call that did not do what it should."""


class GoneError(RestError):
    """What the call was about exists no longer: message, channel, or interaction token."""


class ForbiddenError(RestError):
    """The bot lacks a permission there, or is blocked."""


class RefusedError(RestError):
    """Discord does not accept the content of the call: a bug of ours."""


class UnansweredError(RestError):
    """Discord did not answer in time or could not serve the call; trying later may help."""


class Shown(Protocol):
    """What a message shows. Nobody is ever mentioned by it, whatever it contains."""

    @property
    def embeds(self) -> Sequence[hikari.Embed]:
        """Up to ten."""

    @property
    def components(self) -> Sequence[hikari_api.ComponentBuilder]:
        """Rows of buttons."""

    @property
    def file(self) -> FileView | None:
        """A file to send along with an answer."""


class Answerable(Protocol):
    """An interaction, as far as answering it goes."""

    @property
    def id(self) -> CommandId:
        """Its id."""

    @property
    def token(self) -> str:
        """A credential for 15 minutes."""

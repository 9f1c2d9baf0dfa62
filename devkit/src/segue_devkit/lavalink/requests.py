"""Request bodies, read as strictly as the node's JSON mapper does: wrong shapes are a bare 400."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from segue_devkit.lavalink.errors import bad_request
from segue_devkit.lavalink.voice.connection import VoiceState

_MAX_INT: Final = (1 << 31) - 1
_MAX_LONG: Final = (1 << 63) - 1
_DIGITS: Final = re.compile(r"-?[0-9]{1,20}")
_INCOMPLETE: Final = "token, endpoint, sessionId and channelId must be provided in voice state"


class Omitted:
    """A field that the request does not mention, which is not the same as null."""


OMITTED: Final = Omitted()


@dataclass(frozen=True, slots=True)
class PlayerPatch:
    """A player PATCH; fields that are absent are OMITTED, times are milliseconds."""

    encoded: str | Omitted | None
    identifier: str | Omitted
    user_data: dict[str, Any] | Omitted
    position: int | Omitted
    end_time: int | Omitted | None
    volume: int | Omitted
    paused: bool | Omitted
    filters: dict[str, Any] | Omitted
    voice: VoiceState | Omitted

    @property
    def has_track(self) -> bool:
        """Whether a track is started or stopped by it."""
        return not (isinstance(self.encoded, Omitted) and isinstance(self.identifier, Omitted))


def player_patch(body: Any) -> PlayerPatch:
    """Read a player PATCH; unknown fields are passed over.

    Raises:
        ApiError: 400.
    """
    fields = _object(body)
    track = _object(fields["track"]) if "track" in fields else {}
    if "track" in fields and ("encodedTrack" in fields or "identifier" in fields):
        raise bad_request("Cannot specify both track and encodedTrack/identifier")
    encoded = _nullable(track, "encoded", str)
    identifier = _field(track, "identifier", str)
    if isinstance(encoded, Omitted):
        encoded = _nullable(fields, "encodedTrack", str)
    if isinstance(identifier, Omitted):
        identifier = _field(fields, "identifier", str)
    if not isinstance(encoded, Omitted) and not isinstance(identifier, Omitted):
        raise bad_request("Cannot specify both encodedTrack and identifier")
    end_time = _nullable(fields, "endTime", int)
    patch = PlayerPatch(
        encoded=encoded,
        identifier=identifier,
        user_data=_field(track, "userData", dict),
        position=_field(fields, "position", int),
        end_time=end_time,
        volume=_field(fields, "volume", int, most=_MAX_INT),
        paused=_field(fields, "paused", bool),
        filters=_field(fields, "filters", dict),
        voice=_voice(fields["voice"]) if "voice" in fields else OMITTED,
    )
    if isinstance(end_time, int) and end_time <= 0:
        raise bad_request("End time must be greater than 0")
    return patch


def address(body: Any) -> str:
    """Read the address that is to be freed.

    Raises:
        ApiError: 400.
    """
    return _required(_object(body), "address")


def session_patch(body: Any) -> tuple[bool | Omitted, int | Omitted]:
    """Read a session PATCH: `resuming` and `timeout` (seconds).

    Raises:
        ApiError: 400.
    """
    fields = _object(body)
    return _field(fields, "resuming", bool), _field(fields, "timeout", int)


def encoded_tracks(body: Any) -> list[str]:
    """Read a list of encoded tracks.

    Raises:
        ApiError: 400.
    """
    if not isinstance(body, list) or not all(isinstance(text, str) for text in body):
        raise bad_request()
    if not body:
        raise bad_request("No tracks to decode provided")
    return body


def _voice(body: Any) -> VoiceState:
    fields = _object(body)
    token, endpoint, session = (_required(fields, name) for name in ("token", "endpoint", "sessionId"))
    channel = fields.get("channelId", OMITTED)
    if channel is not None and not isinstance(channel, str):
        raise bad_request()
    if not (token and endpoint and session and channel):
        raise bad_request(_INCOMPLETE)
    return VoiceState(token, endpoint, session, channel)


def _required(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise bad_request()
    return value


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise bad_request()
    return body


def _field(fields: dict[str, Any], name: str, kind: type, *, most: int = _MAX_LONG) -> Any:
    value = fields.get(name, OMITTED)
    if isinstance(value, Omitted):
        return value
    if kind is int:
        return whole(value, most)
    if kind is bool and value in ("true", "false"):
        return value == "true"
    if type(value) is kind:
        return value
    raise bad_request()


class Pointed(float):
    """A number that was written with a decimal point, which no whole number may be."""


def parsed(text: str) -> Any:
    """A body's JSON.

    Raises:
        ApiError: 400: it is none.
    """

    def number(digits: str) -> float:
        return Pointed(digits) if "." in digits else float(digits)

    try:
        return json.loads(text, parse_float=number)
    except (ValueError, RecursionError):
        raise bad_request() from None


def whole(value: Any, most: int = _MAX_LONG) -> int:
    """A whole number, which the mapper also takes as text or with an exponent.

    Raises:
        ApiError: 400: none, or too large for the JVM's type.
    """
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    number = value if isinstance(value, int) and not isinstance(value, bool) else real(value)
    if isinstance(value, Pointed) or number != int(number) or not -most - 1 <= number <= most:
        raise bad_request()
    return int(number)


def real(value: Any) -> float:
    """A number, which the mapper also takes as text.

    Raises:
        ApiError: 400: none, or none that is finite.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise bad_request()
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise bad_request() from None
    if not math.isfinite(number):
        raise bad_request()
    return number


def _nullable(fields: dict[str, Any], name: str, kind: type) -> Any:
    return None if fields.get(name, OMITTED) is None else _field(fields, name, kind)

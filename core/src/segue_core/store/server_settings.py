"""What a server's managers can choose. Every field is a column of ``server_configuration``."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from segue_core.ids import TierName
from segue_core.models import FREE_TIER

if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST_ID = 2**63 - 1


class AudioQuality(StrEnum):
    """The best quality a server's nodes are asked for."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    LOSSLESS = "lossless"


class AutoplayMode(StrEnum):
    """What follows an empty queue."""

    SIMILAR = "similar"
    ARTIST = "artist"
    GENRE = "genre"
    MIXED = "mixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """A server's settings; a server that changed nothing has these defaults.

    ``volume_limit`` is percent; ``max_song_duration`` seconds, 0 for any length;
    ``vote_skip_threshold`` the share of listeners.
    """

    subscription_tier: TierName = FREE_TIER
    subscription_expires_at: datetime | None = None
    spotify_enabled: bool = True
    apple_music_enabled: bool = True
    deezer_enabled: bool = True
    lyrics_enabled: bool = True
    sponsor_block_enabled: bool = False
    advanced_search_enabled: bool = False
    max_audio_quality: AudioQuality = AudioQuality.HIGH
    volume_limit: Annotated[int, Field(ge=1, le=1000)] = 200
    max_queue_size: Annotated[int, Field(ge=1, le=10_000)] = 500
    max_song_duration: Annotated[int, Field(ge=0, le=86_400)] = 0
    allow_explicit_content: bool = True
    dj_role_id: Annotated[int, Field(ge=1, le=_LARGEST_ID)] | None = None
    dj_only_mode: bool = False
    vote_skip_enabled: bool = False
    vote_skip_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    autoplay_enabled: bool = False
    autoplay_mode: AutoplayMode = AutoplayMode.SIMILAR
    autoplay_queue_size: Annotated[int, Field(ge=1, le=100)] = 10
    ephemeral_messages: bool = False
    persistent_connection: bool = False


COLUMNS = tuple(field.name for field in fields(ServerSettings))
_adapter = TypeAdapter(ServerSettings)


class InvalidSettingError(ValueError):
    """A setting does not exist or cannot have this value; the text names it and what would fit."""


def changed(settings: ServerSettings, changes: Mapping[str, Any]) -> ServerSettings:
    """Return ``settings`` with ``changes``; values may be texts as a person types them.

    Raises:
        InvalidSettingError: naming the setting.
    """
    for name in changes:
        if name not in COLUMNS:
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InvalidSettingError(f"there is no setting {name!r}{hint}")
    try:
        return _adapter.validate_python(asdict(settings) | dict(changes))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidSettingError(f"{first['loc'][0]}: {first['msg']}") from error


def from_row(row: Mapping[str, Any]) -> ServerSettings:
    """Return the settings a row holds."""
    return _adapter.validate_python({name: row[name] for name in COLUMNS})

"""Everything Segue keeps in PostgreSQL, and all of its SQL."""

from __future__ import annotations

from segue_core.store.connection import StoreUnavailableError
from segue_core.store.rows import AuditRow, EventRow, HeardSong, HistoryRow, RatedSong, RawEvent, SongRow
from segue_core.store.server_settings import InvalidSettingError, ServerSettings
from segue_core.store.store import Store

__all__ = [
    "AuditRow",
    "EventRow",
    "HeardSong",
    "HistoryRow",
    "InvalidSettingError",
    "RatedSong",
    "RawEvent",
    "ServerSettings",
    "SongRow",
    "Store",
    "StoreUnavailableError",
]

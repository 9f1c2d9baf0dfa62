"""How long we wait and how often we try, in one place. Durations in milliseconds."""

from __future__ import annotations

QUERY_LIMIT = 500
"""Longest link or search, characters."""

PLAYLIST_LIMIT = 1_000
"""Songs taken of one playlist at most, whatever room the queue has."""

OFFERED = 25
"""Songs offered to choose from: as many as Discord's select menu holds."""

PAGE_SIZE = 10
"""Songs on a page of the queue."""

UP_NEXT = 3
"""Songs announced in the now-playing message."""

FACTOR_LEAST, FACTOR_MOST = 0.5, 2.0
"""Bounds of speed and pitch chosen by number; beyond them it is noise."""

STEP_MS = 10_000
"""How far /forward and /rewind go when nobody says."""

PLAYED_LIMIT = 5
"""Songs one can go back by; they travel in every snapshot."""

LOAD_TIMEOUT_MS = 20_000
"""A search is given up after this, however many nodes were tried."""

JOIN_TIMEOUT_MS = 10_000
"""Discord answers op 4 within a second or so, or (no permission, channel full) never."""

VERDICT_MS = 1_000
"""After voice closes with 4014 or 4022 Discord tells soon whether we were kicked or moved."""

RATE_LIMITED_MS = 60_000
"""Back-off after voice close 4021."""

REJOIN_LIMIT = 3
REJOIN_WINDOW_MS = 60_000
"""Leave-and-join cycles we spend on a broken voice connection before we give up in words."""

DISCONNECTED_MS = 5_000
"""A node that says "not connected" for so long, though it has our voice data, needs new ones."""

PLACE_TIMEOUT_MS = 5_000
PLACE_ATTEMPTS = 5
NEWCOMER_ATTEMPTS = 3
"""Placements tried before somebody who asks for a first song is told that no player is free."""

PLACE_BACKOFF_MS = 1_000
"""Doubled after each attempt."""

PATCH_TIMEOUT_MS = 4_000
"""Longer than the interpreter's own 2 s: only an answer that got lost runs into this."""

LEAVE_TIMEOUT_MS = 5_000
"""How long a planned move waits for the new player's first word before the old one is ended anyway."""

PATCH_MOVES = 2
"""How often a failed PATCH is tried on another node before new voice data are asked for."""

POST_TIMEOUT_MS = 30_000
"""Posting a message may wait for Discord's rate limits."""

FAILURE_LIMIT = 5
"""Songs failing in a row before we stop: a queue of dead links must not spin."""

FAILURES_OF_NODE = 2
"""Songs failing in a row by no fault of theirs, after which the next one is tried on another node."""

RETRY_MS = 1_000
"""Before a song that failed is started again: what broke may need a moment."""

REPLACE_TIMEOUT_MS = 10_000
"""Longer than a search takes; only an answer that got lost runs into this."""

FAILED_END_MS = 3_000
"""How long a TrackExceptionEvent may come without the TrackEndEvent that belongs to it."""

HEARD_MS = 1_000
"""A song heard for so long has worked."""

POSITION_TOLERANCE_MS = 2_000
"""A position off by more than this from the stored one is stored anew."""

DISPLAY_TOLERANCE_MS = 3_000
"""The message is edited when the end it announces is off by more than this."""

REFRESH_MS = 10_000
"""How often the bar in the message is moved on; the time it names as the end counts by itself."""

SEEK_TOLERANCE_MS = 5_000
"""On adoption with an older version, a node's position this far off is corrected by a seek."""

REMEMBERED_COMMANDS = 64
"""Command ids answered last, against a gateway replay that overlaps."""

REASON_LIMIT = 200
"""Characters of a node's own words about a failed song that are shown."""

EXPECTED_LIMIT = 8
"""Own voice states awaited at most; more means that Discord does not answer."""

SNOWFLAKE_EPOCH_MS = 1_420_070_400_000
"""Discord's epoch: an id's upper bits count milliseconds from here."""

PING_LIMIT_MS = 60_000
"""An interaction is never older when we answer it; more means a clock that is off."""

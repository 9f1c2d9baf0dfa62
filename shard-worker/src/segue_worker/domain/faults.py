"""Whose fault it is that a song could not be played, by what Lavalink says of it: pure.

Lavalink v4 gives a message, a severity and a cause. *common* is the song's own (private, gone, blocked);
*suspicious* and *fault* may be anybody's. Sources word it in many ways, so words decide where they can.
"""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What was wrong, told apart by what helps."""

    GONE = "gone"
    """The song itself can't be had: removed, private, blocked here. Another one like it helps."""
    UNREADABLE = "unreadable"
    """There is something, but no music we can read. Another one like it helps."""
    REFUSED = "refused"
    """The source asks for less, or for a person. Another source helps, or later."""
    BROKEN = "broken"
    """The way to it broke. The same again helps."""
    STUCK = "stuck"
    """It stopped sending. The same again helps."""

    @property
    def passes(self) -> bool:
        """Whether the same song may well play a moment later."""
        return self in {Fault.BROKEN, Fault.STUCK}

    @property
    def of_the_song(self) -> bool:
        """Whether the song is to blame: its source and its node are not."""
        return self in {Fault.GONE, Fault.UNREADABLE}


_SIGNS: tuple[tuple[Fault, tuple[str, ...]], ...] = (
    (
        Fault.REFUSED,
        (
            "429",
            "too many requests",
            "rate limit",
            "rate-limit",
            "not a bot",
            "sign in to confirm",
            "login required",
            "requires login",
            "captcha",
            "status code 403",
            "403 forbidden",
        ),
    ),
    (
        Fault.GONE,
        (
            "unavailable",
            "not available",
            "private",
            "removed",
            "deleted",
            "copyright",
            "blocked it",
            "in your country",
            "age-restricted",
            "age restricted",
            "members-only",
            "no longer exists",
            "filenotfound",
            "no such file",
            "status code 404",
            "status code 410",
            "404 not found",
        ),
    ),
    (
        Fault.UNREADABLE,
        (
            "unknown file format",
            "unsupported",
            "no supported audio",
            "invalid data",
            "unexpected file",
            "could not find codec",
            "decod",
        ),
    ),
    (
        Fault.BROKEN,
        (
            "timed out",
            "timeout",
            "connection reset",
            "connection refused",
            "connection closed",
            "broken pipe",
            "socketexception",
            "ioexception",
            "premature end",
            "status code 5",
        ),
    ),
)


def fault_of(message: str, cause: str, severity: str, *, stuck: bool = False) -> Fault:
    """Return whose fault it was; what nobody can tell is taken for a broken way, tried again once."""
    if stuck:
        return Fault.STUCK
    said = f"{message} {cause}".casefold()
    for fault, signs in _SIGNS:
        if any(sign in said for sign in signs):
            return fault
    return Fault.GONE if severity.casefold() == "common" else Fault.BROKEN

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_worker.gateway.codes import DETACH_CODE, RECONNECT_CODE, Next, verdict
from segue_worker.gateway.errors import (
    ApiVersionError,
    BadTokenError,
    DisallowedIntentsError,
    InvalidIntentsError,
    ShardingError,
)

DOCUMENTED = {
    4000: Next.RESUME,
    4001: Next.RESUME,
    4002: Next.RESUME,
    4003: Next.IDENTIFY,
    4004: Next.STOP,
    4005: Next.RESUME,
    4007: Next.IDENTIFY,
    4008: Next.RESUME,
    4009: Next.IDENTIFY,
    4010: Next.STOP,
    4011: Next.STOP,
    4012: Next.STOP,
    4013: Next.STOP,
    4014: Next.STOP,
}


@pytest.mark.parametrize(("code", "expected"), DOCUMENTED.items())
def test_documented_codes(code: int, expected: Next) -> None:
    """Every documented close code leads where Discord's documentation says."""
    assert verdict(code).next is expected


@given(st.none() | st.integers(min_value=1000, max_value=4999).filter(lambda code: code not in DOCUMENTED))
def test_undocumented_codes_cost_a_resume(code: int | None) -> None:
    """A broken socket or a code nobody documented never costs an IDENTIFY and never ends the worker."""
    assert verdict(code).next is Next.RESUME


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (4004, BadTokenError, "SEGUE_DISCORD_TOKEN"),
        (4010, ShardingError, "4010"),
        (4011, ShardingError, "too many guilds"),
        (4012, ApiVersionError, "version 10"),
        (4013, InvalidIntentsError, "intents"),
        (4014, DisallowedIntentsError, "Bot page"),
    ],
)
def test_fatal_codes_say_what_to_do(code: int, kind: type[Exception], words: str) -> None:
    """A code that ends the worker has a typed error, in one line, that names the way out."""
    make = verdict(code).error
    assert make is not None
    error = make()
    assert isinstance(error, kind)
    assert words in str(error)
    assert "\n" not in str(error)


def test_own_codes_keep_the_session() -> None:
    """The codes we close with are none of those that end a session (1000, 1001) or mean something else."""
    assert {DETACH_CODE, RECONNECT_CODE}.isdisjoint({1000, 1001, *DOCUMENTED})
    assert all(4000 <= code <= 4999 for code in (DETACH_CODE, RECONNECT_CODE))

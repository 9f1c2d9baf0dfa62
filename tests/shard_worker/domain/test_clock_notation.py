"""Times as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_worker.domain.clock_notation import Time, parse_time
from segue_worker.ui import texts


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("83", 83),
        ("1:23", 83),
        ("01:23", 83),
        ("1m23s", 83),
        ("1m 23s", 83),
        ("1M23S", 83),
        (" 83s ", 83),
        ("1 min 23 sec", 83),
        ("90:00", 5400),
        ("1:30:00", 5400),
        ("1h30m", 5400),
        ("1h", 3600),
        ("0", 0),
        ("0:00", 0),
    ],
)
def test_a_time_can_be_written_in_many_ways(text: str, seconds: int) -> None:
    """Clock, seconds and units; all count from the beginning."""
    assert parse_time(text) == Time(ms=seconds * 1000)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("+30", 30), ("-30", -30), ("\u221230", -30), ("+ 1:05", 65), ("-1m", -60), ("-0", 0)],
)
def test_a_sign_counts_from_where_the_song_is(text: str, seconds: int) -> None:
    """Plus goes on, minus goes back; the minus of a phone's keyboard is one."""
    assert parse_time(text) == Time(ms=seconds * 1000, relative=True)


@pytest.mark.parametrize(
    "text", ["", " ", "+", "1:2", "1:60", "1:60:00", "a", "1.5", "h", "1m23", "1:23s", "٣", "--3", "1" * 19]
)
def test_what_is_no_time_is_none(text: str) -> None:
    """Nothing is guessed."""
    assert parse_time(text) is None


@given(st.integers(0, 99 * 3600))
def test_what_we_write_we_read(seconds: int) -> None:
    """A time copied from the message is understood."""
    assert parse_time(texts.duration(seconds * 1000)) == Time(ms=seconds * 1000)


@given(st.text(max_size=20))
def test_any_text_is_survived(text: str) -> None:
    """Total: a time, or none."""
    time = parse_time(text)
    assert time is None or time.relative or time.ms >= 0

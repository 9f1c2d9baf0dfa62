"""Other people's words are shown as they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_worker.ui.markdown import escape, graphemes, length, truncate

FAMILY = "👨‍👩‍👧‍👦"
FLAG = "🇩🇪"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**bold** `code`", r"\*\*bold\*\* \`code\`"),
        ("||spoiler||", r"\|\|spoiler\|\|"),
        ("[click](https://evil.example)", r"\[click\]\(https\://evil.example\)"),
        ("@everyone", "@\u200beveryone"),
        ("<@123>", "\\<@\u200b123\\>"),
        (":smile:", r"\:smile\:"),
        ("a\nb\tc", "a b c"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("- item", "\u200b- item"),
        ("1. item", "\u200b1. item"),
        ("# head", r"\# head"),
        ("Nightdrive", "Nightdrive"),
    ],
)
def test_markup_is_shown_and_not_obeyed(text: str, expected: str) -> None:
    """Markdown, mentions, links, emoji, line breaks and text that runs backwards."""
    assert escape(text) == expected


@pytest.mark.parametrize("whole", [FAMILY, FLAG, "é", "👍🏽", "नि"])
def test_no_character_is_torn_apart(whole: str) -> None:
    """A joined emoji, a flag or an accent stays whole, or goes whole."""
    assert list(graphemes(f"a{whole}b")) == ["a", whole, "b"]
    assert truncate(f"ab{whole}cdef", length(whole) + 2) == "ab…"


def test_short_text_is_left_alone() -> None:
    """An ellipsis only where something is missing."""
    assert truncate("abc", 3) == "abc"
    assert truncate("abcd", 3) == "ab…"


@given(st.text(), st.integers(0, 60))
def test_limits_hold_for_any_text(text: str, limit: int) -> None:
    """Counted the strictest way; escaping included; never half an escape."""
    assert length(truncate(text, limit)) <= limit
    escaped = escape(text, limit)
    assert length(escaped) <= limit
    backslashes = len(escaped.rstrip("…")) - len(escaped.rstrip("…").rstrip("\\"))
    assert backslashes % 2 == 0
    assert "\n" not in escaped


@given(st.text())
def test_graphemes_lose_nothing(text: str) -> None:
    """Put together again they are the text."""
    assert "".join(graphemes(text)) == text

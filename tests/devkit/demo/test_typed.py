"""What is typed into the page's message box is read as Discord's client would read it."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.demo.typed import Focus, Pick, Typed, TypedError, focus, parse

COMMANDS: list[dict[str, Any]] = [
    {
        "name": "play",
        "options": [
            {"name": "query", "type": 3, "required": True},
            {"name": "next", "type": 5},
            {"name": "speed", "type": 10},
        ],
    },
    {"name": "volume", "options": [{"name": "percent", "type": 4}]},
    {
        "name": "loop",
        "options": [
            {
                "name": "mode",
                "type": 3,
                "required": True,
                "choices": [{"name": "This song", "value": "track"}, {"name": "Off", "value": "off"}],
            }
        ],
    },
    {
        "name": "filter",
        "options": [
            {
                "name": "set",
                "type": 1,
                "options": [{"name": "preset", "type": 3, "required": True}],
            },
            {"name": "clear", "type": 1},
        ],
    },
    {"name": "invite", "options": [{"name": "who", "type": 6}]},
    {
        "name": "add",
        "options": [
            {"name": "file", "type": 11},
            {"name": "query", "type": 3, "autocomplete": True},
            {"name": "at", "type": 4, "autocomplete": True},
            {"name": "cover", "type": 11},
        ],
    },
    {"name": "stop"},
]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("/stop", Typed("stop")),
        ("  /stop  ".strip(), Typed("stop")),
        ("/play lantern waltz", Typed("play", {"query": "lantern waltz"})),
        ("/play query:lantern waltz", Typed("play", {"query": "lantern waltz"})),
        ("/play query:half past next:yes", Typed("play", {"query": "half past", "next": True})),
        ("/play next:off query: tide", Typed("play", {"next": False, "query": "tide"})),
        ("/play query:x speed:1.5", Typed("play", {"query": "x", "speed": 1.5})),
        ("/play http://127.0.0.1/a?next:b", Typed("play", {"query": "http://127.0.0.1/a?next:b"})),
        ("/volume", Typed("volume")),
        ("/volume percent:", Typed("volume")),
        ("/volume 50", Typed("volume", {"percent": 50})),
        ("/loop this song", Typed("loop", {"mode": "track"})),
        ("/loop mode:OFF", Typed("loop", {"mode": "off"})),
        ("/filter set nightcore", Typed("filter set", {"preset": "nightcore"})),
        ("/filter clear", Typed("filter clear")),
    ],
)
def test_commands_are_read_with_and_without_option_names(text: str, wanted: Typed) -> None:
    """Words go to the first option; names, choices and sub-commands are understood."""
    assert parse(text, COMMANDS) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "try /play"),
        ("", "try /play"),
        ("/", "There is no command /"),
        ("/pley x", "There are: /play, /volume"),
        ("/play", "/play needs query"),
        ("/play query:", "/play needs query"),
        ("/stop now", "takes no options"),
        ("/volume loud", "percent must be a whole number, not “loud”"),
        ("/volume 1.5", "whole number"),
        ("/volume ٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣", "whole number"),
        ("/play query:x speed:fast", "speed must be a number"),
        ("/play query:x speed:nan", "speed must be a number"),
        ("/play query:x next:maybe", "yes or no"),
        ("/loop sideways", "one of: This song, Off"),
        ("/filter", "goes on with one of: set, clear"),
        ("/filter sett", "goes on with one of: set, clear"),
        ("/filter set", "/filter set needs preset"),
        ("/invite Ada", "can't fill in who"),
    ],
)
def test_what_does_not_fit_is_said_in_words(text: str, words: str) -> None:
    """Each mistake has a sentence for the person who typed it."""
    with pytest.raises(TypedError, match=words.replace("(", r"\(")):
        parse(text, COMMANDS)


@pytest.mark.parametrize(
    ("text", "files", "wanted"),
    [
        ("/add", (7,), {"file": 7}),
        ("/add", (7, 8), {"file": 7, "cover": 8}),
        ("/add tide tables", (7,), {"file": 7, "query": "tide tables"}),
        ("/add query:tide at:2", (), {"query": "tide", "at": 2}),
    ],
)
def test_files_go_to_the_options_that_take_one(
    text: str, files: tuple[int, ...], wanted: dict[str, object]
) -> None:
    """Files fill those options in order, and typed words never do."""
    assert parse(text, COMMANDS, files=files) == Typed("add", wanted)


@pytest.mark.parametrize(("text", "files"), [("/stop", (1,)), ("/add", (1, 2, 3))])
def test_files_nobody_takes_are_refused(text: str, files: tuple[int, ...]) -> None:
    """A file is never dropped silently."""
    with pytest.raises(TypedError, match="file"):
        parse(text, COMMANDS, files=files)


def test_a_chosen_proposal_is_sent_by_its_value() -> None:
    """What was chosen counts as long as it stands there; edited, it is text again."""
    picks = {"query": Pick("Lantern Waltz", "tune:1"), "at": Pick("at the end", 99)}
    text = "/add query:Lantern Waltz at:at the end"
    assert parse(text, COMMANDS, picks).options == {"query": "tune:1", "at": 99}
    assert parse("/add query:Lantern", COMMANDS, picks).options == {"query": "Lantern"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("/add", Focus("add", "query", {"query": ""})),
        ("/add lan", Focus("add", "query", {"query": "lan"})),
        ("/add query:lan at:", Focus("add", "at", {"query": "lan", "at": ""})),
        ("/play lan", None),
        ("/volume ", None),
        ("/stop", None),
    ],
)
def test_the_option_that_is_typed_is_the_one_the_bot_completes(text: str, wanted: Focus | None) -> None:
    """The last option that is named, with all that was typed so far; none if the bot completes it not."""
    assert focus(text, COMMANDS) == wanted


def test_before_the_bot_has_registered_anything_that_is_what_is_said() -> None:
    """A bot that is still starting has no commands, and nothing breaks."""
    with pytest.raises(TypedError, match="none yet"):
        parse("/play x", [])


@given(st.text(max_size=60))
def test_any_text_is_a_command_or_a_sentence(text: str) -> None:
    """Nothing that can be typed raises anything but words."""
    for typed in (text, f"/{text}", f"/play {text}", f"/volume percent:{text}", f"/filter {text}"):
        with contextlib.suppress(TypedError):
            assert parse(typed, COMMANDS).name


_WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12).filter(
    lambda word: not word.endswith(":")
)


@given(st.lists(_WORDS, min_size=1, max_size=5), st.booleans(), st.integers(-999, 999))
def test_options_come_back_as_they_were_written(words: list[str], yes: bool, speed: int) -> None:
    """Text, switch and number survive in any order of the named options."""
    query = " ".join(words)
    parts = [f"query:{query}", f"next:{'yes' if yes else 'no'}", f"speed:{speed}"]
    if any(f"{name}:" in query for name in ("query", "next", "speed")):
        return
    for order in (parts, parts[::-1]):
        typed = parse(f"/play {' '.join(order)}", COMMANDS)
        assert typed.options == {"query": query, "next": yes, "speed": float(speed)}

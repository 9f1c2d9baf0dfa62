"""Menus and completions within Discord's limits, whatever songs are called."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from segue_core.models import Track
from segue_worker.domain.views import OfferView, Phrase, ReplyView, Tone, Words
from segue_worker.ui import menus, render
from segue_worker.ui.markdown import length


def song(title: str, author: str = "The Tubes", *, stream: bool = False) -> Track:
    """Return a song of this name."""
    return Track(
        encoded="e",
        identifier="i",
        title=title,
        author=author,
        length_ms=200_000,
        source="s",
        is_stream=stream,
    )


def menu_of(*tracks: Track) -> dict[str, Any]:
    """Return the menu that offers these, as it is sent to Discord."""
    words = Words(phrase=Phrase.OFFERED, values={"query": "night"})
    view = ReplyView(tone=Tone.INFO, words=words, offer=OfferView(id="123", tracks=tracks))
    (row,) = render.reply(view).components
    payload, _ = row.build()
    (menu,) = payload["components"]
    return dict(menu)


def test_a_menu_names_songs_and_their_places() -> None:
    """Title, artist and length can be read; the value is the place, from 1."""
    menu = menu_of(song("Night Drive"), song("On Air", stream=True))
    assert menu["custom_id"] == "sg1:offer:123"
    first, second = menu["options"]
    assert (first["label"], first["value"], first["description"]) == ("Night Drive", "1", "The Tubes · 3:20")
    assert second["description"] == "The Tubes · live"


@given(titles=st.lists(st.text(max_size=150), min_size=1, max_size=40), author=st.text(max_size=150))
def test_discord_takes_every_menu(titles: list[str], author: str) -> None:
    """At most 25 options of one line and 100 characters, none of them without a name."""
    options = menu_of(*(song(title, author) for title in titles))["options"]
    assert 1 <= len(options) <= 25
    assert [option["value"] for option in options] == [str(place + 1) for place in range(len(options))]
    for option in options:
        assert 1 <= length(option["label"]) <= menus.LIMIT
        assert 1 <= length(option["description"]) <= menus.LIMIT
        assert option["label"].isprintable() or any(character == "\u200d" for character in option["label"])


@given(title=st.text(max_size=150), author=st.text(max_size=150), long=st.none() | st.integers(0, 10**9))
def test_every_completion_fits(title: str, author: str, long: int | None) -> None:
    """However long a title is, its length stays readable behind it."""
    line = menus.song(title, author, long)
    assert length(line) <= menus.LIMIT
    if long is not None:
        assert line.endswith(")")


def test_titles_are_shown_as_they_are() -> None:
    """Menus know no markup, so stars and underscores are no business of ours there."""
    assert menus.label("**A**_b_\n@everyone") == "**A**_b_ @everyone"
    assert menus.label(" \n") == "?"

"""What people see in Discord."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segue_core.ids import ItemId, UserId
from segue_core.models import LoopMode, QueueItem, Track
from segue_worker.commands.custom_ids import parse_custom_id
from segue_worker.domain.views import (
    NowPlayingView,
    Phrase,
    PlayerPhase,
    QueuePage,
    ReplyView,
    Tone,
    Words,
)
from segue_worker.ui import render, texts
from segue_worker.ui.markdown import length

if TYPE_CHECKING:
    import hikari

    from segue_worker.ui.parts import Rendered


def song(title: str = "Nightdrive", **changes: Any) -> QueueItem:
    """Return a queued song."""
    values: dict[str, Any] = {
        "encoded": "e",
        "identifier": "i",
        "title": title,
        "author": "The Tubes",
        "length_ms": 200_000,
        "source": "catalogue",
        "uri": "https://example.org/watch",
        "artwork_url": "https://example.org/cover.png",
    }
    return QueueItem(
        id=ItemId("1-0"), track=Track(**{**values, **changes}), requester=UserId(7), requested_at=0
    )


def view(**changes: Any) -> NowPlayingView:
    """Return a now-playing view."""
    values: dict[str, Any] = {
        "phase": PlayerPhase.PLAYING,
        "item": song(),
        "position_ms": 65_000,
        "volume": 80,
        "loop": LoopMode.OFF,
        "queued": 0,
        "node": "us-east-0",
    }
    return NowPlayingView(**{**values, **changes})


def embed_of(rendered: Rendered) -> hikari.Embed:
    """Return the only embed."""
    (embed,) = rendered.embeds
    return embed


def buttons(rendered: Rendered) -> list[Any]:
    """Return all buttons as Discord gets them."""
    rows = [row.build()[0] for row in rendered.components]
    return [button for row in rows for button in row["components"]]


def test_the_message_says_what_plays() -> None:
    """Title as a link, artwork, author, who asked, position, volume and node."""
    embed = embed_of(render.now_playing(view(ends_at=1_700_000_100_000)))
    assert (embed.title, embed.url) == ("Nightdrive", "https://example.org/watch")
    assert embed.thumbnail is not None
    assert embed.description is not None
    for part in ("The Tubes", "<@7>", "1:05 / 3:20", "🔘", "<t:1700000100:R>"):
        assert part in embed.description
    assert embed.footer is not None
    assert embed.footer.text == "volume 80 % · on us-east-0"


def test_what_comes_next_is_announced() -> None:
    """A few songs by title, the others by number."""
    embed = embed_of(render.now_playing(view(queued=9, up_next=(song("B"), song("C")))))
    assert embed.description is not None
    assert "`1.` B" in embed.description
    assert "and 7 more" in embed.description


def test_every_button_means_something() -> None:
    """Ids are unique in a message, are ours, and work."""
    ids = [button["custom_id"] for button in buttons(render.now_playing(view()))]
    assert len(set(ids)) == len(ids) == 10
    assert all(parse_custom_id(custom_id) for custom_id in ids)


def test_pause_turns_into_resume() -> None:
    """The one that makes sense is offered."""
    labels = [button.get("label") for button in buttons(render.now_playing(view(phase=PlayerPhase.PAUSED)))]
    assert "Resume" in labels
    assert "Pause" not in labels


def test_an_ended_message_has_no_working_buttons() -> None:
    """All are disabled, none is missing."""
    shown = buttons(render.now_playing(view(phase=PlayerPhase.ENDED, item=None)))
    assert len(shown) == 10
    assert all(button["disabled"] for button in shown)


def test_a_stream_has_no_end() -> None:
    """No bar, no time; it is live."""
    embed = embed_of(render.now_playing(view(item=song(is_stream=True, length_ms=2**62))))
    assert embed.description is not None
    assert "live" in embed.description
    assert "🔘" not in embed.description


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//x", "https://", "https://a b", "https://[", "x" * 3000, "", "/relative"]
)
def test_a_bad_link_does_not_cost_the_message(url: str) -> None:
    """Discord would refuse the whole embed for it, so it is left out."""
    embed = embed_of(render.now_playing(view(item=song(uri=url, artwork_url=url))))
    assert embed.url is None
    assert embed.thumbnail is None


def test_nobody_is_ever_pinged() -> None:
    """Mentions show a name; allowed_mentions is empty."""
    kwargs = render.now_playing(view()).kwargs()
    assert (kwargs["mentions_everyone"], kwargs["user_mentions"], kwargs["role_mentions"]) == (False,) * 3


def test_the_queue_turns_its_pages() -> None:
    """Back and next lead to neighbours, and are disabled at the ends; ids never clash."""
    for page in (1, 2, 3):
        shown = QueuePage(
            page=page,
            pages=3,
            total=23,
            total_ms=60_000,
            items=(song("B"),),
            first_position=10 * page - 9,
            current=song("A"),
            position_ms=0,
        )
        words = Words(phrase=Phrase.QUEUE_PAGE, values={"total": 23})
        rendered = render.reply(ReplyView(tone=Tone.INFO, words=words, queue=shown))
        back, following = buttons(rendered)
        assert back["custom_id"] != following["custom_id"]
        assert (back["disabled"], following["disabled"]) == (page == 1, page == 3)
        assert f"`{10 * page - 9}.` B" in (embed_of(rendered).description or "")


def test_every_phrase_has_its_sentence() -> None:
    """The catalogue is whole, and each sentence can be said without any value."""
    assert set(texts.ENGLISH) == set(Phrase)
    for phrase in Phrase:
        assert texts.say(Words(phrase=phrase))


def test_values_are_escaped_and_given_their_form() -> None:
    """A title can't mark up our sentence; channels and people are mentions, limits durations."""
    title = texts.say(Words(phrase=Phrase.SKIPPED, values={"title": "**x** @here {count}"}))
    assert title == "Skipped **\\*\\*x\\*\\* @\u200bhere {count}**."
    assert texts.say(Words(phrase=Phrase.OTHER_CHANNEL, values={"channel": 5})).startswith(
        "I am playing in <#5>"
    )
    assert "1:00:00" in texts.say(Words(phrase=Phrase.TOO_LONG, values={"limit_ms": 3_600_000}))


def test_gaps_are_plain_names() -> None:
    """A translator can't reach into values by attribute or index."""
    for sentence in texts.ENGLISH.values():
        for _, name, spec, conversion in Formatter().parse(sentence):
            assert name is None or name.isidentifier()
            assert not spec
            assert conversion is None


@settings(max_examples=150)
@given(
    title=st.text(max_size=600),
    author=st.text(max_size=600),
    uri=st.text(max_size=60),
    count=st.integers(0, 10),
)
def test_discords_limits_hold_for_any_song(title: str, author: str, uri: str, count: int) -> None:
    """Title 256, description 4096, footer 2048, all together 6000."""
    item = song(title, author=author, uri=uri)
    notice = Words(phrase=Phrase.TRACK_FAILED, values={"title": title, "reason": author})
    page = QueuePage(
        page=1,
        pages=2,
        total=count,
        total_ms=0,
        items=(item,) * count,
        first_position=1,
        current=item,
        position_ms=0,
    )
    reply = ReplyView(tone=Tone.OK, words=notice, item=item)
    paged = ReplyView(tone=Tone.INFO, words=notice, queue=page)
    shown = [
        render.now_playing(view(item=item, queued=count, up_next=(item,) * min(3, count), notice=notice)),
        render.reply(reply),
        render.reply(paged),
    ]
    for rendered in shown:
        embed = embed_of(rendered)
        parts = [
            embed.title,
            embed.description,
            embed.footer and embed.footer.text,
            embed.author and embed.author.name,
        ]
        lengths = [length(part or "") for part in parts]
        assert all(size <= limit for size, limit in zip(lengths, (256, 4096, 2048, 256), strict=True))
        assert sum(lengths) <= 6000
        assert embed.description

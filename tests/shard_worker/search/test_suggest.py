"""What is proposed while somebody types: soon, within Discord's limits, and free of charge."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue_core.ids import GuildId, UserId
from segue_core.store import HeardSong, StoreUnavailableError
from segue_worker.search.limits import Asker
from segue_worker.search.suggest import PATIENCE_S, Suggester
from segue_worker.ui.markdown import length
from tests.shard_worker.search.conftest import NODE

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_core.ids import NodeId
    from segue_worker.search.desk import SearchDesk
    from tests.shard_worker.search.conftest import Node

    MakeDesk = Callable[..., SearchDesk]

GUILD = GuildId(7)
ANN = UserId(1)
LINK = "https://www.youtube.com/watch?v=abc"


class Heard:
    """What the guild has heard, or nobody to tell."""

    def __init__(self, *songs: HeardSong) -> None:
        self.songs = songs
        self.asked = 0
        self.away = False
        self.slow = False

    async def heard(self, guild: GuildId, limit: int) -> tuple[HeardSong, ...]:
        assert guild == GUILD
        self.asked += 1
        if self.away:
            raise StoreUnavailableError("away")
        if self.slow:
            await asyncio.sleep(60)
        return self.songs[:limit]


class Fleet:
    """One node."""

    def candidates(self, guild: GuildId) -> tuple[NodeId, ...]:
        assert guild == GUILD
        return (NODE,)


def song(title: str, url: str | None = None) -> HeardSong:
    """Return a song that was heard."""
    return HeardSong(title=title, author="The Tubes", url=url, duration_ms=200_000)


def suggester(desk: SearchDesk, heard: Heard) -> Suggester:
    """Return one over this desk and history."""
    return Suggester(desk, Fleet(), heard, "ytsearch", patience_s=0.2)


async def values(made: Suggester, words: str) -> list[str]:
    """Return what would be asked for by each choice."""
    return [one.value for one in await made.suggest(GUILD, ANN, words)]


async def test_nothing_typed_yet_proposes_what_was_heard_lately(desk: MakeDesk, node: Node) -> None:
    """The newest first, by their link where a source knows it, else by their words; no node is asked."""
    heard = Heard(song("Night Drive", LINK), song("Harbour", "http://127.0.0.1/a.ogg"), song("Fog"))
    made = suggester(desk(), heard)
    found = await made.suggest(GUILD, ANN, "  ")
    assert [one.name for one in found] == [
        "Night Drive - The Tubes (3:20)",
        "Harbour - The Tubes (3:20)",
        "Fog - The Tubes (3:20)",
    ]
    assert [one.value for one in found] == [LINK, "Harbour - The Tubes", "Fog - The Tubes"]
    assert node.asked == []
    await made.suggest(GUILD, ANN, "")
    assert heard.asked == 1, "asked again only after some seconds"


async def test_words_propose_matching_songs_heard_and_then_what_is_found(desk: MakeDesk) -> None:
    """What the guild knows comes first; the same song is not proposed twice."""
    made = suggester(desk(), Heard(song("Night Drive", LINK), song("Harbour")))
    assert await values(made, "night") == [LINK, "night - The Tubes", "night (live) - The Tubes"]


async def test_two_letters_are_no_search(desk: MakeDesk, node: Node) -> None:
    """They would find anything; the guild's own songs are still narrowed down by them."""
    made = suggester(desk(), Heard(song("Night Drive", LINK), song("Harbour")))
    assert await values(made, "ha") == ["Harbour - The Tubes"]
    assert node.asked == []


async def test_typing_costs_the_person_no_search(desk: MakeDesk, node: Node) -> None:
    """Whatever was looked up while typing, the search itself is let through, and answered from the cache."""
    counter = desk(per_user=1)
    made = suggester(counter, Heard())
    for words in ("nig", "nigh", "night", "night drive"):
        await made.suggest(GUILD, ANN, words)
    assert await made.suggest(GUILD, ANN, "night driver") == (), "looking ahead has an end too"
    await counter.search("ytsearch:something else", Asker(guild=GUILD, user=ANN), [NODE])
    await counter.search("ytsearch:night drive", Asker(guild=GUILD, user=ANN), [NODE])
    assert len(node.asked) == 5


async def test_a_slow_node_is_not_waited_for_and_its_answer_not_lost(desk: MakeDesk, node: Node) -> None:
    """The choices come within the patience; the search goes on and is there for the next key."""
    node.slow = asyncio.Event()
    made = suggester(desk(), Heard(song("Night Drive", LINK)))
    started = time.monotonic()
    assert await values(made, "night") == [LINK]
    assert time.monotonic() - started < PATIENCE_S + 1
    node.slow.set()
    assert len(await values(made, "night")) == 3
    assert node.asked == ["ytsearch:night"]


async def test_without_store_or_node_there_is_nothing_and_no_error(desk: MakeDesk, node: Node) -> None:
    """Whatever is away, typing goes on."""
    heard = Heard()
    heard.away = True
    node.status = 500
    made = suggester(desk(), heard)
    assert await values(made, "") == []
    assert await values(made, "night") == []
    heard.away, heard.slow = False, True
    assert await values(made, "") == []


@pytest.mark.parametrize("link", ["https://music.example/a", "http://10.0.0.1/", "file:///etc/passwd"])
async def test_links_are_not_searched_for(desk: MakeDesk, node: Node, link: str) -> None:
    """A link is complete, and nobody's look at it is our business."""
    assert await values(suggester(desk(), Heard(song("Night Drive", LINK))), link) == []
    assert node.asked == []


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(titles=st.lists(st.text(max_size=150), max_size=40), words=st.text(max_size=40))
async def test_discord_takes_every_answer(desk: MakeDesk, titles: list[str], words: str) -> None:
    """At most 25 choices, names and values of 1 to 100 characters, no value twice."""
    made = suggester(desk(), Heard(*(song(title) for title in titles)))
    for typed in ("", words):
        found = await made.suggest(GUILD, ANN, typed)
        assert len(found) <= 25
        assert len({one.value for one in found}) == len(found)
        assert all(1 <= length(part) <= 100 for one in found for part in (one.name, one.value))

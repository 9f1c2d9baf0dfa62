"""Answers with pages, tables of facts, and the help that is made from the table of commands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from segue_core.ids import UserId
from segue_worker.commands.custom_ids import parse_custom_id
from segue_worker.commands.spec import Chapter
from segue_worker.commands.table import COMMANDS
from segue_worker.domain.messages import Verb
from segue_worker.domain.views import (
    Fact,
    FactName,
    Heard,
    HelpPage,
    HistoryPage,
    Phrase,
    ReplyView,
    Tone,
    Words,
)
from segue_worker.ui import render, texts
from segue_worker.ui.markdown import length

if TYPE_CHECKING:
    import hikari

    from segue_worker.ui.parts import Rendered


def shown(phrase: Phrase = Phrase.HELP, **parts: Any) -> Rendered:
    """Return an answer as Discord gets it."""
    return render.reply(ReplyView(tone=Tone.INFO, words=Words(phrase=phrase), **parts))


def embed_of(rendered: Rendered) -> hikari.Embed:
    """Return the only embed."""
    (embed,) = rendered.embeds
    return embed


def buttons(rendered: Rendered) -> list[Any]:
    """Return all buttons as Discord gets them."""
    return [button for row in rendered.components for button in row.build()[0]["components"]]


def test_every_command_is_on_one_page_of_the_help() -> None:
    """With its options; the pages are turned by buttons that work."""
    pages = [embed_of(shown(help=HelpPage(page=number))) for number in range(1, len(Chapter) + 1)]
    for spec in COMMANDS:
        lines = [line for page in pages for line in (page.description or "").splitlines()]
        (line,) = [line for line in lines if re.match(rf"`/{spec.name}[ `]", line) and "`: " in line]
        assert spec.description in line
        assert all(option.name in line for option in spec.options)
    for number in range(1, len(Chapter) + 1):
        back, following = buttons(shown(help=HelpPage(page=number)))
        assert back["disabled"] is (number == 1)
        assert following["disabled"] is (number == len(Chapter))
        assert back["custom_id"] != following["custom_id"]
        for button in (back, following):
            press = parse_custom_id(button["custom_id"])
            assert press is not None
            assert press.verb is Verb.HELP


@pytest.mark.parametrize("page", [1, 5, 6, 10**6])
def test_a_help_page_behind_the_last_is_the_last(page: int) -> None:
    """Old buttons and odd numbers lead somewhere."""
    footer = embed_of(shown(help=HelpPage(page=page))).footer
    assert footer is not None
    assert footer.text == f"page {min(page, 5)} of 5"


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_help_of_one_command_names_all_it_takes(spec: Any) -> None:
    """Found with or without the slash; every option, and what can be chosen."""
    for written in (spec.name, f"/{spec.name}", f" {spec.name.upper()} "):
        text = embed_of(shown(help=HelpPage(command=written))).description
        assert text is not None
        assert spec.description in text
        for option in spec.options:
            assert f"`{option.name}`" in text
            assert all(words in text for words in (option.choices or {}).values())


def test_an_unknown_command_is_answered_with_the_nearest() -> None:
    """And what was typed does no harm."""
    text = embed_of(shown(help=HelpPage(command="@everyone shufle"))).description
    assert text is not None
    assert "`/shuffle`" in text
    assert "@everyone" not in text
    assert embed_of(shown(help=HelpPage(command=""))).description


def test_history_names_songs_people_and_times() -> None:
    """Times count by themselves in Discord; the last page has no next."""
    songs = (
        Heard(title="A *song*", requester=UserId(7), at=1_700_000_000_000, skipped=True),
        Heard(title="B", requester=UserId(0)),
    )
    rendered = shown(Phrase.HISTORY, history=HistoryPage(page=2, songs=songs))
    text = embed_of(rendered).description
    assert text is not None
    assert r"- A \*song\* · <@7> · <t:1700000000:R> · skipped" in text
    assert text.endswith("- B")
    back, following = buttons(rendered)
    assert (back["custom_id"], back["disabled"]) == ("sg1:history:1", False)
    assert following["disabled"] is True
    assert buttons(shown(Phrase.HISTORY, history=HistoryPage(page=1, songs=songs))) == []
    empty = shown(Phrase.HISTORY_EMPTY, history=HistoryPage(page=1, songs=()))
    assert "/play" in (embed_of(empty).description or "")


def test_a_full_page_of_long_titles_fits() -> None:
    """Escaped, ten of the worst are within what Discord takes."""
    songs = tuple(Heard(title="*" * 500, requester=UserId(2**62), at=2**43, skipped=True) for _ in range(10))
    text = embed_of(shown(Phrase.HISTORY, history=HistoryPage(page=1, songs=songs))).description
    assert text is not None
    assert length(text) <= 4096


def test_facts_have_names_and_units() -> None:
    """Every fact that can be told has a name; numbers say what they count."""
    assert set(texts.FACTS) == set(FactName)
    told = {
        texts.fact(Fact(name=FactName.UPTIME, value=3_723_000)),
        texts.fact(Fact(name=FactName.MEMORY, value=300 << 20)),
        texts.fact(Fact(name=FactName.CPU, value=37)),
        texts.fact(Fact(name=FactName.LATENCY, value=42)),
        texts.fact(Fact(name=FactName.SHARDS_HELD, value=1, of=2)),
        texts.fact(Fact(name=FactName.REGION, value="*east*")),
    }
    assert {value for _, value in told} == {"1:02:03", "300 MiB", "37 %", "42 ms", "1 of 2", r"\*east\*"}
    embed = embed_of(shown(Phrase.STATS, facts=(Fact(name=FactName.WORKERS, value=3),)))
    assert [(field.name, field.value) for field in embed.fields] == [("Workers", "3")]

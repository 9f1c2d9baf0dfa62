"""Answers that one turns pages in, and tables of facts."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import hikari
from hikari.impl import MessageActionRowBuilder as Row

from segue_worker.commands import custom_ids
from segue_worker.commands.spec import Chapter, CommandSpec, OptionSpec
from segue_worker.commands.table import BY_NAME, COMMANDS
from segue_worker.domain.messages import Verb
from segue_worker.domain.views import Phrase, Tone, Words
from segue_worker.ui import texts
from segue_worker.ui.markdown import escape
from segue_worker.ui.parts import GREY, LINE_TITLE_LIMIT, TONES, Rendered, line_of

if TYPE_CHECKING:
    from hikari.api.special_endpoints import MessageActionRowBuilder

    from segue_worker.domain.views import Heard, HelpPage, LikedSong, QueuePage, ReplyView


def queue(page: QueuePage) -> Rendered:
    """Return a page of the queue."""
    lines = []
    if page.current is not None:
        title = escape(page.current.track.title, LINE_TITLE_LIMIT)
        lines += [f"**{texts.HEADING_PLAYING}:** {title}", ""]
    lines += [line_of(number, item) for number, item in enumerate(page.items, start=page.first_position)]
    if not page.items:
        lines.append(texts.NOTHING_MORE)
    embed = _embed(texts.HEADING_QUEUE, lines)
    total = texts.in_total(page.total, page.total_ms)
    embed.set_footer(text=f"{texts.PAGE.format(page=page.page, pages=page.pages)} · {total}")
    return Rendered(embeds=(embed,), components=_turning(Verb.QUEUE, page.page, more=page.page < page.pages))


def history(view: ReplyView) -> Rendered:
    """Return a page of the past."""
    page = view.history
    if page is None or not page.songs:
        return Rendered(embeds=(_embed(texts.HEADING_HISTORY, [texts.say(view.words)]),))
    lines = [texts.say(view.words), "", *(_heard(song) for song in page.songs)]
    embed = _embed(texts.HEADING_HISTORY, lines)
    embed.set_footer(text=texts.PAGE_ONLY.format(page=page.page))
    return Rendered(embeds=(embed,), components=_turning(Verb.HISTORY, page.page, more=page.more))


def liked(view: ReplyView) -> Rendered:
    """Return a page of the songs somebody likes."""
    page = view.liked
    lines = [texts.say(view.words), "", *(_liked(song) for song in page.songs)] if page is not None else []
    embed = _embed(texts.HEADING_LIKED, lines)
    if page is None or not page.songs:
        return Rendered(embeds=(embed,))
    embed.set_footer(text=texts.PAGE_ONLY.format(page=page.page))
    return Rendered(embeds=(embed,), components=_turning(Verb.LIKED, page.page, more=page.more))


def facts(view: ReplyView) -> Rendered:
    """Return a table of facts, under the sentence that says what they are about."""
    embed = hikari.Embed(color=TONES[view.tone], description=texts.say(view.words))
    for fact in view.facts:
        name, value = texts.fact(fact)
        embed.add_field(name, value, inline=True)
    return Rendered(embeds=(embed,))


def help_page(page: HelpPage) -> Rendered:
    """Return the help for one command, or a chapter of all; made from the table that declares them."""
    if page.command is not None:
        return _help_of(page.command)
    chapters = list(Chapter)
    number = min(page.page, len(chapters))
    chapter = chapters[number - 1]
    lines = [_usage(spec) for spec in COMMANDS if spec.chapter is chapter]
    embed = _embed(texts.CHAPTERS[chapter.name], [*lines, "", texts.HELP_HINT])
    embed.set_footer(text=texts.PAGE.format(page=number, pages=len(chapters)))
    return Rendered(embeds=(embed,), components=_turning(Verb.HELP, number, more=number < len(chapters)))


def _help_of(wanted: str) -> Rendered:
    name = wanted.strip().removeprefix("/").lower()
    spec = BY_NAME.get(name)
    if spec is None:
        near = get_close_matches(name, BY_NAME, n=1, cutoff=0.0)
        words = Words(phrase=Phrase.NO_SUCH_COMMAND, values={"name": wanted, "near": near[0] if near else ""})
        embed = hikari.Embed(color=TONES[Tone.REFUSED], description=texts.say(words))
        return Rendered(embeds=(embed,))
    lines = [spec.description + "."]
    if spec.options:
        lines += ["", *(_option(option) for option in spec.options)]
    if spec.cooldown_ms:
        lines += ["", texts.COOLDOWN.format(seconds=f"{spec.cooldown_ms / 1000:g}")]
    return Rendered(embeds=(_embed(f"/{spec.name}", lines),))


def _usage(spec: CommandSpec) -> str:
    given = "".join(f" {option.name}" if option.required else f" [{option.name}]" for option in spec.options)
    return f"`/{spec.name}{given}`: {spec.description}"


def _option(option: OptionSpec) -> str:
    line = f"`{option.name}`: {option.description}"
    if not option.required:
        line += f" ({texts.OPTIONAL})"
    if option.choices is not None:
        line += f"\n  {', '.join(option.choices.values())}"
    return line


def _heard(song: Heard) -> str:
    title = escape(song.title, LINE_TITLE_LIMIT)
    when = f"<t:{song.at // 1000}:R>" if song.at else ""
    skipped = texts.SKIPPED_MARK if song.skipped else ""
    requester = texts.mention_user(song.requester) if song.requester else ""
    return " · ".join(part for part in (f"- {title}", requester, when, skipped) if part)


def _liked(song: LikedSong) -> str:
    title = escape(f"{song.title} - {song.author}" if song.author else song.title, LINE_TITLE_LIMIT)
    marks = ("❤️" if song.liked else "") + ("📌" if song.saved else "")
    long = f" `{texts.duration(song.length_ms)}`" if song.length_ms else ""
    return f"- {marks} {title}{long}"


def _embed(title: str, lines: list[str]) -> hikari.Embed:
    return hikari.Embed(title=title, color=TONES[Tone.INFO], description="\n".join(lines).strip())


def _turning(verb: Verb, page: int, *, more: bool) -> tuple[MessageActionRowBuilder, ...]:
    """Return the buttons to the pages before and behind, none where there is but one page."""
    if page <= 1 and not more:
        return ()
    row = Row()
    # Two buttons of a message may not share an id, so the one that leads nowhere names another page.
    back = custom_ids.page_of(verb, page - 1 if page > 1 else page + 2)
    following = custom_ids.page_of(verb, page + 1)
    row.add_interactive_button(GREY, back, label=texts.BUTTON_BACK, is_disabled=page <= 1)
    row.add_interactive_button(GREY, following, label=texts.BUTTON_NEXT, is_disabled=not more)
    return (row,)

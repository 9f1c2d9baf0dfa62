"""Views become Discord messages.

hikari's own ``Embed`` and component builders are used, so that its REST client sends them without a
detour, and what Discord would refuse is found here and not in its answer. Limits: embed title 256,
description 4096, footer 2048, all text of an embed together 6000; button label 80.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import hikari
from hikari.impl import MessageActionRowBuilder as Row

from segue_core.models import LoopMode, QueueItem
from segue_worker.commands import custom_ids
from segue_worker.domain.views import Control, NowPlayingView, PlayerPhase, ReplyView, Tone
from segue_worker.ui import pages, texts
from segue_worker.ui.markdown import escape
from segue_worker.ui.menus import offer_menu
from segue_worker.ui.parts import BLUE, GREEN, GREY, RED, TONES, Rendered, Style, line_of, web_url

if TYPE_CHECKING:
    from hikari.api.special_endpoints import MessageActionRowBuilder

TITLE_LIMIT = 256
_AUTHOR_LIMIT = 100
_BAR_CELLS = 16
_NODE_LIMIT = 64

COLOURS = {
    PlayerPhase.STARTING: 0x5865F2,
    PlayerPhase.PLAYING: 0x2FB67C,
    PlayerPhase.PAUSED: 0xE5A13B,
    PlayerPhase.ENDED: 0x6D7480,
}
_HEADINGS = {
    PlayerPhase.STARTING: texts.HEADING_STARTING,
    PlayerPhase.PLAYING: texts.HEADING_PLAYING,
    PlayerPhase.PAUSED: texts.HEADING_PAUSED,
    PlayerPhase.ENDED: texts.HEADING_ENDED,
}


def now_playing(view: NowPlayingView) -> Rendered:
    """Return the guild's now-playing message."""
    embed = hikari.Embed(color=COLOURS[view.phase], description=_story(view))
    embed.set_author(name=_HEADINGS[view.phase])
    if view.item is not None:
        track = view.item.track
        embed.title = escape(track.title, TITLE_LIMIT) or None
        embed.url = web_url(track.uri)
        artwork = web_url(track.artwork_url)
        if artwork is not None:
            embed.set_thumbnail(artwork)
    embed.set_footer(text=_footer(view))
    return Rendered(embeds=(embed,), components=_buttons(view))


def reply(view: ReplyView) -> Rendered:
    """Return an answer to one person."""
    page = _page(view)
    if page is not None:
        return page
    lines = [texts.say(view.words)]
    if view.sound is not None and view.tone is Tone.INFO:
        lines += [f"- {name}" for name in texts.sound(view.sound)]
    embed = hikari.Embed(color=TONES[view.tone], description="\n".join(lines))
    if view.file is not None:
        return Rendered(embeds=(embed,), file=view.file)
    if view.offer is not None:
        return Rendered(embeds=(embed,), components=(offer_menu(view.offer),))
    if view.item is not None:
        artwork = web_url(view.item.track.artwork_url)
        if artwork is not None:
            embed.set_thumbnail(artwork)
    return Rendered(embeds=(embed,))


def _page(view: ReplyView) -> Rendered | None:
    """Return the answer if it is more than a sentence."""
    if view.queue is not None:
        return pages.queue(view.queue)
    if view.progress is not None:
        return Rendered(embeds=now_playing(view.progress).embeds)
    if view.liked is not None:
        return pages.liked(view)
    if view.help is not None:
        return pages.help_page(view.help)
    if view.history is not None:
        return pages.history(view)
    return pages.facts(view) if view.facts else None


def progress_bar(position_ms: int, length_ms: int) -> str:
    """Return a line with the position marked in it."""
    share = min(1.0, max(0.0, position_ms / length_ms)) if length_ms > 0 else 0.0
    at = min(_BAR_CELLS - 1, int(share * _BAR_CELLS))
    return "▬" * at + "🔘" + "▬" * (_BAR_CELLS - 1 - at)


def _story(view: NowPlayingView) -> str:
    lines = []
    if view.item is not None:
        lines += [_byline(view.item), _progress(view, view.item)]
    elif view.notice is None:
        lines.append(texts.NOTHING_YET)
    if view.notice is not None:
        lines += ["", texts.say(view.notice)]
    if view.up_next:
        lines += ["", f"**{texts.UP_NEXT}** · {texts.in_total(view.queued, view.queued_ms)}"]
        lines += [line_of(number, item) for number, item in enumerate(view.up_next, start=1)]
        more = view.queued - len(view.up_next)
        if more > 0:
            lines.append(texts.AND_MORE.format(count=more))
    return "\n".join(lines).strip()


def _byline(item: QueueItem) -> str:
    author = escape(item.track.author, _AUTHOR_LIMIT)
    requester = texts.REQUESTED_BY.format(user=texts.mention_user(item.requester)) if item.requester else ""
    return " · ".join(part for part in (author, requester) if part)


def _progress(view: NowPlayingView, item: QueueItem) -> str:
    if item.track.is_stream:
        return f"🔴 {texts.LIVE}"
    total = item.track.length_ms
    times = f"`{texts.duration(view.position_ms)} / {texts.duration(total)}`"
    line = f"{progress_bar(view.position_ms, total)} {times}"
    if view.ends_at is None:
        return line
    # Discord counts this down by itself, so the message need not be edited for it.
    return f"{line}\n{texts.ENDS.format(when=f'<t:{view.ends_at // 1000}:R>')}"


def _footer(view: NowPlayingView) -> str:
    parts = [texts.VOLUME.format(volume=view.volume)]
    if view.loop is not LoopMode.OFF:
        parts.append(texts.LOOP_TRACK if view.loop is LoopMode.TRACK else texts.LOOP_QUEUE)
    parts += texts.sound(view.sound)
    if view.node:
        parts.append(texts.ON_NODE.format(node=view.node[:_NODE_LIMIT]))
    return " · ".join(parts)


@dataclass(frozen=True, slots=True)
class _Button:
    """A button of the now-playing message, however it is styled at the moment."""

    control: Control
    custom_id: str
    emoji: str
    label: str = ""
    style: Style = GREY


_BACK = _Button(Control.PREVIOUS, custom_ids.PREVIOUS, "⏮️", texts.BUTTON_PREVIOUS)
_PAUSE = _Button(Control.PAUSE, custom_ids.PAUSE, "⏸️", texts.BUTTON_PAUSE, BLUE)
_RESUME = _Button(Control.RESUME, custom_ids.RESUME, "▶️", texts.BUTTON_RESUME, GREEN)
_SKIP = _Button(Control.SKIP, custom_ids.SKIP, "⏭️", texts.BUTTON_SKIP)
_STOP = _Button(Control.STOP, custom_ids.STOP, "⏹️", texts.BUTTON_STOP, RED)
_LOOPS = {
    LoopMode.OFF: _Button(Control.LOOP, custom_ids.LOOP, "🔁", texts.BUTTON_LOOP),
    LoopMode.TRACK: _Button(Control.LOOP, custom_ids.LOOP, "🔂", texts.BUTTON_LOOP_TRACK, BLUE),
    LoopMode.QUEUE: _Button(Control.LOOP, custom_ids.LOOP, "🔁", texts.BUTTON_LOOP_QUEUE, BLUE),
}
_SECOND_ROW = (
    _Button(Control.SHUFFLE, custom_ids.SHUFFLE, "🔀", texts.BUTTON_SHUFFLE),
    _Button(Control.QUIETER, custom_ids.VOLUME_DOWN, "🔉"),
    _Button(Control.LOUDER, custom_ids.VOLUME_UP, "🔊"),
    _Button(Control.QUEUE, custom_ids.QUEUE, "📜", texts.BUTTON_QUEUE),
    _Button(Control.LIKE, custom_ids.LIKE, "❤️", texts.BUTTON_LIKE),
)


def _buttons(view: NowPlayingView) -> tuple[MessageActionRowBuilder, ...]:
    pause = _RESUME if view.phase is PlayerPhase.PAUSED else _PAUSE
    first = (_BACK, pause, _SKIP, _STOP, _LOOPS[view.loop])
    return tuple(_row(buttons, view) for buttons in (first, _SECOND_ROW))


def _row(buttons: tuple[_Button, ...], view: NowPlayingView) -> MessageActionRowBuilder:
    row = Row()
    for button in buttons:
        row.add_interactive_button(
            button.style,
            button.custom_id,
            label=button.label or hikari.UNDEFINED,
            emoji=button.emoji,
            is_disabled=button.control not in view.usable,
        )
    return row

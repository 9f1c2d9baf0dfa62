"""What each command does to the state. Refusals change nothing; reads commit nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_core.models import LoopMode
from segue_worker.domain import opinions, policy, queue_commands, sound, steering, voice
from segue_worker.domain.closing import abandon_if_provisional, answer_loads, close
from segue_worker.domain.effects import Topic
from segue_worker.domain.guards import channel_to_come_to, is_with_us
from segue_worker.domain.history import end_current, remember
from segue_worker.domain.messages import Command, CommitRefusal, CommitRefused, Verb
from segue_worker.domain.now_playing import retire, view_of
from segue_worker.domain.pages import queue_page
from segue_worker.domain.playing import begin_next, skip
from segue_worker.domain.plays import come_to, forget, play, search
from segue_worker.domain.views import HelpPage, Phrase, ReplyView, Tone, Words

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_worker.domain.turn import Turn


def on_command(turn: Turn, command: Command) -> None:
    """Carry out a person's command, once: a repeated one is answered already or will be."""
    state = turn.state
    pending = {load.command.id for load in state.loads} | {join.id for join in state.joins}
    if command.id in state.recent or command.id in pending:
        return
    _HANDLERS[command.verb](turn, command)


def on_refused(turn: Turn, message: CommitRefused) -> None:
    """A command's commit did not take place; it is over for us."""
    waiting = [load for load in turn.state.loads if load.command.id == message.command]
    for load in waiting:
        forget(turn, load)
    joins = [join for join in turn.state.joins if join.id == message.command]
    turn.set(joins=tuple(join for join in turn.state.joins if join.id != message.command))
    # Only /play and /join wait, and neither is a button.
    from_button = message.from_button and not waiting and not joins
    tone, phrase = _REFUSED_COMMITS[message.reason]
    turn.answer(message.command, ReplyView(tone=tone, words=Words(phrase=phrase)), from_button=from_button)
    abandon_if_provisional(turn)


_REFUSED_COMMITS = {
    CommitRefusal.DUPLICATE: (Tone.INFO, Phrase.ALREADY_APPLIED),
    CommitRefusal.UNAVAILABLE: (Tone.REFUSED, Phrase.TRY_AGAIN),
}


def _play(turn: Turn, command: Command) -> None:
    channel = channel_to_come_to(turn, command)
    if channel is not None:
        play(turn, command, channel)


def _join(turn: Turn, command: Command) -> None:
    channel = channel_to_come_to(turn, command)
    if channel is None:
        return
    link = turn.state.voice
    if link is not None and link.channel == channel and turn.state.voice_ready:
        turn.set(provisional=False)
        turn.reply(command, Tone.INFO, Words(phrase=Phrase.ALREADY_HERE, values={"channel": int(channel)}))
        return
    voice.try_again(turn)
    come_to(turn, channel, command.user, provisional=False)
    turn.accept(command, "join")
    turn.set(provisional=False, joins=(*turn.state.joins, command))


def _pause(turn: Turn, command: Command) -> None:
    if not is_with_us(turn, command):
        return
    if turn.state.current is None:
        turn.refuse(command, Phrase.NOTHING_PLAYING)
    elif turn.state.snapshot.paused:
        turn.reply(command, Tone.INFO, Words(phrase=Phrase.ALREADY_PAUSED))
    else:
        turn.snap(position_ms=turn.position, position_at=turn.now, paused=True)
        turn.accept(command, "pause")
        turn.reply(command, Tone.OK, Words(phrase=Phrase.PAUSED))


def _resume(turn: Turn, command: Command) -> None:
    if not is_with_us(turn, command):
        return
    state = turn.state
    if state.current is None and not (state.halted is not None and state.queue):
        turn.refuse(command, Phrase.NOTHING_PLAYING)
    elif not state.snapshot.paused and state.halted is None:
        turn.reply(command, Tone.INFO, Words(phrase=Phrase.NOT_PAUSED))
    else:
        if state.halted is not None:
            voice.try_again(turn)
        turn.snap(paused=False, position_at=turn.now)
        turn.accept(command, "resume")
        turn.reply(command, Tone.OK, Words(phrase=Phrase.RESUMED))


def _skip(turn: Turn, command: Command) -> None:
    if not is_with_us(turn, command):
        return
    state = turn.state
    item = state.current
    if item is None and not state.queue:
        turn.refuse(command, Phrase.NOTHING_PLAYING)
        return
    if state.halted is not None:
        voice.try_again(turn)
    skip(turn)
    coming = turn.state.current
    skipped = item if item is not None else coming
    title = skipped.track.title if skipped is not None else ""
    turn.accept(command, title)
    phrase = Phrase.SKIPPED_LAST if coming is None else Phrase.SKIPPED
    turn.reply(command, Tone.OK, Words(phrase=phrase, values={"title": title}))


def _stop(turn: Turn, command: Command) -> None:
    if not is_with_us(turn, command):
        return
    if not turn.state.has_music:
        turn.refuse(command, Phrase.NOTHING_PLAYING)
        return
    if turn.state.current is not None:
        remember(turn, turn.state.current)
    end_current(turn, "stopped")
    answer_loads(turn, Phrase.STOPPED_MEANWHILE)
    retire(turn, Words(phrase=Phrase.STOPPED_BY, values={"user": int(command.user)}))
    turn.set(queue=(), notice=None, halted=None, failures=0, provisional=False)
    begin_next(turn)
    turn.snap(text_channel=None)
    turn.accept(command, "stop")
    turn.reply(command, Tone.OK, Words(phrase=Phrase.STOPPED))


def _leave(turn: Turn, command: Command) -> None:
    alone = turn.state.voice is not None and not turn.state.snapshot.listeners
    if not alone and not is_with_us(turn, command):
        return
    notice = Words(phrase=Phrase.STOPPED_BY, values={"user": int(command.user)})
    close(turn, notice, told=Phrase.STOPPED_MEANWHILE)
    turn.accept(command, "leave")
    turn.reply(command, Tone.OK, Words(phrase=Phrase.LEFT))


def _volume(turn: Turn, command: Command) -> None:
    volume = turn.state.snapshot.volume
    limit = turn.state.settings.volume_limit
    if command.amount is None:
        turn.reply(command, Tone.INFO, Words(phrase=Phrase.VOLUME_IS, values={"volume": volume}))
        return
    if not is_with_us(turn, command):
        return
    wanted = command.amount
    if command.relative:
        wanted = min(limit, max(0, volume + wanted))
    if not 0 <= wanted <= limit:
        turn.refuse(command, Phrase.VOLUME_RANGE, limit=limit)
        return
    words = Words(phrase=Phrase.VOLUME_SET, values={"volume": wanted})
    if wanted != volume:
        turn.snap(volume=wanted)
        turn.accept(command, str(wanted))
    turn.reply(command, Tone.OK, words)


def _loop(turn: Turn, command: Command) -> None:
    mode = turn.state.snapshot.loop
    if command.choice is None and not command.from_button:
        turn.reply(command, Tone.INFO, Words(phrase=LOOP_PHRASES[mode]))
        return
    if not is_with_us(turn, command):
        return
    wanted = _following(mode) if command.choice is None else _MODES.get(command.choice)
    if wanted is None:
        turn.refuse(command, Phrase.BAD_OPTION, option="mode")
        return
    if wanted is not mode:
        turn.snap(loop=wanted)
        turn.accept(command, wanted.value)
    turn.reply(command, Tone.OK, Words(phrase=LOOP_PHRASES[wanted]))


_MODES = {mode.value: mode for mode in LoopMode}
LOOP_PHRASES = {
    LoopMode.OFF: Phrase.LOOPING_NOTHING,
    LoopMode.TRACK: Phrase.LOOPING_TRACK,
    LoopMode.QUEUE: Phrase.LOOPING_QUEUE,
}


def _following(mode: LoopMode) -> LoopMode:
    """What the button does: it goes around."""
    modes = list(LoopMode)
    return modes[(modes.index(mode) + 1) % len(modes)]


def _queue(turn: Turn, command: Command) -> None:
    state = turn.state
    if state.current is None and not state.queue:
        turn.reply(command, Tone.INFO, Words(phrase=Phrase.QUEUE_EMPTY))
        return
    page = queue_page(state, command.page or 1, turn.now)
    turn.reply(command, Tone.INFO, Words(phrase=Phrase.QUEUE_PAGE, values={"total": page.total}), queue=page)


def _now_playing(turn: Turn, command: Command) -> None:
    item = turn.state.current
    if item is None:
        turn.reply(command, Tone.INFO, Words(phrase=Phrase.NOTHING_PLAYING))
        return
    words = Words(phrase=Phrase.NOW_PLAYING, values={"title": item.track.title})
    turn.reply(command, Tone.INFO, words, progress=view_of(turn.state, turn.now))


def _ping(turn: Turn, command: Command) -> None:
    """An interaction's id says when Discord made it."""
    digits = command.id if command.id.isascii() and command.id.isdigit() else "0"
    made_at = (int(digits[:20]) >> 22) + policy.SNOWFLAKE_EPOCH_MS
    delay = min(max(0, turn.now - made_at), policy.PING_LIMIT_MS)
    words = Words(phrase=Phrase.PONG, values={"ms": delay, "node": turn.state.snapshot.node or ""})
    turn.reply(command, Tone.INFO, words)


def _about(topic: Topic) -> Callable[[Turn, Command], None]:
    def handler(turn: Turn, command: Command) -> None:
        turn.inform(command, topic)

    return handler


def _help(turn: Turn, command: Command) -> None:
    """What there is to help with is known to ``ui/``, which has the table of commands."""
    page = HelpPage(page=max(1, command.page or 1), command=command.choice)
    view = ReplyView(tone=Tone.INFO, words=Words(phrase=Phrase.HELP), help=page)
    turn.answer(command.id, view, from_button=command.from_button)


def _export(turn: Turn, command: Command) -> None:
    if turn.state.current is None and not turn.state.queue:
        turn.reply(command, Tone.INFO, Words(phrase=Phrase.QUEUE_EMPTY))
        return
    turn.inform(command, Topic.EXPORT)


_HANDLERS: dict[Verb, Callable[[Turn, Command], None]] = {
    Verb.PLAY: _play,
    Verb.PLAY_NEXT: _play,
    Verb.PLAY_NOW: _play,
    Verb.SEARCH: search,
    Verb.EXPORT: _export,
    Verb.IMPORT: _play,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.SKIP: _skip,
    Verb.STOP: _stop,
    Verb.QUEUE: _queue,
    Verb.NOW_PLAYING: _now_playing,
    Verb.JOIN: _join,
    Verb.LEAVE: _leave,
    Verb.VOLUME: _volume,
    Verb.LOOP: _loop,
    Verb.SKIP_TO: steering.skip_to,
    Verb.PREVIOUS: steering.previous,
    Verb.REPLAY: steering.replay,
    Verb.SEEK: steering.seek,
    Verb.FORWARD: steering.forward,
    Verb.REWIND: steering.rewind,
    Verb.SHUFFLE: queue_commands.shuffle,
    Verb.REMOVE: queue_commands.remove,
    Verb.REMOVE_MINE: queue_commands.remove_mine,
    Verb.REMOVE_GONE: queue_commands.remove_gone,
    Verb.MOVE: queue_commands.move,
    Verb.BUMP: queue_commands.bump,
    Verb.CLEAR: queue_commands.clear,
    Verb.DEDUPE: queue_commands.dedupe,
    Verb.FILTERS: sound.filters,
    Verb.EQUALIZER: sound.equalizer,
    Verb.TIMESCALE: sound.timescale,
    Verb.LIKE: opinions.rate,
    Verb.DISLIKE: opinions.rate,
    Verb.SAVE: opinions.rate,
    Verb.LIKED: _about(Topic.LIKED),
    Verb.HISTORY: _about(Topic.HISTORY),
    Verb.STATS: _about(Topic.STATS),
    Verb.NODE: _about(Topic.NODE),
    Verb.SHARD: _about(Topic.SHARD),
    Verb.HELP: _help,
    Verb.PING: _ping,
}

"""/play: songs are looked up while we join and a node is found, and queued in the order asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segue_core.ids import ChannelId, ItemId, UserId
from segue_core.models import QueueItem, Track
from segue_worker.domain import policy, voice
from segue_worker.domain.closing import abandon_if_provisional, load_timer
from segue_worker.domain.effects import LoadTracks
from segue_worker.domain.messages import Command, Loaded, LoadFailure
from segue_worker.domain.playing import begin_next
from segue_worker.domain.state import GuildState, PendingPlay
from segue_worker.domain.views import Phrase, Tone, Words

if TYPE_CHECKING:
    from segue_worker.domain.turn import Turn

ADMIT_TIMER = "admit"

FAILURES: dict[LoadFailure, Phrase] = {
    LoadFailure.NOTHING_FOUND: Phrase.NOTHING_FOUND,
    LoadFailure.FORBIDDEN_ADDRESS: Phrase.FORBIDDEN_ADDRESS,
    LoadFailure.UNPLAYABLE: Phrase.UNPLAYABLE,
    LoadFailure.TIMEOUT: Phrase.LOAD_TIMEOUT,
    LoadFailure.NO_NODE: Phrase.NO_NODE,
    LoadFailure.THROTTLED: Phrase.THROTTLED,
    LoadFailure.SOURCE_RESTS: Phrase.SOURCE_RESTS,
    LoadFailure.TOO_MANY_SEARCHES: Phrase.TOO_MANY_SEARCHES,
}


def play(turn: Turn, command: Command, channel: ChannelId) -> None:
    """Look ``command.query`` up, and come to the person's ``channel`` meanwhile."""
    query = (command.query or "").strip()
    if not query:
        turn.refuse(command, Phrase.QUERY_EMPTY)
        return
    if len(query) > policy.QUERY_LIMIT:
        turn.refuse(command, Phrase.QUERY_TOO_LONG, limit=policy.QUERY_LIMIT)
        return
    limit = turn.state.settings.max_queue_size
    if len(turn.state.queue) >= limit:
        turn.refuse(command, Phrase.QUEUE_FULL, limit=limit)
        return
    if turn.state.halted is not None:
        voice.try_again(turn)
    come_to(turn, channel, command.user, provisional=True)
    request = turn.request()
    turn.set(loads=(*turn.state.loads, PendingPlay(request=request, command=command)))
    turn.emit(LoadTracks(request=request, query=query, user=command.user))
    turn.start_timer(load_timer(request), policy.LOAD_TIMEOUT_MS)


def come_to(turn: Turn, channel: ChannelId, user: UserId, *, provisional: bool) -> None:
    """Join ``channel`` unless we are there or on the way."""
    link = turn.state.voice
    if link is not None and link.channel == channel:
        return
    turn.set(provisional=provisional and (link is None or turn.state.provisional))
    voice.connect(turn, channel, (user,), leave_first=link is not None)


def on_loaded(turn: Turn, message: Loaded) -> None:
    """The lookup's answer; kept until those asked before it are through."""
    load = _find(turn.state, message.request)
    if load is None:
        return
    turn.stop_timer(load_timer(load.request))
    if message.failure is not None or not message.tracks:
        phrase = FAILURES[message.failure or LoadFailure.NOTHING_FOUND]
        _refuse(turn, load, phrase, wait_s=seconds(message.wait_ms))
        return
    tracks = message.tracks if message.playlist is not None else message.tracks[:1]
    loaded = replace(load, loaded=True, tracks=tracks, playlist=message.playlist)
    turn.set(loads=tuple(loaded if known is load else known for known in turn.state.loads))


def on_load_timer(turn: Turn, name: str) -> None:
    """Nobody answered the lookup."""
    for load in turn.state.loads:
        if load_timer(load.request) == name:
            _refuse(turn, load, Phrase.LOAD_TIMEOUT)


def seconds(wait_ms: int) -> int:
    """Return how long to wait as people are told: whole seconds, never none."""
    return max(1, -(-wait_ms // 1000))


def forget(turn: Turn, load: PendingPlay) -> None:
    """Take ``load`` out of those that wait."""
    turn.stop_timer(load_timer(load.request))
    turn.set(loads=tuple(known for known in turn.state.loads if known.request != load.request))


def _refuse(turn: Turn, load: PendingPlay, phrase: Phrase, **values: str | int) -> None:
    forget(turn, load)
    turn.refuse(load.command, phrase, **values)
    abandon_if_provisional(turn)


def settle(turn: Turn) -> None:
    """Queue what is found, in the order asked; one command a decision, since each has its commit."""
    while turn.state.loads and turn.state.loads[0].loaded and _may_queue(turn.state):
        if turn.accepted is not None:
            turn.start_timer(ADMIT_TIMER, 0)
            return
        _admit(turn, turn.state.loads[0])


def _may_queue(state: GuildState) -> bool:
    """Whether a song could be heard: before, a failing join or placement is still a plain refusal."""
    if state.current is not None:
        return True
    return state.voice_ready and state.snapshot.node is not None


def _admit(turn: Turn, load: PendingPlay) -> None:
    state = turn.state
    limit = state.settings.max_song_duration_ms
    fitting = tuple(track for track in load.tracks if not _too_long(track, limit))
    room = state.settings.max_queue_size - len(state.queue) + (1 if state.current is None else 0)
    if not fitting:
        _refuse(turn, load, Phrase.TOO_LONG, limit_ms=limit or 0)
        return
    if room <= 0:
        _refuse(turn, load, Phrase.QUEUE_FULL, limit=state.settings.max_queue_size)
        return
    command = load.command
    items = tuple(
        QueueItem(
            id=ItemId(f"{command.id}-{index}"),
            track=track,
            requester=command.user,
            requested_at=turn.now,
        )
        for index, track in enumerate(fitting[:room])
    )
    forget(turn, load)
    turn.accept(command, load.playlist or items[0].track.title)
    if state.snapshot.text_channel is None:
        turn.snap(text_channel=command.text_channel)
    first = state.current is None and not state.queue
    turn.set(queue=(*state.queue, *items), provisional=False)
    if state.current is None:
        begin_next(turn)
    _tell(turn, load, items, first=first)


def _too_long(track: Track, limit: int | None) -> bool:
    return limit is not None and not track.is_stream and track.length_ms > limit


def _tell(turn: Turn, load: PendingPlay, items: tuple[QueueItem, ...], *, first: bool) -> None:
    item = items[0]
    position = len(turn.state.queue) - len(items) + 1
    if load.playlist is not None:
        partly = len(items) < len(load.tracks)
        phrase = Phrase.QUEUED_PLAYLIST_PARTLY if partly else Phrase.QUEUED_PLAYLIST
        words = Words(
            phrase=phrase, values={"playlist": load.playlist, "count": len(items), "of": len(load.tracks)}
        )
    elif first:
        words = Words(phrase=Phrase.PLAYING_NOW, values={"title": item.track.title})
    else:
        words = Words(phrase=Phrase.QUEUED, values={"title": item.track.title, "position": position})
    turn.reply(load.command, Tone.OK, words, item=item)


def _find(state: GuildState, request: int) -> PendingPlay | None:
    return next((load for load in state.loads if load.request == request and not load.loaded), None)

"""/play: songs are looked up while we join and a node is found, and queued in the order asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from segue_worker.domain import policy, voice
from segue_worker.domain.admitting import admit
from segue_worker.domain.closing import abandon_if_provisional, load_timer
from segue_worker.domain.effects import LoadTracks, OfferSongs, QueryKind
from segue_worker.domain.messages import Command, Loaded, LoadFailure, Verb
from segue_worker.domain.state import GuildState, PendingPlay
from segue_worker.domain.views import Phrase

if TYPE_CHECKING:
    from segue_core.ids import ChannelId, UserId
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
    LoadFailure.BAD_FILE: Phrase.BAD_QUEUE_FILE,
    LoadFailure.OFFER_EXPIRED: Phrase.OFFER_EXPIRED,
    LoadFailure.NOT_THEIR_OFFER: Phrase.NOT_THEIR_OFFER,
    LoadFailure.UNAVAILABLE: Phrase.TRY_AGAIN,
}


def play(turn: Turn, command: Command, channel: ChannelId) -> None:
    """Look up what is meant, and come to the person's ``channel`` meanwhile."""
    query = query_of(turn, command)
    if query is None:
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
    turn.emit(replace(query, request=request))
    turn.start_timer(load_timer(request), policy.LOAD_TIMEOUT_MS)


def query_of(turn: Turn, command: Command) -> LoadTracks | None:
    """Return how to find out what is meant, its request still to be numbered; refuse what can't be meant."""
    if command.offer is not None:
        return LoadTracks(
            request=0,
            query=command.offer,
            user=command.user,
            kind=QueryKind.OFFER,
            place=command.place or 0,
        )
    if command.file is not None:
        kind = QueryKind.QUEUE if command.verb is Verb.IMPORT else QueryKind.FILE
        return LoadTracks(request=0, query=command.file, user=command.user, kind=kind)
    words = (command.query or "").strip()
    if not words:
        turn.refuse(command, Phrase.QUERY_EMPTY)
        return None
    if len(words) > policy.QUERY_LIMIT:
        turn.refuse(command, Phrase.QUERY_TOO_LONG, limit=policy.QUERY_LIMIT)
        return None
    return LoadTracks(request=0, query=words, user=command.user)


def search(turn: Turn, command: Command) -> None:
    """Show what words find, to choose from."""
    query = query_of(turn, command)
    if query is not None:
        turn.answered(command.id)
        turn.emit(OfferSongs(command=command.id, query=query.query, user=command.user))


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
        _refuse(turn, load, phrase, wait_s=seconds(message.wait_ms), detail=message.detail)
        return
    tracks = message.tracks[: policy.PLAYLIST_LIMIT] if message.playlist is not None else message.tracks[:1]
    left_out = message.left_out + (len(message.tracks) - len(tracks) if message.playlist is not None else 0)
    loaded = replace(load, loaded=True, tracks=tracks, playlist=message.playlist, left_out=left_out)
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


def _admit(turn: Turn, load: PendingPlay) -> None:
    refusal = admit(turn, load)
    if refusal is not None:
        _refuse(turn, load, refusal.phrase, **refusal.values)


def _may_queue(state: GuildState) -> bool:
    """Whether a song could be heard: before, a failing join or placement is still a plain refusal."""
    if state.current is not None:
        return True
    return state.voice_ready and state.snapshot.node is not None


def _find(state: GuildState, request: int) -> PendingPlay | None:
    return next((load for load in state.loads if load.request == request and not load.loaded), None)

"""One decision in the making: the state as changed so far, and what is to be done about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from segue_core.events import CommandApplied, EventData
from segue_worker.domain import policy
from segue_worker.domain.copying import changed
from segue_worker.domain.effects import (
    CancelTimer,
    Commit,
    DestroyPlayer,
    Effect,
    FindReplacement,
    Inform,
    LoadTracks,
    OfferSongs,
    PatchPlayer,
    Place,
    ReleasePlacement,
    Reply,
    SendVoiceState,
    SetTimer,
    ShowNowPlaying,
    Topic,
)
from segue_worker.domain.state import Decision, GuildState, TimerRef
from segue_worker.domain.views import NowPlayingView, Phrase, QueuePage, ReplyView, SoundView, Tone, Words

if TYPE_CHECKING:
    from segue_core.ids import CommandId
    from segue_core.models import QueueItem
    from segue_worker.domain.messages import Command, RequestId

_ORDER: dict[type[Effect], int] = {
    Commit: 0,
    SendVoiceState: 1,
    DestroyPlayer: 2,
    ReleasePlacement: 3,
    LoadTracks: 4,
    OfferSongs: 4,
    FindReplacement: 4,
    Place: 5,
    PatchPlayer: 6,
    Reply: 7,
    Inform: 7,
    ShowNowPlaying: 8,
    SetTimer: 9,
    CancelTimer: 9,
}
"""Sound first, words after it. Effects of one kind keep the order they were asked for in."""


class Turn:
    """Collects one decision. Lives only inside ``decide``."""

    def __init__(self, state: GuildState, now: int) -> None:
        self.before = state
        self.state = state
        self.now = now
        self.accepted: CommandId | None = None
        self.store_position = False
        self._effects: list[Effect] = []
        self._events: list[EventData] = []

    def set(self, **changes: Any) -> None:
        """Change fields of the state."""
        self.state = changed(self.state, **changes)

    def snap(self, **changes: Any) -> None:
        """Change fields of the snapshot."""
        self.state = changed(self.state, snapshot=changed(self.state.snapshot, **changes))

    def emit(self, effect: Effect) -> None:
        """Ask the world for something."""
        self._effects.append(effect)

    def record(self, event: EventData) -> None:
        """Append a fact to the commit of this decision."""
        self._events.append(event)

    def request(self) -> RequestId:
        """Return a number that pairs an effect with its answer."""
        self.set(requests=self.state.requests + 1)
        return self.state.requests

    def accept(self, command: Command, summary: str) -> None:
        """Let this decision's commit apply ``command``. At most one a decision."""
        self.accepted = command.id
        self.record(
            CommandApplied(user=command.user, command=command.id, name=command.verb.value, summary=summary)
        )

    def reply(
        self,
        command: Command,
        tone: Tone,
        words: Words,
        *,
        item: QueueItem | None = None,
        queue: QueuePage | None = None,
        progress: NowPlayingView | None = None,
        sound: SoundView | None = None,
    ) -> None:
        """Answer ``command``, unless it was answered before."""
        view = ReplyView(tone=tone, words=words, item=item, queue=queue, progress=progress, sound=sound)
        self.answer(command.id, view, from_button=command.from_button)

    def answer(self, command: CommandId, view: ReplyView, *, from_button: bool) -> None:
        """Answer a command known by its id alone, unless it was answered before."""
        if self._is_first_answer(command):
            self.emit(Reply(command=command, view=view, from_button=from_button))

    def inform(self, command: Command, topic: Topic) -> None:
        """Let others answer ``command``, unless it was answered before."""
        if self._is_first_answer(command.id):
            snapshot = self.state.snapshot
            self.emit(
                Inform(
                    command=command.id,
                    topic=topic,
                    user=command.user,
                    page=max(1, command.page or 1),
                    node=snapshot.node,
                    played=snapshot.played if topic is Topic.HISTORY else (),
                    queue=self._everything() if topic is Topic.EXPORT else (),
                )
            )

    def _everything(self) -> tuple[QueueItem, ...]:
        current = self.state.current
        return self.state.queue if current is None else (current, *self.state.queue)

    def _is_first_answer(self, command: CommandId) -> bool:
        if command in self.state.recent:
            return False
        self.answered(command)
        return True

    def answered(self, command: CommandId) -> None:
        """Remember that a command has its answer, or that an effect brings it."""
        self.set(recent=(*self.state.recent, command)[-policy.REMEMBERED_COMMANDS :])

    def refuse(self, command: Command, phrase: Phrase, **values: str | int) -> None:
        """Answer that it can't be done, with nothing changed."""
        self.reply(command, Tone.REFUSED, Words(phrase=phrase, values=values))

    def start_timer(self, name: str, delay_ms: int) -> None:
        """Run a timer, in place of one of the same name."""
        token = self.request()
        others = tuple(timer for timer in self.state.timers if timer.name != name)
        self.set(timers=(*others, TimerRef(name=name, token=token)))
        self.emit(SetTimer(name=name, token=token, delay_ms=delay_ms))

    def stop_timer(self, name: str) -> None:
        """Forget a timer, if it runs."""
        if self.state.has_timer(name):
            self.set(timers=tuple(timer for timer in self.state.timers if timer.name != name))
            self.emit(CancelTimer(name=name))

    @property
    def position(self) -> int:
        """Where the listener is in the current song now, milliseconds."""
        return self.state.position(self.now)

    def freeze(self, at: int | None = None) -> None:
        """Let the position stand still: the sound stopped at ``at`` (now)."""
        since = self.now if at is None else min(at, self.now)
        self.snap(position_ms=self.state.position(since), position_at=self.now)
        self.set(audible=False)

    def finish(self) -> Decision:
        """Return the decision, with the commit in front when something durable changed."""
        commit = self._commit()
        if commit is None:
            return Decision(state=self.state, effects=self._ordered(self.before.snapshot.version))
        version = 0 if commit.closes else self.before.snapshot.version + 1
        self.snap(version=version)
        self.set(
            live=not commit.closes,
            stored_position_ms=self.state.snapshot.position_ms,
            stored_position_at=self.state.snapshot.position_at,
        )
        return Decision(state=self.state, effects=(commit, *self._ordered(version)))

    def _commit(self) -> Commit | None:
        after = self.state
        has_player = after.voice is not None or after.current is not None or bool(after.queue)
        differs = _durable(self.before) != _durable(after) if has_player else self.before.live
        if not (differs or self.accepted or self._events or self.store_position):
            return None
        return Commit(command=self.accepted, events=tuple(self._events), closes=not has_player)

    def _ordered(self, version: int) -> tuple[Effect, ...]:
        effects = [
            replace(effect, version=version) if isinstance(effect, PatchPlayer) else effect
            for effect in self._effects
        ]
        return tuple(sorted(effects, key=lambda effect: _ORDER[type(effect)]))


def _durable(state: GuildState) -> tuple[object, ...]:
    """Return what must be written when it changes. A position that merely drifts is not worth it."""
    snapshot = changed(state.snapshot, version=0, position_ms=0, position_at=0)
    return (snapshot, state.queue, state.voice)

"""A guild at the table: messages in, effects out, the clock in our hands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import pytest

from segue_core.ids import ChannelId, CommandId, GuildId, MessageId, NodeId, UserId
from segue_core.models import QueueItem, Track
from segue_worker.domain.decide import decide
from segue_worker.domain.effects import (
    Commit,
    Effect,
    LoadTracks,
    PatchPlayer,
    Place,
    Reply,
    SetTimer,
    ShowNowPlaying,
)
from segue_worker.domain.messages import (
    Command,
    EndReason,
    Loaded,
    Message,
    OwnVoiceState,
    Patched,
    Placed,
    Posted,
    TimerFired,
    TrackEndedOn,
    TrackStartedOn,
    Verb,
    VoiceServer,
)
from segue_worker.domain.state import GuildState, new_guild

if TYPE_CHECKING:
    from collections.abc import Callable

E = TypeVar("E")

GUILD = GuildId(77)
ANN = UserId(1)
BOB = UserId(2)
TEXT = ChannelId(500)
LOUNGE = ChannelId(600)
STAGE = ChannelId(601)
EAST = NodeId("us-east-0")
WEST = NodeId("us-west-0")
START = 1_700_000_000_000


def make_track(title: str = "Nightdrive", length_ms: int = 200_000, **changes: object) -> Track:
    """Return a song."""
    values: dict[str, object] = {
        "encoded": f"enc:{title}",
        "identifier": title,
        "title": title,
        "author": "The Tubes",
        "length_ms": length_ms,
        "source": "catalogue",
    }
    return Track(**{**values, **changes})  # type: ignore[arg-type]  # test shorthand


@dataclass
class Table:
    """One guild's state and everything it asked for."""

    state: GuildState = field(default_factory=lambda: new_guild(GUILD))
    now: int = START
    effects: list[Effect] = field(default_factory=list)
    delays: dict[tuple[str, int], int] = field(default_factory=dict)
    log: list[tuple[Message, int]] = field(default_factory=list)
    last: tuple[Effect, ...] = ()
    _ids: int = 0

    def send(self, message: Message) -> tuple[Effect, ...]:
        """Let the guild decide about ``message`` now."""
        self.log.append((message, self.now))
        decision = decide(self.state, message, self.now)
        self.state = decision.state
        self.last = decision.effects
        self.effects.extend(decision.effects)
        for effect in decision.effects:
            if isinstance(effect, SetTimer):
                self.delays[effect.name, effect.token] = effect.delay_ms
        return decision.effects

    def command(self, verb: Verb, *, user: UserId = ANN, **changes: object) -> CommandId:
        """Let a person in the lounge use a command; return its id."""
        self._ids += 1
        values: dict[str, object] = {
            "id": CommandId(str(1_000_000_000_000_000_000 + self._ids)),
            "verb": verb,
            "user": user,
            "text_channel": TEXT,
            "voice_channel": LOUNGE,
        }
        command = Command(**{**values, **changes})  # type: ignore[arg-type]  # test shorthand
        self.send(command)
        return command.id

    def fire(self, name: str) -> tuple[Effect, ...]:
        """Let the timer ``name`` run out, the clock with it."""
        timer = next(timer for timer in self.state.timers if timer.name == name)
        self.now += self.delays[name, timer.token]
        return self.send(TimerFired(name=name, token=timer.token))

    def some(self, kind: type[E]) -> list[E]:
        """Return the effects of ``kind`` in the last decision."""
        return [effect for effect in self.last if isinstance(effect, kind)]

    def all(self, kind: type[E]) -> list[E]:
        """Return every effect of ``kind`` so far."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    def one(self, kind: type[E]) -> E:
        """Return the only effect of ``kind`` in the last decision."""
        (effect,) = self.some(kind)
        return effect

    def newest(self, kind: type[E]) -> E:
        """Return the newest effect of ``kind``."""
        return self.all(kind)[-1]

    def replies(self, command: CommandId) -> list[Reply]:
        """Return what was answered to ``command``."""
        return [reply for reply in self.all(Reply) if reply.command == command]

    def phrase(self, command: CommandId) -> str:
        """Return the sentence that ``command`` was answered with, exactly once."""
        (reply,) = self.replies(command)
        return reply.view.words.phrase.value

    def join(self, channel: ChannelId = LOUNGE, number: int = 1) -> None:
        """Let Discord grant the voice channel."""
        self.send(OwnVoiceState(channel=channel, session=f"s{number}", at=self.now))
        self.send(VoiceServer(token=f"t{number}", endpoint="us-east1.discord.example:443"))

    def load(self, *tracks: Track, playlist: str | None = None) -> None:
        """Answer the newest lookup."""
        request = self.newest(LoadTracks).request
        self.send(Loaded(request=request, tracks=tracks or (make_track(),), playlist=playlist))

    def place(self, node: NodeId | None = EAST) -> None:
        """Answer the newest placement."""
        self.send(Placed(request=self.newest(Place).request, node=node))

    def patched(self, error: str = "") -> None:
        """Answer the newest PATCH."""
        patch = self.newest(PatchPlayer)
        self.send(Patched(request=patch.request, node=patch.node, generation=patch.generation, error=error))

    def started(self) -> None:
        """Let the node report that the current song started."""
        self.send(TrackStartedOn(node=self.node, generation=self.generation, item=self.current.id))

    def ended(self, reason: EndReason = EndReason.FINISHED) -> None:
        """Let the node report that the current song ended."""
        self.send(
            TrackEndedOn(node=self.node, generation=self.generation, item=self.current.id, reason=reason)
        )

    @property
    def node(self) -> NodeId:
        """Return where the player is."""
        node = self.state.snapshot.node
        assert node is not None
        return node

    @property
    def generation(self) -> int:
        """Return the newest start's number."""
        return self.state.snapshot.generation

    def posted(self, message: int = 900) -> None:
        """Let Discord accept the newest post of the now-playing message."""
        show = self.newest(ShowNowPlaying)
        self.send(Posted(request=show.request, channel=show.channel, message=MessageId(message)))

    def play(self, title: str = "Nightdrive", *, user: UserId = ANN, length_ms: int = 200_000) -> CommandId:
        """Ask for a song and let it be found."""
        command = self.command(Verb.PLAY, user=user, query=title)
        self.load(make_track(title, length_ms))
        return command

    def playing(self, *titles: str) -> Table:
        """Bring the guild to where the first of ``titles`` sounds and the message is up."""
        first, *others = titles or ("Nightdrive",)
        self.play(first)
        self.join()
        self.place()
        self.patched()
        self.patched()
        self.started()
        self.posted()
        for title in others:
            self.play(title)
        return self

    @property
    def titles(self) -> list[str]:
        """Return the titles in the queue."""
        return [item.track.title for item in self.state.queue]

    @property
    def current(self) -> QueueItem:
        """Return the song that plays."""
        item = self.state.current
        assert item is not None
        return item

    def committed(self, command: CommandId) -> list[Commit]:
        """Return the commits that apply ``command``."""
        return [commit for commit in self.all(Commit) if commit.command == command]


@pytest.fixture
def table() -> Table:
    """A guild without a player."""
    return Table()


@pytest.fixture
def playing(table: Table) -> Table:
    """A guild with one song playing and the message up."""
    return table.playing()


@pytest.fixture
def track() -> Callable[..., Track]:
    """Makes songs."""
    return make_track


@pytest.fixture
def new_table() -> Callable[[], Table]:
    """Makes guilds, for property tests that need a fresh one an example."""
    return Table

"""Whatever happens, in whatever order: promises that hold in every state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segue_core.codec import decode, encode
from segue_core.events import TrackEnded
from segue_core.ids import ChannelId, CommandId, GuildId, ItemId, MessageId, NodeId, UserId
from segue_core.models import GuildRecord, LoopMode, Track, VoiceLink
from segue_worker.domain import messages as m
from segue_worker.domain.decide import decide
from segue_worker.domain.effects import (
    CancelTimer,
    Commit,
    DestroyPlayer,
    FindReplacement,
    Inform,
    LoadTracks,
    OfferSongs,
    PatchPlayer,
    Place,
    Reply,
    SetTimer,
    ShowNowPlaying,
)
from segue_worker.domain.now_playing import REFRESH_TIMER
from segue_worker.domain.recording import dump, replay
from segue_worker.domain.state import Decision, GuildState, new_guild, restored
from segue_worker.domain.views import Tone

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_worker.domain.effects import Effect

CHANNELS = [ChannelId(600), ChannelId(601)]
NODES = [NodeId("east"), NodeId("west"), NodeId("north")]
CHANGING = {m.Verb.PLAY_NEXT, m.Verb.PLAY_NOW}
CHANGING |= {m.Verb.PLAY, m.Verb.PAUSE, m.Verb.RESUME, m.Verb.SKIP, m.Verb.STOP, m.Verb.JOIN, m.Verb.LEAVE}
CHANGING |= {m.Verb.SEEK, m.Verb.FORWARD, m.Verb.REWIND, m.Verb.PREVIOUS, m.Verb.REPLAY, m.Verb.SKIP_TO}
CHANGING |= {
    m.Verb.SHUFFLE,
    m.Verb.REMOVE,
    m.Verb.REMOVE_MINE,
    m.Verb.REMOVE_GONE,
    m.Verb.CLEAR,
    m.Verb.DEDUPE,
}
BEGINNING = 1_700_000_000_000


def song(number: int) -> Track:
    """Return a song; every fifth is a stream, every seventh has no length."""
    return Track(
        encoded=f"e{number}",
        identifier=f"i{number}",
        title=f"t{number}",
        author="a",
        length_ms=0 if number % 7 == 0 else 10_000,
        source="s",
        is_stream=number % 5 == 0,
    )


REMOVING = {
    m.Verb.STOP,
    m.Verb.SKIP_TO,
    m.Verb.REMOVE,
    m.Verb.REMOVE_MINE,
    m.Verb.REMOVE_GONE,
    m.Verb.CLEAR,
    m.Verb.DEDUPE,
}
"""Commands that may take more than one song out of the queue."""


class World:
    """One guild and what its effects are waiting for. Answers come when, and if, the example says so."""

    def __init__(self, loop: LoopMode = LoopMode.OFF) -> None:
        guild = new_guild(GuildId(7))
        self.state = replace(guild, snapshot=replace(guild.snapshot, loop=loop))
        self.beginning = self.state
        self.now = BEGINNING
        self.asked: list[m.Command] = []
        self.replied: dict[CommandId, int] = {}
        self.committed: dict[CommandId, int] = {}
        self.pending: list[LoadTracks | Place | PatchPlayer | ShowNowPlaying | FindReplacement] = []
        self.timers: dict[str, SetTimer] = {}
        self.playing_on: set[NodeId] = set()
        self.lines: list[bytes] = []

    def send(self, message: m.Message) -> None:
        before = self.state
        decision = decide(before, message, self.now)
        assert decide(before, message, self.now) == decision, "decide is not a function"
        self.lines.append(dump(message, self.now))
        self.state = decision.state
        self.check(before, decision, message)

    def answer_well(self) -> None:
        """Let everything that was asked for come true, until sound is heard."""
        self.send(m.OwnVoiceState(channel=CHANNELS[0], session="s", at=self.now))
        self.send(m.VoiceServer(token="t", endpoint="us-east1:443"))
        while self.pending:
            effect = self.pending.pop(0)
            match effect:
                case LoadTracks():
                    self.send(
                        m.Loaded(request=effect.request, tracks=(song(1), song(2), song(3)), playlist="p")
                    )
                case Place():
                    self.send(m.Placed(request=effect.request, node=NODES[0]))
                case PatchPlayer():
                    self.send(
                        m.Patched(request=effect.request, node=effect.node, generation=effect.generation)
                    )
                case ShowNowPlaying():
                    self.send(
                        m.Posted(request=effect.request, channel=effect.channel, message=MessageId(900))
                    )
        snapshot = self.state.snapshot
        assert snapshot.node is not None
        assert snapshot.current is not None
        self.send(
            m.TrackStartedOn(node=snapshot.node, generation=snapshot.generation, item=snapshot.current.id)
        )

    def check(self, before: GuildState, decision: Decision, message: m.Message) -> None:
        self.check_commit(before, decision)
        self.check_queue(before, decision, message)
        assert decision.state.snapshot.generation >= before.snapshot.generation
        if isinstance(message, m.NodeLost):
            self.playing_on.discard(message.node)
        for effect in decision.effects:
            self.follow(effect)
        # In a planned move the old player is heard until the new one speaks.
        there = self.playing_on - {decision.state.leaving}
        assert len(there) <= 1, f"two nodes play: {there}"
        running = {timer.name: timer.token for timer in decision.state.timers}
        assert running == {name: timer.token for name, timer in self.timers.items()}

    def check_commit(self, before: GuildState, decision: Decision) -> None:
        commits = [effect for effect in decision.effects if isinstance(effect, Commit)]
        assert len(commits) <= 1
        after = decision.state
        if not commits:
            assert after.snapshot.version == before.snapshot.version
            assert (after.queue, after.voice, after.live) == (before.queue, before.voice, before.live)
            assert after.current == before.current
            assert after.snapshot.node == before.snapshot.node
            assert after.snapshot.now_playing == before.snapshot.now_playing
            return
        (commit,) = commits
        assert decision.effects[0] is commit, "the commit comes first"
        assert after.live is not commit.closes
        expected = 0 if commit.closes else before.snapshot.version + 1
        assert after.snapshot.version == expected
        if commit.command is not None:
            self.committed[commit.command] = self.committed.get(commit.command, 0) + 1
        for patch in decision.effects:
            if isinstance(patch, PatchPlayer):
                assert patch.version == after.snapshot.version

    def check_queue(self, before: GuildState, decision: Decision, message: m.Message) -> None:
        """No song is there twice, and none goes without a word about it."""
        after = decision.state
        ids = [item.id for item in after.queue]
        if after.current is not None:
            ids.append(after.current.id)
        assert len(ids) == len(set(ids))
        gone = (
            {item.id for item in before.queue} | ({before.current.id} if before.current else set())
        ) - set(ids)
        if not gone:
            return
        commit = decision.effects[0]
        assert isinstance(commit, Commit)
        cleared = commit.closes or (isinstance(message, m.Command) and message.verb in REMOVING)
        ended = [event for event in commit.events if isinstance(event, TrackEnded)]
        if not cleared:
            assert len(gone) == len(ended) == 1
        if before.current is not None and before.current.id in gone:
            assert ended

    def follow(self, effect: Effect) -> None:  # noqa: C901, PLR0912 - one case a type of effect
        match effect:
            case Reply():
                self.replied[effect.command] = self.replied.get(effect.command, 0) + 1
                assert self.replied[effect.command] == 1, "answered twice"
                asked = next(command for command in self.asked if command.id == effect.command)
                if asked.verb in CHANGING and effect.view.tone is Tone.OK:
                    assert self.committed.get(effect.command) == 1, "answered before it was written"
            case Inform():
                self.replied[effect.command] = self.replied.get(effect.command, 0) + 1
                assert self.replied[effect.command] == 1, "answered twice"
            case PatchPlayer():
                assert not [one for one in self.pending if isinstance(one, PatchPlayer)], (
                    "two PATCHes in flight"
                )
                assert not (effect.item is not None and effect.stop)
                if effect.item is not None:
                    assert effect.playing == effect.item.id
                    self.playing_on.add(effect.node)
                if effect.stop:
                    self.playing_on.discard(effect.node)
                self.pending.append(effect)
            case DestroyPlayer():
                self.playing_on.discard(effect.node)
                self.drop_patches()
            case ShowNowPlaying():
                if effect.ref is None:
                    posts = [one for one in self.pending if isinstance(one, ShowNowPlaying)]
                    assert not posts, "a second message"
                    self.pending.append(effect)
            case LoadTracks() | Place() | FindReplacement():
                self.pending.append(effect)
            case OfferSongs():
                # What it finds, or why it finds nothing, is the answer.
                assert effect.command not in self.replied, "answered twice"
                self.replied[effect.command] = 1
            case SetTimer():
                self.timers[effect.name] = effect
            case CancelTimer():
                del self.timers[effect.name]

    def drop_patches(self) -> None:
        self.pending = [one for one in self.pending if not isinstance(one, PatchPlayer)]

    def fire(self, timer: SetTimer) -> None:
        self.now += timer.delay_ms
        del self.timers[timer.name]
        if timer.name == "patch":
            self.drop_patches()
        if timer.name == "post":
            self.pending = [one for one in self.pending if not isinstance(one, ShowNowPlaying)]
        self.send(m.TimerFired(name=timer.name, token=timer.token))


def ask(world: World, draw: Callable[[Any], Any]) -> None:
    """Somebody uses a command, from some channel, perhaps one we may not enter."""
    command = m.Command(
        id=CommandId(str(10**18 + len(world.asked))),
        verb=draw(st.sampled_from(m.Verb)),
        user=UserId(draw(st.integers(1, 3))),
        text_channel=ChannelId(500),
        voice_channel=draw(st.sampled_from([CHANNELS[0], CHANNELS[0], CHANNELS[0], CHANNELS[1], None])),
        query=draw(st.sampled_from(["words", "words", "", "x" * 501, None])),
        amount=draw(st.sampled_from([None, 0, 50, 150, 151, -10])),
        relative=draw(st.booleans()),
        page=draw(st.sampled_from([None, 1, 2, 99, -1])),
        place=draw(st.sampled_from([None, 1, 1, 2, 3, 99, -1])),
        to_place=draw(st.sampled_from([None, 1, 2, 3, 99, 0])),
        time=draw(st.sampled_from([None, "5", "+3", "-3", "1:00:00", "when it is nice"])),
        choice=draw(st.sampled_from([None, "off", "track", "queue", "nightcore", "pop", "dubstep"])),
        speed=draw(st.sampled_from([None, 0.5, 1.0, 2.0, 0.0])),
        pitch=draw(st.sampled_from([None, 1.5])),
        from_button=draw(st.booleans()),
        missing_permissions=draw(st.sampled_from([(), (), (), ("Speak",)])),
    )
    world.asked.append(command)
    world.send(command)


def play(world: World, draw: Callable[[Any], Any]) -> None:
    """Somebody asks for a song."""
    command = m.Command(
        id=CommandId(str(10**18 + len(world.asked))),
        verb=draw(st.sampled_from([m.Verb.PLAY, m.Verb.PLAY, m.Verb.PLAY_NEXT, m.Verb.PLAY_NOW])),
        user=UserId(draw(st.integers(1, 3))),
        text_channel=ChannelId(500),
        voice_channel=CHANNELS[0],
        query="words",
    )
    world.asked.append(command)
    world.send(command)


def answer(world: World, draw: Callable[[Any], Any]) -> None:
    """Something we wait for answers, well or badly."""
    if not world.pending:
        return
    effect = draw(st.sampled_from(world.pending))
    world.pending.remove(effect)
    good = draw(st.sampled_from([True, True, True, False]))
    match effect:
        case FindReplacement():
            found = (song(draw(st.integers(1, 30))),) if good else ()
            nothing = None if good else m.LoadFailure.NOTHING_FOUND
            world.send(m.Loaded(request=effect.request, tracks=found, failure=nothing))
        case LoadTracks():
            count = draw(st.integers(1, 4)) if good else 0
            tracks = tuple(song(draw(st.integers(1, 30))) for _ in range(count))
            playlist = draw(st.sampled_from([None, "mix"]))
            failure = None if good else draw(st.sampled_from(m.LoadFailure))
            world.send(m.Loaded(request=effect.request, tracks=tracks, playlist=playlist, failure=failure))
        case Place():
            node = draw(st.sampled_from(NODES)) if good else None
            world.send(m.Placed(request=effect.request, node=node))
        case PatchPlayer():
            world.send(
                m.Patched(
                    request=effect.request,
                    node=effect.node,
                    generation=effect.generation,
                    error="" if good else "timeout",
                    rejected=not good and draw(st.booleans()),
                )
            )
        case ShowNowPlaying():
            message = MessageId(draw(st.integers(900, 905))) if good else None
            world.send(m.Posted(request=effect.request, channel=effect.channel, message=message))


def repeat(world: World, draw: Callable[[Any], Any]) -> None:
    """The gateway replays an interaction that we have seen."""
    # What a holder before this one answered, Discord's acknowledgement and the store know as done.
    known = [one for one in world.asked if one.id not in world.replied or one.id in world.state.recent]
    if known:
        before = world.state
        world.send(draw(st.sampled_from(known[-20:])))
        assert world.state.queue == before.queue


def own_voice(world: World, draw: Callable[[Any], Any]) -> None:
    """Discord says where we are."""
    channel = draw(st.sampled_from([*CHANNELS, CHANNELS[0], CHANNELS[0], None]))
    session = draw(st.sampled_from(["s1", "s2", None]))
    world.send(m.OwnVoiceState(channel=channel, session=session, at=world.now))


def voice_server(world: World, draw: Callable[[Any], Any]) -> None:
    """Discord assigns a voice server, or takes it away."""
    endpoint = draw(st.sampled_from(["us-east1:443", "us-east1:443", "us-west2:443", None]))
    world.send(m.VoiceServer(token=draw(st.sampled_from(["t1", "t2"])), endpoint=endpoint))


def granted(world: World, draw: Callable[[Any], Any]) -> None:
    """Discord does what we asked last."""
    voice = world.state.voice
    if voice is None:
        return
    for channel in world.state.expected or (voice.channel,):
        world.send(m.OwnVoiceState(channel=channel, session="s", at=world.now))
    world.send(m.VoiceServer(token=draw(st.sampled_from(["t1", "t2"])), endpoint="us-east1:443"))


def track_event(world: World, draw: Callable[[Any], Any]) -> None:
    """The node speaks of a song: the current one, mostly."""
    snapshot = world.state.snapshot
    item = snapshot.current.id if snapshot.current and draw(st.booleans()) else ItemId("other-0")
    item = snapshot.current.id if snapshot.current and draw(st.booleans()) else item
    node = draw(st.sampled_from([snapshot.node or NODES[0], snapshot.node or NODES[0], NODES[1]]))
    generation = max(0, snapshot.generation - draw(st.sampled_from([0, 0, 0, 1])))
    kind = draw(st.sampled_from(["start", "start", "end", "fail"]))
    if kind == "start":
        world.send(m.TrackStartedOn(node=node, generation=generation, item=item))
    elif kind == "end":
        reason = draw(st.sampled_from(m.EndReason))
        if node in world.playing_on and generation == snapshot.generation:
            world.playing_on.discard(node)
        world.send(m.TrackEndedOn(node=node, generation=generation, item=item, reason=reason))
    else:
        stuck = draw(st.booleans())
        words = draw(st.sampled_from(["gone", "private", "429"]))
        world.send(
            m.TrackFailedOn(
                node=node,
                generation=generation,
                item=item,
                message=words,
                severity="fault",
                stuck=stuck,
            )
        )


def node_event(world: World, draw: Callable[[Any], Any]) -> None:
    """The node reports its position, a closed voice connection, or is gone."""
    node = draw(st.sampled_from([world.state.snapshot.node or NODES[0], NODES[1]]))
    kind = draw(st.sampled_from(["progress", "progress", "closed", "move", "lost"]))
    if kind == "move":
        world.send(m.MoveTo(node=draw(st.none() | st.sampled_from(NODES)), source=node, reason="drain"))
    elif kind == "progress":
        position = draw(st.integers(-5, 20_000))
        connected = draw(st.booleans())
        world.send(m.Progress(node=node, position_ms=position, connected=connected, at=world.now))
    elif kind == "closed":
        code = draw(st.sampled_from([1000, 1001, 4006, 4009, 4014, 4017, 4021, 4022, 4999]))
        world.send(m.VoiceClosed(node=node, code=code, reason="", by_remote=draw(st.booleans())))
    else:
        if world.state.snapshot.node == node:
            world.drop_patches()
        world.send(
            m.NodeLost(node=node, reason="dead", stopped_at=draw(st.sampled_from([0, world.now - 500])))
        )


def people(world: World, draw: Callable[[Any], Any]) -> None:
    """Listeners come and go; limits change; a message is deleted; a commit is refused."""
    kind = draw(st.sampled_from(["peer", "peer", "settings", "lost", "refused", "gateway"]))
    if kind == "peer":
        channel = draw(st.sampled_from([*CHANNELS, None]))
        world.send(m.PeerVoiceState(user=UserId(draw(st.integers(1, 3))), channel=channel))
    elif kind == "settings":
        limit = draw(st.sampled_from([0, 2, 500]))
        world.send(
            m.SettingsChanged(max_queue_size=limit, max_song_duration_ms=draw(st.sampled_from([None, 5000])))
        )
    elif kind == "lost":
        world.send(m.Posted(request=0, channel=ChannelId(500), message=None, lost=True))
    elif kind == "refused" and world.asked:
        command = draw(st.sampled_from(world.asked)).id
        if command not in world.committed and command not in world.replied:
            world.send(m.CommitRefused(command=command, reason=draw(st.sampled_from(m.CommitRefusal))))
    else:
        world.send(m.GatewayReplaced())


def take_over(world: World, draw: Callable[[Any], Any]) -> None:
    """The holder dies; another one reads what is stored, and finishes what was journaled."""
    old = world.state
    record = GuildRecord(snapshot=old.snapshot, queue=old.queue, voice=old.voice)
    world.state = restored(record) if old.live else new_guild(GuildId(7))
    world.beginning = world.state
    world.lines.clear()
    world.timers.clear()
    world.pending.clear()
    snapshot = world.state.snapshot
    found = draw(st.sampled_from(["as stored", "older", "silent", "gone"]))
    node = snapshot.node if snapshot.node in world.playing_on and found != "gone" else None
    if node is None or found == "silent":
        world.playing_on.clear()
    # What a predecessor had begun to leave is destroyed by whoever takes the shard over.
    world.playing_on &= {snapshot.node}
    heard = node is not None and snapshot.current is not None and found != "silent"
    if old.live:
        world.send(
            m.Adopted(
                node=node,
                item=snapshot.current.id if heard and snapshot.current is not None else None,
                generation=snapshot.generation if heard else 0,
                version=snapshot.version - (1 if found == "older" else 0) if heard else 0,
                position_ms=draw(st.sampled_from([0, 5_000])),
                paused=draw(st.booleans()),
                connected=draw(st.booleans()),
                at=world.now,
            )
        )
    for command in world.asked:
        if command.id in world.replied:
            continue
        if command.id in world.committed:
            world.replied[command.id] = 1  # the store knows it as applied: its answer is not the guild's
        else:
            world.send(replace(command, replayed=True))


def wait(world: World, draw: Callable[[Any], Any]) -> None:
    """Time passes; perhaps a timer runs out."""
    world.now += draw(st.sampled_from([0, 10, 1_000, 11_000]))
    if world.timers and draw(st.booleans()):
        world.fire(draw(st.sampled_from(sorted(world.timers.values(), key=lambda timer: timer.name))))


ACTIONS = [ask, play, play, answer, answer, answer, answer, granted, granted, own_voice, voice_server]
ACTIONS += [repeat, take_over, track_event, track_event, node_event, people, wait]


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    data=st.data(),
    steps=st.lists(st.sampled_from(ACTIONS), max_size=60),
    loop=st.sampled_from(LoopMode),
    begun=st.booleans(),
)
def test_every_history_keeps_the_promises(
    data: st.DataObject,
    steps: list[Callable[[World, Callable[[Any], Any]], None]],
    loop: LoopMode,
    begun: bool,
) -> None:
    """Commits first, one PATCH, one message, one sounding node, no song lost; and every command answered."""
    world = World(loop)
    if begun:
        play(world, data.draw)
        world.answer_well()
    for step in steps:
        step(world, data.draw)
    for _ in range(200):
        # A bar that is moved on answers nobody, and is moved on for as long as the song plays.
        timers = [timer for name, timer in world.timers.items() if name != REFRESH_TIMER]
        if len(world.replied) == len(world.asked) or not timers:
            break
        world.fire(min(timers, key=lambda timer: (timer.delay_ms, timer.token)))
    assert {command.id for command in world.asked} == set(world.replied), "somebody waits for ever"
    assert all(count == 1 for count in world.committed.values())
    assert decode(GuildState, encode(world.state)) == world.state
    assert replay(world.beginning, world.lines) == world.state


SMALL = st.integers(0, 6)
TEXTS = st.sampled_from(["", "a", "east", "10-0", "voice", "patch"])
ANY_MESSAGE = st.one_of(
    st.builds(
        m.Command,
        id=SMALL.map(lambda n: CommandId(str(n))) | st.text(max_size=3).map(CommandId),
        verb=st.sampled_from(m.Verb),
        user=SMALL.map(UserId),
        text_channel=SMALL.map(ChannelId),
        voice_channel=st.none() | SMALL.map(ChannelId),
        query=st.none() | st.text(max_size=5),
        amount=st.none() | st.integers(),
        page=st.none() | st.integers(),
        place=st.none() | st.integers(),
        to_place=st.none() | st.integers(),
        time=st.none() | st.text(max_size=5),
        choice=st.none() | st.sampled_from(["off", "track", "queue", "vaporwave", "?"]),
        speed=st.none() | st.floats(),
        pitch=st.none() | st.floats(),
    ),
    st.builds(m.OwnVoiceState, channel=st.none() | SMALL.map(ChannelId), session=st.none() | TEXTS, at=SMALL),
    st.builds(m.VoiceServer, token=TEXTS, endpoint=st.none() | TEXTS),
    st.builds(
        m.Loaded,
        request=st.integers(0, 40),
        tracks=st.lists(st.integers(1, 9).map(song), max_size=3).map(tuple),
        playlist=st.none() | TEXTS,
        failure=st.none() | st.sampled_from(m.LoadFailure),
    ),
    st.builds(m.Placed, request=st.integers(0, 40), node=st.none() | st.sampled_from(NODES)),
    st.builds(
        m.Patched,
        request=st.integers(0, 40),
        node=st.sampled_from(NODES),
        generation=SMALL,
        error=TEXTS,
    ),
    st.builds(
        m.Posted,
        request=st.integers(0, 40),
        channel=SMALL.map(ChannelId),
        message=st.none() | SMALL.map(MessageId),
        lost=st.booleans(),
    ),
    st.builds(
        m.Adopted,
        node=st.none() | st.sampled_from(NODES),
        item=st.none() | TEXTS,
        generation=SMALL,
        version=SMALL,
        position_ms=st.integers(-1, 2**40),
        paused=st.booleans(),
        connected=st.booleans(),
        at=st.integers(0, 2**50),
        track=st.none() | st.integers(1, 9).map(song),
        voice=st.none() | st.builds(VoiceLink, channel=SMALL.map(ChannelId)),
    ),
    st.builds(
        m.MoveTo,
        node=st.none() | st.sampled_from(NODES),
        source=st.sampled_from(NODES),
        reason=st.sampled_from(["drain", "home"]),
    ),
    st.builds(m.NodeLost, node=st.sampled_from(NODES), reason=TEXTS, stopped_at=st.integers(0, 2**50)),
    st.builds(m.TimerFired, name=TEXTS, token=st.integers(0, 40)),
    st.builds(
        m.Progress,
        node=st.sampled_from(NODES),
        position_ms=st.integers(),
        connected=st.booleans(),
        at=st.integers(0, 2**50),
    ),
    st.builds(
        m.VoiceClosed,
        node=st.sampled_from(NODES),
        code=st.integers(),
        reason=TEXTS,
        by_remote=st.booleans(),
    ),
    st.builds(
        m.SettingsChanged,
        volume_limit=st.integers(),
        max_queue_size=st.integers(),
        max_song_duration_ms=st.none() | st.integers(),
    ),
    st.just(m.GatewayReplaced()),
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(st.tuples(ANY_MESSAGE, st.integers(0, 2**45)), max_size=30))
def test_decide_is_total(messages: list[tuple[m.Message, int]]) -> None:
    """No message raises in any state, at any time, even with a clock that jumps about."""
    state = new_guild(GuildId(7))
    for message, now in messages:
        state = decide(state, message, now).state
    assert decode(GuildState, encode(state)) == state

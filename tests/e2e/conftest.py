"""One running cluster for the suite, and what people do in it.

All tests share one event loop and one cluster: each has a guild and people of its own. Tests that harm
the cluster leave it mended, since the next one waits until all of it is ready.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from segue_core.ids import GuildId
from segue_core.redis.connection import connect
from segue_core.redis.keys import Keys
from segue_core.redis.leases import LeasePlane
from segue_core.store import Store, StoreUnavailableError
from segue_devkit.dev import DevCluster, DevOptions
from segue_devkit.discord.client import SimClient
from segue_devkit.processes import Backoff
from segue_devkit.tunes import catalogue
from segue_operator.api import load_file

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable

    from segue_core.store import EventRow
    from segue_devkit.discord.client import Answer, Interaction, Person, SimGuild, SimMessage, SinkReport
    from segue_devkit.processes import PodStatus
    from segue_devkit.tunes.catalogue import Tune
    from segue_operator.api import MusicCluster

ROOT = Path(__file__).resolve().parents[2]
LAPTOP = ROOT / "examples" / "01-laptop.yaml"
READY_S = 120.0
PATIENCE_S = 20.0
SESSION_S = 60.0
"""Every new session waits for the identify gate, and ever longer after failures."""

POLL_S = 0.05
NS_PER_MS = 1e6

TAIL_LINES = 40

_names = itertools.count(1)
_running: list[DevCluster] = []

FACTS_S = 60.0
"""A worker killed while it stores events keeps their partition leased for 30 s (segue_core.drain)."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show with a failure what the cluster's processes said last."""
    report = yield
    if report.failed:
        for dev in _running:
            for pod in dev.pods():
                lines = dev.processes.tail(pod.name, TAIL_LINES)
                report.sections.append(
                    (f"{pod.name} ({pod.phase}, {pod.restarts} restarts)", "\n".join(lines))
                )
    return report


async def eventually(
    promise: str, holds: Callable[[], Awaitable[object]], timeout_s: float = PATIENCE_S
) -> None:
    """Wait until ``holds`` answers something true; fail with the promise and the last answer otherwise."""
    last: object = None
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        last = await holds()
        if last:
            return
        await asyncio.sleep(POLL_S)
    pytest.fail(f"not within {timeout_s:g} s: {promise} (last: {last!r})")


def is_now_playing(message: SimMessage) -> bool:
    """Whether all can see it and it has buttons."""
    return not message.ephemeral and bool(message.components)


def text_of(answer: Answer) -> str:
    """Return what the person reads."""
    return "" if answer.message is None else answer.message.text


class Room:
    """A guild with one person in its voice channel, and what can be done and heard there."""

    def __init__(self, discord: SimClient, guild: SimGuild, person: Person) -> None:
        self.discord = discord
        self.guild = guild
        self.person = person

    async def guest(self, *, in_voice: bool = True) -> Person:
        """Return somebody new: cooldowns are each person's own."""
        guest = await self.discord.person(f"Guest {next(_names)}")
        if in_voice:
            await guest.join(self.guild.voice_channel)
        return guest

    async def send(self, name: str, /, by: Person | None = None, **options: object) -> Interaction:
        """Send a command, and return at once."""
        return await (by or self.person).slash(self.guild.text_channel, name, **options)

    async def ask(self, name: str, /, by: Person | None = None, **options: object) -> Answer:
        """Send a command and wait for its answer, which only its sender sees."""
        interaction = await self.send(name, by, **options)
        answer = await interaction.wait_answer(PATIENCE_S)
        assert answer.ephemeral, f"/{name} was answered for all to see: {text_of(answer)}"
        return answer

    async def says(self, words: str, name: str, /, by: Person | None = None, **options: object) -> str:
        """Send a command, and fail unless it is answered with these words among others."""
        said = text_of(await self.ask(name, by, **options))
        assert words in said, f"/{name} was answered: {said}"
        return said

    async def play(self, tune: Tune, by: Person | None = None) -> None:
        """Ask for a tune by its title, and wait until it is heard."""
        await self.says(tune.title, "play", by or await self.guest(), query=tune.title)
        await self.hears(tune)

    async def queue_up(self, *tunes: Tune) -> None:
        """Ask for tunes to be played later."""
        for tune in tunes:
            await self.says("Added", "play", await self.guest(), query=tune.title)

    async def press(self, custom_id: str, by: Person | None = None) -> Interaction:
        """Press a button of the now-playing message once it is offered, and wait until Discord is told."""
        message = await self.discord.wait_message(
            self.guild.text_channel,
            lambda one: is_now_playing(one) and custom_id in one.custom_ids,
            PATIENCE_S,
        )
        interaction = await (by or self.person).click(message, custom_id)
        await interaction.wait_ack(PATIENCE_S)
        return interaction

    async def hears(self, tune: Tune, timeout_s: float = PATIENCE_S) -> SinkReport:
        """Wait until the sound itself says that it is this tune, arriving now."""
        found: SinkReport | None = None

        async def heard() -> bool:
            nonlocal found
            found = await self.discord.sink(self.guild)
            return _plays(found) and found.timecode is not None and found.timecode.song_id == tune.song_id

        await eventually(f"“{tune.title}” is heard", heard, timeout_s)
        assert found is not None
        return found

    async def silence(self) -> None:
        """Wait until nothing has been heard for half a second."""

        async def silent() -> bool:
            report = await self.discord.sink(self.guild, timecode=False)
            return report.last_sound_ns is None or report.now_ns - report.last_sound_ns > 500 * NS_PER_MS

        await eventually("the music stops", silent)

    async def never_silent(self, until: Callable[[], Awaitable[object]], timeout_s: float) -> None:
        """Wait for ``until``, then fail if a frame of sound was missing or late since the last reset."""
        await eventually("it is over", until, timeout_s)
        report = await self.discord.sink(self.guild)
        assert report.media_gap_count == 0, report.media_gaps
        assert _plays(report), "the music stopped"

    async def now_playing(self) -> SimMessage:
        """Return the now-playing message that can be used."""
        return await self.discord.wait_message(
            self.guild.text_channel, lambda one: is_now_playing(one) and bool(one.custom_ids), PATIENCE_S
        )

    async def shown(self) -> tuple[SimMessage, ...]:
        """Return every now-playing message of the channel."""
        return tuple(
            one for one in await self.discord.messages(self.guild.text_channel) if is_now_playing(one)
        )

    async def shows(self, words: str) -> SimMessage:
        """Wait until the now-playing message says so."""
        return await self.discord.wait_message(
            self.guild.text_channel, lambda one: is_now_playing(one) and words in one.text, PATIENCE_S
        )

    async def channel_of_bot(self) -> int | None:
        """Return the voice channel that the bot is in."""
        states = (await self.discord.look(self.guild)).voice_states
        return next((one.channel_id for one in states if one.bot), None)


def _plays(report: SinkReport) -> bool:
    return report.last_sound_ns is not None and report.now_ns - report.last_sound_ns < 300 * NS_PER_MS


@dataclass
class Town:
    """The running cluster, as those who run it and those who use it see it."""

    dev: DevCluster
    discord: SimClient
    store: Store
    plane: LeasePlane
    shards: int
    _stopped: set[str] = field(default_factory=set)

    async def room(
        self, region: str | None = None, *, shard: int | None = None, voice_channels: int = 1
    ) -> Room:
        """Make a guild, if wanted on a certain shard, and lead somebody into its voice channel."""
        region = region or self.dev.cluster.spec.regions[0].name
        while True:
            guild = await self.discord.guild(
                f"Guild {next(_names)}", region=region, voice_channels=voice_channels
            )
            if shard is None or self.shard_of(guild) == shard:
                break
        person = await self.discord.person(f"Person {next(_names)}")
        await person.join(guild.voice_channel)

        async def registered() -> bool:
            return bool(await person.commands(guild.text_channel))

        await eventually("the commands are registered", registered)
        return Room(self.discord, guild, person)

    def shard_of(self, guild: SimGuild) -> int:
        """Return the shard that Discord sends a guild's events to."""
        return (guild.id >> 22) % self.shards

    def pods(self, role: str) -> list[PodStatus]:
        """Return the pods of a workload by the end of its name."""
        return [
            pod for pod in self.dev.pods() if pod.workload.removeprefix(f"{self.dev.cluster.name}-") == role
        ]

    async def owner(self, shard: int) -> str:
        """Return the owner of a shard: pod name and boot id."""
        found = ""

        async def held() -> bool:
            nonlocal found
            lease = next((one for one in await self.plane.overview() if one.shard == shard), None)
            found = str(lease.owner) if lease is not None and lease.owner else ""
            return bool(found)

        await eventually(f"somebody holds shard {shard}", held)
        return found

    async def holder(self, shard: int) -> str:
        """Return the pod that holds a shard."""
        return (await self.owner(shard)).partition("/")[0]

    async def identifies(self) -> int:
        """Return how many IDENTIFYs were ever made."""
        return len((await self.discord.gateway()).identifies)

    async def session(self, shard: int) -> str:
        """Return the id of a shard's connected gateway session."""
        found = ""

        async def connected() -> bool:
            nonlocal found
            sessions = (await self.discord.gateway()).of_shard(shard)
            found = next((one.session_id for one in sessions if one.connected), "")
            return bool(found)

        await eventually(f"shard {shard} has a session", connected, SESSION_S)
        return found

    def stop(self, pod: str) -> None:
        """Hang a pod: its processes do nothing, its sockets stay open."""
        self._stopped.add(pod)
        self.dev.kill(pod, signal.SIGSTOP)

    def go_on(self, *pods: str) -> None:
        """Let hung pods go on."""
        for pod in pods or tuple(self._stopped):
            self._stopped.discard(pod)
            try:
                self.dev.kill(pod, signal.SIGCONT)
            except LookupError:
                continue  # it was replaced meanwhile

    @asynccontextmanager
    async def away(self, *pods: str, seconds: float) -> AsyncIterator[None]:
        """Hang pods for the body, and at least for so long."""
        began = time.monotonic()
        for pod in pods:
            self.stop(pod)
        try:
            yield
            await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
        finally:
            self.go_on(*pods)

    async def restarted(self, pod: str, restarts: int) -> None:
        """Wait until a pod's container was started once more than ``restarts`` times, and is ready."""
        await self.dev.processes.wait_for(
            lambda: any(one.name == pod and one.restarts > restarts and one.ready for one in self.dev.pods()),
            READY_S,
        )

    def restarts(self, pod: str) -> int:
        """Return how often a pod's container was started again."""
        return next(one.restarts for one in self.dev.pods() if one.name == pod)

    async def recorded(self, room: Room, kind: str | None = None) -> tuple[EventRow, ...]:
        """Return the facts of a room that PostgreSQL has."""
        return await self.store.events(0, 1_000, guild=GuildId(room.guild.id), kind=kind)

    async def recorded_eventually(self, room: Room, kind: str) -> tuple[EventRow, ...]:
        """Return the facts of this kind, once there are any."""
        found: tuple[EventRow, ...] = ()

        async def there() -> bool:
            nonlocal found
            found = await self.recorded(room, kind)
            return bool(found)

        await eventually(f"a fact {kind} arrives in PostgreSQL", there)
        return found

    async def applied(self, room: Room) -> list[tuple[str, str]]:
        """Return (command id, name) of every command that took effect, as PostgreSQL has it."""
        rows = await self.recorded(room, "command_applied")
        return [(row.data["command"], row.data["name"]) for row in rows]

    async def applied_once(self, room: Room, interactions: Iterable[Interaction]) -> None:
        """Wait until each interaction is recorded as having taken effect; fail if one is twice."""
        said = {str(one.id): text_of(one.answer()) for one in interactions}
        wanted = sorted(said)
        missing: list[str] = []

        async def all_there() -> bool:
            try:
                there = {command for command, _ in await self.applied(room)}
            except StoreUnavailableError:
                return False
            missing[:] = [f"{command}: {said[command]}" for command in wanted if command not in there]
            return not missing

        try:
            await eventually("the facts arrive in PostgreSQL", all_there, FACTS_S)
        except pytest.fail.Exception as error:
            pytest.fail(f"{error}, missing: {missing}")
        found = [command for command, _ in await self.applied(room)]
        assert sorted(one for one in found if one in wanted) == wanted

    async def segue(self, *arguments: str) -> Any:
        """Run ``segue … --json`` as those who run the cluster would, and return what it prints."""
        env = {name: value for name, value in os.environ.items() if not name.startswith("SEGUE_")}
        env |= {
            "SEGUE_CLUSTER": self.dev.cluster.name,
            "SEGUE_REDIS_URL": self.dev.redis_url,
            "SEGUE_POSTGRES_DSN": self.dev.postgres_dsn,
            "SEGUE_ROUTER_TARGETS": ",".join(self.dev.router_targets),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "segue_cli", *arguments, "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=env,
        )
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        assert process.returncode == 0, err.decode()
        return json.loads(out)


@asynccontextmanager
async def running(cluster: MusicCluster) -> AsyncIterator[Town]:
    """Run a cluster until the body is done."""
    options = DevOptions(backoff=Backoff(initial_s=0.5, longest_s=5.0, reset_s=5.0))
    async with DevCluster(cluster, options) as dev:
        _running.append(dev)
        await dev.wait_ready(READY_S)
        redis = connect(dev.redis_url, "e2e")
        try:
            async with SimClient(dev.sim_url) as discord, await Store.open(dev.postgres_dsn) as store:
                plane = LeasePlane(redis, Keys(cluster.name))
                town = Town(dev, discord, store, plane, cluster.spec.shards)
                for shard in range(town.shards):
                    await town.session(shard)
                yield town
        finally:
            await redis.aclose()
            _running.remove(dev)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def _town() -> AsyncIterator[Town]:
    async with running(load_file(LAPTOP)) as town:
        yield town


@pytest_asyncio.fixture(loop_scope="session")
async def town(_town: Town) -> AsyncIterator[Town]:
    """Return the shared cluster, whole: all of it is ready, and every shard has a session."""
    await _town.dev.wait_ready(READY_S)
    for shard in range(_town.shards):
        await _town.owner(shard)
        await _town.session(shard)
    yield _town
    _town.go_on()


@pytest_asyncio.fixture(loop_scope="session")
async def room(town: Town) -> Room:
    """Return a guild in the first region with somebody in its voice channel."""
    return await town.room()


@pytest.fixture(scope="session")
def example() -> Path:
    """Return the file of the first example."""
    return LAPTOP


@pytest.fixture(scope="session")
def tunes() -> dict[str, tuple[Tune, ...]]:
    """Return tunes by length: ``long`` ones outlast a test, ``short`` ones end within it."""
    every = sorted(catalogue.tunes(), key=lambda tune: tune.length_ms)
    return {"short": tuple(every[:2]), "long": tuple(every[-6:])}

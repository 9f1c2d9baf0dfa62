"""Does again what a recording shows, and keeps what the node says to it."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.contract.lavalink.conftest import NodeAddress, NodeClient, VoiceServer, until
from tests.contract.lavalink.recording import Call, Line, Message, Note, Order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


TRACKS = "/media/tracks/"
VOICE = {"token": "tok", "sessionId": "dsess", "channelId": "555"}
_SESSION = re.compile(r"(?<=/v4/sessions/)[a-z0-9]{16}")
_UNSURE = {"timestamp", "time", "ping", "encoded", "timeout_ms", "length", "causeStackTrace", "uptime"}
_LATE_MS = 700
"""How far a position may lie from the recorded one: the calls do not take the same time again."""


@dataclass
class Differences:
    """What was not as recorded, in words."""

    found: list[str] = field(default_factory=list)
    calls: int = 0

    def note(self, where: str, recorded: Any, now: Any) -> None:
        """One more."""
        self.found.append(f"{where}: recorded {recorded!r}, now {now!r}")


@dataclass(frozen=True)
class Position:
    """What a position may be: music may begin later than it did, and calls may come later."""

    late_ms: float
    sought: int | None

    def fits(self, recorded: int, now: int) -> bool:
        """Whether it does; the target of the last seek always does, until it is carried out."""
        return now == self.sought or 0 <= now <= recorded + self.late_ms + _LATE_MS


def compare(where: str, recorded: Any, now: Any, position: Position, out: Differences) -> None:
    """Everything the same but times, ids, loads, decoders' lengths, and positions within reason."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        if recorded.keys() != now.keys():
            out.note(where, sorted(recorded), sorted(now))
            return
        for name, value in recorded.items():
            if name == "position":
                if not position.fits(value, now[name]):
                    out.note(f"{where}.position", value, now[name])
            elif name not in _UNSURE:
                compare(f"{where}.{name}", value, now[name], position, out)
    elif isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        for number, (one, other) in enumerate(zip(recorded, now, strict=True)):
            compare(f"{where}[{number}]", one, other, position, out)
    elif recorded != now:
        out.note(where, recorded, now)


@dataclass
class Stage:
    """Where a recording is played again: the node, its client of now, the voice server, the files."""

    http: aiohttp.ClientSession
    node: NodeAddress
    voice: VoiceServer
    media: Path
    plain: str
    """The address of something that answers and is no voice server, which was 127.0.0.1:8999."""
    client: NodeClient | None = None
    old: list[NodeClient] = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)
    """Sessions of today by those of the recording."""
    sought: int | None = None
    """Where the last seek went to (ms)."""
    tracks: dict[str, str] = field(default_factory=dict)
    """Encoded tracks by path: a file may be gone when its track is wanted."""

    async def connect(self, session: str | None = None) -> NodeClient:
        """The client's next connection."""
        if self.client is not None:
            self.old.append(self.client)
        self.client = NodeClient(self.http, self.node)
        await self.client.connect(session)
        return self.client

    @property
    def now(self) -> NodeClient:
        """The client that is connected."""
        assert self.client is not None
        return self.client

    @property
    def endpoint(self) -> str:
        """Where the recorded `localhost:9443` is now."""
        return self.voice.endpoint

    async def voice_patch(self, guild: int, token: str = "tok") -> None:  # noqa: S107 - of a fake server
        """Voice data alone, where the recording has the effects and not the call."""
        voice = VOICE | {"token": token, "endpoint": self.endpoint}
        status, body = await self.now.patch(guild, {"voice": voice})
        assert status == 200, body

    async def play(self, guild: int, name: str, **more: Any) -> None:
        """A file, where the recording has the effects and not the call."""
        status, body = await self.now.patch(guild, {"track": {"identifier": f"{self.media}/{name}"}, **more})
        assert status == 200, body

    async def here(self, value: Any) -> Any:
        """A recorded request as it has to be today: paths, endpoint, tracks."""
        if isinstance(value, dict):
            return {name: await self._field(name, one) for name, one in value.items()}
        if isinstance(value, list):
            return [await self._field("encoded", one) for one in value]
        return self._text(value)

    async def _field(self, name: str, value: Any) -> Any:
        if name in {"encoded", "encodedTrack"} and isinstance(value, str) and len(value) > 40:
            return await self._encoded(value)
        return await self.here(value) if isinstance(value, (dict, list)) else self._text(value)

    def _text(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        value = value.replace(TRACKS, f"{self.media}/").replace("127.0.0.1:8999", self.plain)
        return value.replace("localhost:9443", self.endpoint)

    async def _encoded(self, recorded: str) -> str:
        """The same file's track, as the node of today encodes it."""
        status, track = await self.now.call("GET", "/v4/decodetrack", params={"encodedTrack": recorded})
        assert status == 200, track
        return await self.track(self._text(track["info"]["identifier"]))

    async def track(self, path: str) -> str:
        """A file as the node encodes it."""
        if path not in self.tracks:
            _, loaded = await self.now.call("GET", "/v4/loadtracks", params={"identifier": path})
            assert loaded["loadType"] == "track", (path, loaded)
            self.tracks[path] = loaded["data"]["encoded"]
        return self.tracks[path]

    def there(self, value: Any) -> Any:
        """An answer of today in the words of the recording."""
        if isinstance(value, dict):
            return {name: self.there(one) for name, one in value.items()}
        if isinstance(value, list):
            return [self.there(one) for one in value]
        if not isinstance(value, str):
            return value
        value = value.replace(f"{self.media}/", TRACKS).replace(self.endpoint, "localhost:9443")
        value = value.replace(self.plain, "127.0.0.1:8999")
        return _SESSION.sub("S", value)


async def replay(
    stage: Stage,
    script: list[Line],
    extra: dict[str, Callable[[Stage], Awaitable[None]]],
    until_s: float = 1e9,
) -> Differences:
    """Do all calls and orders at their times; `extra` is done after the note that begins with its key."""
    out = Differences()
    started, shift = time.monotonic(), 0.0
    for number, line in enumerate(script):
        if line.at > until_s:
            break
        if isinstance(line, Message):
            continue
        wait = started + line.at + shift - time.monotonic()
        if isinstance(line, Call) and line.hangs_s is not None:
            wait -= line.hangs_s
        if wait > 0:
            await asyncio.sleep(wait)
        else:
            # What was set up here took longer than there: the rest comes as much later.
            shift -= wait
        match line:
            case Call():
                await _call(stage, line, f"line {number + 1} {line.method}", started, out)
            case Order():
                await _order(stage, line)
            case Note():
                if line.text.startswith(("WS closed", "exit")):
                    await settled(stage, messages(script[:number]))
                await _noted(stage, line, script[number:], extra)
    return out


def messages(script: list[Line]) -> list[dict[str, Any]]:
    """Frames of the node that were recorded whole."""
    return [line.payload for line in script if isinstance(line, Message) and line.payload is not None]


async def _call(stage: Stage, call: Call, where: str, started: float, out: Differences) -> None:
    path, query = call.path.split("?")[0], dict(p.split("=") for p in call.path.split("?")[1:])
    path = _SESSION.sub(lambda found: stage.ids.get(found[0], stage.now.session), path)
    body = None if call.body is None else await stage.here(call.body)
    out.calls += 1
    if call.hangs_s is not None:
        try:
            async with asyncio.timeout(call.hangs_s):
                status, answer = await stage.now.call(call.method, path, body, query)
        except TimeoutError:
            return
        out.note(where, "no answer", (status, answer))
        return
    status, answer = await stage.now.call(call.method, path, body, query)
    if status != call.status:
        out.note(f"{where} {call.path}", call.status, (status, answer))
    elif call.answer is not None:
        late_ms = max(0.0, 1000 * (time.monotonic() - started - call.at))
        recorded = stage.there(call.answer)
        if isinstance(body, dict) and "position" in body:
            stage.sought = max(0, body["position"])
        position = Position(late_ms, stage.sought)
        compare(f"{where} {call.path}", recorded, stage.there(answer), position, out)


async def _order(stage: Stage, order: Order) -> None:
    if order.what == "reject":
        stage.voice.reject = order.code
    elif stage.voice.sessions[-1].op(7):
        # The recorded voice server knew no op 7: the node gave up in silence, and orders reached nobody.
        return
    elif order.what == "close":
        await stage.voice.close(order.code, order.reason)
    else:
        transport = stage.voice.sessions[-1].ws._req.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()


async def _noted(
    stage: Stage,
    note: Note,
    following: list[Line],
    extra: dict[str, Callable[[Stage], Awaitable[None]]],
) -> None:
    if note.text.startswith("WS upgrade"):
        payloads = [line.payload or {} for line in following if isinstance(line, Message)]
        ready = next(payload for payload in payloads if payload.get("op") == "ready")
        client = await stage.connect()
        assert client.resumed == ready["resumed"]
        stage.ids[ready["sessionId"]] = client.session
    elif note.text.startswith("WS closed") and stage.client is not None and stage.client.close_code is None:
        await stage.client.close()
    for key, action in extra.items():
        if note.text.startswith(key):
            await action(stage)


Happened = tuple[Any, ...]


def happenings(messages: list[dict[str, Any]]) -> dict[str, list[Happened]]:
    """What happened to each guild, in order; updates only as changes of `connected`."""
    out: dict[str, list[Happened]] = {}
    for message in messages:
        if message["op"] not in {"event", "playerUpdate"}:
            continue
        mine = out.setdefault(message["guildId"], [])
        if message["op"] == "event":
            mine.append(_event(message))
    return out


def links(messages: list[dict[str, Any]]) -> dict[str, list[bool]]:
    """For each guild how `connected` changed."""
    out: dict[str, list[bool]] = {}
    for message in messages:
        if message["op"] == "playerUpdate":
            mine = out.setdefault(message["guildId"], [])
            connected = message["state"]["connected"]
            if not mine or mine[-1] != connected:
                mine.append(connected)
    return out


def _event(event: dict[str, Any]) -> Happened:
    info = event["track"]["info"]["identifier"].rsplit("/", 1)[-1] if "track" in event else ""
    exception = event.get("exception", {})
    return (
        event["type"],
        info,
        event.get("reason", ""),
        event.get("code", 0),
        exception.get("message", ""),
        exception.get("severity", ""),
    )


async def settled(stage: Stage, recorded: list[dict[str, Any]], patience_s: float = 10.0) -> None:
    """Until as much has happened as was recorded; the comparison says what is missing."""

    def enough() -> bool:
        now = [message for client in [*stage.old, stage.now] for message in client.messages]
        return all(
            len(of(now).get(guild, [])) >= len(events)
            for of in (happenings, links)
            for guild, events in of(recorded).items()
        )

    try:
        await until(enough, patience_s)
    except TimeoutError:
        return

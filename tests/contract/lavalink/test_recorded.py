"""Everything that was recorded of a real node, done again: the same calls at the same times."""

from __future__ import annotations

import asyncio
import json
import shutil
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import av
import numpy as np
import pytest

from tests.contract.lavalink.conftest import SILENCE, VoiceServer, _voice
from tests.contract.lavalink.recording import Note, lines
from tests.contract.lavalink.replay import (
    Differences,
    Stage,
    happenings,
    links,
    messages,
    replay,
    settled,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.lavalink.conftest import NodeAddress

RATE = 48_000


def _wav(path: Path, seconds: float) -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.repeat(tone, 2).tobytes())


def _mp3(path: Path, seconds: float, tags: dict[str, str]) -> None:
    tone = (8000 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * RATE)) / RATE)).astype(np.int16)
    with av.open(str(path), "w", format="mp3") as out:
        out.metadata.update(tags)
        stream = out.add_stream("libmp3lame", rate=RATE)
        assert isinstance(stream, av.AudioStream)
        stream.layout, stream.format = "stereo", "s16p"
        frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="s16p", layout="stereo")
        frame.sample_rate, frame.pts = RATE, 0
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that were played then."""
    folder = tmp_path_factory.mktemp("tracks")
    _wav(folder / "tone.wav", 30)
    _mp3(folder / "tone.mp3", 30, {"title": "Lab Tone", "artist": "Sox"})
    _mp3(folder / "short.mp3", 2.9, {})
    return folder


# What was done and not written down


async def two_songs(stage: Stage) -> None:
    """One with voice, one without."""
    await stage.play(1, "short.mp3")
    await stage.play(2, "tone.wav")


async def vanish(stage: Stage) -> None:
    """Voice, and a file that is gone when it is to be played: its track is taken before."""
    await stage.voice_patch(1)
    gone = stage.media / "gone.mp3"
    shutil.copy(stage.media / "short.mp3", gone)
    await stage.track(str(gone))
    gone.unlink()


async def stop(stage: Stage) -> None:
    """No track any more."""
    await stage.now.patch(1, {"track": {"encoded": None}})


async def another(stage: Stage) -> None:
    """The same tone again, in place of the one before."""
    await stage.play(1, "tone.wav")


async def owner(stage: Stage) -> None:
    """A first client, whose session another one will look into."""
    client = await stage.connect()
    await client.resuming()
    await stage.play(1, "tone.wav")
    stage.ids["xsprwx36hf3kdhqz"] = client.session


async def crash(stage: Stage) -> None:
    """The client is gone without a word."""
    await stage.now.abort()


async def owner_killed(stage: Stage) -> None:
    """The first client's process ends."""
    first = stage.old[0]
    await first.abort()
    await stage.now.answers(f"/v4/sessions/{first.session}/players", 404)


@dataclass(frozen=True)
class Part:
    """A recording: up to when it is played, and what is done at notes and at times besides."""

    number: str
    until_s: float = 1e9
    at_notes: tuple[tuple[str, Callable[[Stage], Awaitable[None]]], ...] = ()
    at_times: tuple[tuple[float, Callable[[Stage], Awaitable[None]]], ...] = ()


async def voice_again(stage: Stage) -> None:
    """New voice data: the recording says no more than that it was sent."""
    await stage.voice_patch(1, "tok3")


async def voice_and_tone(stage: Stage) -> None:
    """Both."""
    await stage.voice_patch(1)
    await stage.play(1, "tone.wav")


PARTS = (
    Part("01"),
    Part("02", at_times=((0.058, two_songs),), at_notes=(("exit", crash),)),
    Part("03", at_times=((0.053, two_songs),)),
    Part("04", at_times=((0.053, two_songs),), at_notes=(("exit", crash),)),
    Part("05", at_notes=(("reconnect with same voice", voice_again),)),
    Part(
        "06",
        4.81,
        at_notes=(
            ("###### file vanishes", vanish),
            ("###### DELETE while", lambda stage: stage.play(3, "tone.wav")),
            ("###### negative", another),
            ("###### decodetrack", stop),
        ),
    ),
    Part("07", 31.0, at_times=((0.045, voice_and_tone), (15.076, another), (30.083, another))),
    Part("09", 18.105),
    Part("11", at_notes=(("owner stopped", owner), ("owner killed", owner_killed))),
)


@dataclass
class Played:
    """What came of a recording: differences of its calls, what was recorded to happen, and what did."""

    differences: Differences
    recorded: list[dict[str, Any]]
    messages: list[dict[str, Any]]
    voice: VoiceServer


async def _plain(_request: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.0 404 Not Found\r\n\r\n")
    writer.close()


async def _play(part: Part, node: NodeAddress, tls: Path, media: Path) -> Played:
    script = lines(part.number)
    for number, (at, _) in enumerate(part.at_times):
        place = next((index for index, line in enumerate(script) if line.at > at), len(script))
        script.insert(place, Note(at, f"unwritten {number}"))
    extra = dict(part.at_notes) | {
        f"unwritten {number}": action for number, (_, action) in enumerate(part.at_times)
    }
    recorded = messages([line for line in script if line.at <= part.until_s])
    plain = await asyncio.start_server(_plain, "127.0.0.1", 0)
    address = f"127.0.0.1:{plain.sockets[0].getsockname()[1]}"
    async with plain, aiohttp.ClientSession() as http, _voice(tls) as voice:
        stage = Stage(http, node, voice, media, address)
        differences = await replay(stage, script, extra, part.until_s)
        await settled(stage, recorded)
        happened = [message for client in [*stage.old, stage.now] for message in client.messages]
        for client in [*stage.old, stage.now]:
            if client.close_code is None:
                await client.close()
    return Played(differences, recorded, happened, voice)


async def _warm_up(node: NodeAddress, tls: Path) -> None:
    """A JVM that has just started takes seconds for its first voice connection."""
    async with aiohttp.ClientSession() as http, _voice(tls) as voice:
        stage = Stage(http, node, voice, tls, "")
        client = await stage.connect()
        await stage.voice_patch(1)
        await voice.session()
        await client.close()


@pytest.fixture(scope="module")
def played(node: NodeAddress, tls_dir: Path, media: Path) -> dict[str, Played]:
    """All recordings, played at the same time: the longest takes 31 s."""

    async def everything() -> list[Played]:
        await _warm_up(node, tls_dir)
        return await asyncio.gather(*(_play(part, node, tls_dir, media) for part in PARTS))

    return dict(zip((part.number for part in PARTS), asyncio.run(everything()), strict=True))


EACH = pytest.mark.parametrize("number", [part.number for part in PARTS])


@EACH
def test_calls_are_answered_as_recorded(played: dict[str, Played], number: str) -> None:
    """Every call: status, and the answer but for times, ids and lengths that decoders estimate."""
    assert played[number].differences.found == []
    assert played[number].differences.calls > 0


@EACH
def test_events_come_as_recorded(played: dict[str, Played], number: str) -> None:
    """Each guild's events in their order, with reasons, codes and exceptions."""
    now = happenings(played[number].messages)
    for guild, events in happenings(played[number].recorded).items():
        assert now.get(guild, [])[: len(events)] == events


@EACH
def test_updates_say_connected_as_recorded(played: dict[str, Played], number: str) -> None:
    """How `connected` goes on and off for each guild; without times, which differ."""
    now = links(played[number].messages)
    for guild, changes in links(played[number].recorded).items():
        assert now.get(guild, [])[: len(changes)] == changes


@EACH
def test_messages_have_the_recorded_form(played: dict[str, Played], number: str) -> None:
    """Every kind of frame has the same fields, all the way down."""
    now = {_kind(message): _form(message) for message in played[number].messages}
    for message in played[number].recorded:
        assert now[_kind(message)] == _form(message)


def _kind(message: dict[str, Any]) -> str:
    return f"{message['op']} {message.get('type', '')}"


def _form(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _form(one) for name, one in value.items() if name != "userData"}
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value)


def test_the_voice_server_saw_as_recorded(played: dict[str, Played]) -> None:
    """The first recording from the other side: handshake, speaking, packets, five frames of silence."""
    seen = played["01"].voice.sessions[0]
    texts = [line.text for line in lines("10") if isinstance(line, Note)]
    texts = texts[: next(n for n, text in enumerate(texts) if text.startswith("WS closed"))]
    ops = [json.loads(text.removeprefix("C->S ")) for text in texts if text.startswith("C->S ")]
    recorded = [op["op"] for op in ops if op["op"] != 3]
    assert [op["op"] for op in seen.ops if op["op"] != 3][:5] == recorded[:5] == [0, 15, 1, 5, 12]
    assert seen.op(0)[0] == ops[0]["d"]
    chosen = next(op["d"] for op in ops if op["op"] == 1)
    assert seen.op(1)[0].keys() == chosen.keys()
    assert seen.op(1)[0]["codecs"] == chosen["codecs"]
    said = [op["speaking"] for op in seen.op(5)]
    assert said == [number % 2 for number in range(len(said))]
    assert sum(said) >= 4
    silences = sum(packet.opus == SILENCE for packet in seen.heard)
    assert silences % 5 == 0
    assert len(seen.heard) == pytest.approx(476, rel=0.15)

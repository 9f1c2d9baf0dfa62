"""The stand-in on the Discord simulator's voice servers: the song asked for is what is heard."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from segue_devkit.discord.client import SimClient
from segue_devkit.discord.config import DEFAULT_TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import aiohttp

VOICE_STATES = 1 << 7
GUILDS = 1


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[str]:
    """A simulator with voice servers; its address. Its authority is tmp_path/sim/ca.pem."""
    command = [sys.executable, "-m", "segue_devkit.discord", "--host", "127.0.0.1", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--tls-dir", str(tmp_path / "sim")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    line = process.stdout.readline().decode()
    yield line.rsplit(" ", 1)[1].strip()
    process.terminate()
    process.wait(20)
    process.stdout.close()


@pytest.fixture
def sim_node(simulator: str, tmp_path: Path, start: Any) -> Iterator[Any]:
    """A node that trusts the simulator."""
    folder = tmp_path / "node"
    folder.mkdir()
    assert simulator
    with start(folder, tmp_path / "sim") as running:
        yield running


class Bot:
    """Just enough of a gateway client to be given voice data."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self._ws = ws

    async def until(self, event: str) -> dict[str, Any]:
        """Data of the next event of a kind."""
        async with asyncio.timeout(20):
            while True:
                payload = await self._ws.receive_json()
                if payload.get("t") == event:
                    return dict(payload["d"])

    async def send(self, op: int, data: dict[str, Any]) -> None:
        """Send one payload."""
        await self._ws.send_json({"op": op, "d": data})


@pytest.fixture
async def bot(simulator: str, http: aiohttp.ClientSession) -> AsyncIterator[Bot]:
    """An identified bot."""
    headers = {"Authorization": f"Bot {DEFAULT_TOKEN}"}
    async with http.get(f"{simulator}/api/v10/gateway/bot", headers=headers) as response:
        url = (await response.json())["url"]
    async with http.ws_connect(f"{url}?v=10&encoding=json") as ws:
        made = Bot(ws)
        properties = {"os": "linux", "browser": "tests", "device": "tests"}
        intents = GUILDS | VOICE_STATES
        await made.send(2, {"token": DEFAULT_TOKEN, "intents": intents, "properties": properties})
        yield made


async def test_the_right_song_is_heard(
    simulator: str, sim_node: Any, bot: Bot, new_client: Any, tune: Any
) -> None:
    """Timecode read from the decoded RTP: the song, and a position that agrees with the node's own."""
    ready = await bot.until("READY")
    async with SimClient(simulator) as discord:
        guild = await discord.guild("Vinyl Club", region="eu-west")
        channel = str(guild.voice_channel.id)
        await bot.send(
            4, {"guild_id": str(guild.id), "channel_id": channel, "self_mute": False, "self_deaf": True}
        )
        state = await bot.until("VOICE_STATE_UPDATE")
        server = await bot.until("VOICE_SERVER_UPDATE")
        client = new_client(sim_node)
        await client.connect(user=ready["user"]["id"])
        voice = {
            "token": server["token"],
            "endpoint": server["endpoint"],
            "sessionId": state["session_id"],
            "channelId": channel,
        }
        status, _ = await client.patch(guild.id, {"voice": voice, "track": {"identifier": tune.identifier}})
        assert status == 200
        async with asyncio.timeout(30):
            while (report := await discord.sink(guild)).timecode is None or report.packets < 150:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert report.decrypt_failures == 0
        assert report.timecode.song_id == tune.song_id
        _, player = await client.get(guild.id)
        assert report.timecode.position_ms < player["state"]["position"]
        assert report.timecode.position_ms > player["state"]["position"] - 4000
        await client.close()

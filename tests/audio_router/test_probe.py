"""Probes over real sockets: each way a node can fail to answer is told from the others."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from segue_devkit.embedded.process import free_port
from segue_router.domain.health import Answered, Denied, Foreign, Refused, Silent, Unreachable
from segue_router.nodes.probe import Prober

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PASSWORD = "a password of the tests"
STATS = (
    b'{"players":3,"playingPlayers":2,"uptime":60000,"frameStats":null,'
    b'"memory":{"free":1,"used":1,"allocated":2,"reservable":3},'
    b'"cpu":{"cores":2,"systemLoad":0.1,"lavalinkLoad":0.1}}'
)


@pytest.fixture(name="prober")
async def _prober() -> AsyncIterator[Prober]:
    prober = Prober(SecretStr(PASSWORD), connect_ms=300, answer_ms=300)
    yield prober
    await prober.close()


async def raw(answer: bytes) -> tuple[asyncio.Server, str]:
    """Serve bytes that need not be HTTP, then close."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    return server, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_node_that_answers(prober: Prober, fake_node: Any) -> None:
    """Players, loads, version and round trip; missing and empty frames both count as lost."""
    node = await fake_node()
    node.players, node.frames = 7, {"sent": 2700, "nulled": 100, "deficit": 200}
    outcome = await prober.probe(node.address, "")
    assert isinstance(outcome, Answered)
    assert (outcome.stats.players, outcome.stats.version) == (7, "4.2.2")
    assert outcome.stats.frame_deficit == pytest.approx(0.1)
    assert outcome.probe_ms > 0
    node.frames = {"sent": 3100, "nulled": 0, "deficit": -100}
    caught_up = await prober.probe(node.address, "4.2.2")
    assert isinstance(caught_up, Answered)
    assert caught_up.stats.frame_deficit == 0.0


async def test_a_restarted_node_is_asked_for_its_version_again(prober: Prober, fake_node: Any) -> None:
    """An upgrade between two probes is noticed by the young uptime."""
    node = await fake_node()
    node.version, node.uptime = "4.3.0", 1_000
    outcome = await prober.probe(node.address, "4.2.2")
    assert isinstance(outcome, Answered)
    assert outcome.stats.version == "4.3.0"


async def test_nobody_listens(prober: Prober) -> None:
    """A refused connection and a name that does not resolve are certain: dead."""
    assert isinstance(await prober.probe(f"127.0.0.1:{free_port('127.0.0.1')}", ""), Refused)
    outcome = await prober.probe("no-such-host.invalid:2333", "")
    assert isinstance(outcome, Refused)
    assert "does not resolve" in outcome.detail


async def test_the_kernel_accepts_and_nobody_answers(prober: Prober) -> None:
    """A stopped process (SIGSTOP): its listening socket still takes connections. Hung, not dead."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        assert isinstance(await prober.probe(f"127.0.0.1:{listener.getsockname()[1]}", ""), Silent)


async def test_the_connection_is_taken_and_dropped(prober: Prober) -> None:
    """A process that dies while asked: one such probe proves nothing, so it has a kind of its own."""
    server, address = await raw(b"")
    async with server:
        assert isinstance(await prober.probe(address, ""), Unreachable)


@pytest.mark.parametrize("password", ["", "wrong"])
async def test_a_wrong_password(fake_node: Any, password: str) -> None:
    """Refused by the node, told as such, and the password is in no word of ours."""
    node = await fake_node()
    prober = Prober(SecretStr(password), connect_ms=300, answer_ms=300)
    outcome = await prober.probe(node.address, "")
    await prober.close()
    assert isinstance(outcome, Denied)
    assert "wrong" not in outcome.detail


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (404, None, "HTTP 404"),
        (500, None, "HTTP 500"),
        (302, None, "HTTP 302"),
        (200, b"<html>", "not JSON"),
        (200, b"[]", "not a JSON object"),
        (200, b"{}", "uptime"),
        (200, b'{"uptime": 60000, "players": 1}', "cpu"),
        (200, b'{"uptime": 60000, "players": true, "playingPlayers": 0, "cpu": {}}', "players"),
        (200, b" " * 70_000, "more than 65536 bytes"),
    ],
)
async def test_something_else_answers(
    prober: Prober, fake_node: Any, status: int, body: bytes | None, words: str
) -> None:
    """Whatever is no Lavalink 4 is told with what was wrong, and follows no redirect."""
    node = await fake_node()
    node.status, node.body = status, body
    outcome = await prober.probe(node.address, "4.2.2")
    assert isinstance(outcome, Foreign)
    assert words in outcome.detail


async def test_another_version_and_no_http(prober: Prober, fake_node: Any) -> None:
    """Lavalink 3, a server of another protocol, and an address that is none."""
    node = await fake_node()
    node.version = "3.7.8"
    old = await prober.probe(node.address, "")
    assert isinstance(old, Foreign)
    assert "3.7.8" in old.detail
    server, address = await raw(b"220 mail.example ESMTP\r\n\r\n")
    async with server:
        assert isinstance(await prober.probe(address, ""), Foreign)
    assert isinstance(await prober.probe("127.0.0.1:port", ""), Foreign)


async def test_a_build_of_a_branch_is_believed_by_its_stats(prober: Prober, fake_node: Any) -> None:
    """Builds that name a commit instead of a version are judged by what they answer."""
    node = await fake_node()
    node.version = "3b1c8f0d-SNAPSHOT"
    assert isinstance(await prober.probe(node.address, ""), Answered)


async def test_an_answer_in_pieces(prober: Prober) -> None:
    """A real node sends its stats in chunks, some later than others: that is an answer like any."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        whole = b"4.2.2" if b"/version" in request else STATS
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for piece in (whole[: len(whole) // 2], whole[len(whole) // 2 :]):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
            await asyncio.sleep(0.02)  # so that the pieces arrive apart
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        outcome = await prober.probe(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", "")
    assert isinstance(outcome, Answered), outcome
    assert outcome.stats.players == 3

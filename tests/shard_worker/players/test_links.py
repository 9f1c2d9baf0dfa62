"""The link guard against real servers on loopback, which stand for everything private."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from segue_worker.domain.messages import LoadFailure
from segue_worker.players.links import LinkGuard
from segue_worker.players.ports import NotALink, RefusedLink, SafeLink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.abc import ResolveResult

OPEN = "127.77.4.1"
"""Allowed in these tests, as if it were public."""
CLOSED = "127.77.5.1"
"""Private."""


class Names(AbstractResolver):
    """Names of these tests."""

    def __init__(self) -> None:
        self.known = {
            "open.example": [OPEN],
            "closed.example": [CLOSED],
            "both.example": [OPEN, CLOSED],
            "www.youtube.com": [OPEN],
            "youtu.be": [CLOSED],
        }

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        assert family in (socket.AF_UNSPEC, socket.AF_INET)
        if host not in self.known:
            raise OSError(None, "no such name")
        return [
            {"hostname": host, "host": one, "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}
            for one in self.known[host]
        ]

    async def close(self) -> None:
        return


@dataclass
class Site:
    """A web server that redirects as its paths say."""

    port: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path))
        match request.path:
            case "/song.mp3":
                return web.Response(text="not read")
            case "/no-head" if request.method == "HEAD":
                return web.Response(status=405)
            case "/to":
                return web.Response(status=302, headers={"Location": request.query["url"]})
            case "/loop":
                return web.Response(status=301, headers={"Location": "/loop"})
            case "/gone":
                return web.Response(status=404)
        return web.Response(text="something")

    def url(self, host: str, path: str) -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Serve on the open and the closed address, and return the open one's site."""
    made = Site()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, OPEN, 0).start()
    made.port = runner.addresses[0][1]
    await web.TCPSite(runner, CLOSED, made.port).start()
    yield made
    await runner.cleanup()


@pytest.fixture
async def guard() -> AsyncIterator[LinkGuard]:
    """Return a guard that lets one loopback address through."""
    made = LinkGuard((ip_network(f"{OPEN}/32"),), lookup=Names())
    yield made
    await made.close()


async def test_words_are_no_link(guard: LinkGuard) -> None:
    """What is no link is searched for, where the person said, or where we always do."""
    assert await guard.check("never gonna") == NotALink(words="never gonna")
    assert await guard.check("scsearch:rain") == NotALink(words="rain", prefix="scsearch")


async def test_link_is_handed_on_as_it_ends(guard: LinkGuard, site: Site) -> None:
    """Redirects are followed without reading a body; the node gets the last address."""
    end = site.url("open.example", "/song.mp3")
    middle = site.url("open.example", f"/to?url={end}")
    assert await guard.check(site.url(OPEN, f"/to?url={middle}")) == SafeLink(identifier=end)
    assert site.asked == [("HEAD", "/to"), ("HEAD", "/to"), ("HEAD", "/song.mp3")]
    relative = await guard.check(site.url(OPEN, "/to?url=/song.mp3"))
    assert relative == SafeLink(identifier=site.url(OPEN, "/song.mp3"))


async def test_servers_without_head_are_asked_by_get(guard: LinkGuard, site: Site) -> None:
    """A server that knows no HEAD is asked again; its answer counts."""
    assert isinstance(await guard.check(site.url(OPEN, "/no-head")), SafeLink)
    assert site.asked == [("HEAD", "/no-head"), ("GET", "/no-head")]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "closed.example", "both.example", CLOSED, "[::1]", "[::ffff:127.77.5.1]", "localhost"],
)
async def test_private_networks_are_never_asked(guard: LinkGuard, site: Site, host: str) -> None:
    """Written out, by name, or by one of several addresses: refused, and not even connected to."""
    if host == "localhost":
        guard._resolver._lookup.known["localhost"] = ["127.0.0.1"]  # type: ignore[attr-defined]
    refused = await guard.check(site.url(host, "/song.mp3"))
    assert isinstance(refused, RefusedLink)
    assert refused.failure is LoadFailure.FORBIDDEN_ADDRESS
    assert site.asked == []


@pytest.mark.parametrize("host", ["closed.example", CLOSED, "169.254.169.254"])
async def test_redirect_into_a_private_network_is_refused(guard: LinkGuard, site: Site, host: str) -> None:
    """An open redirect on a public server opens nothing of ours."""
    refused = await guard.check(site.url("open.example", f"/to?url={site.url(host, '/secret')}"))
    assert isinstance(refused, RefusedLink)
    assert refused.failure is LoadFailure.FORBIDDEN_ADDRESS
    assert site.asked == [("HEAD", "/to")]


async def test_redirects_end(guard: LinkGuard, site: Site) -> None:
    """Five hops are followed, not more; another scheme is not followed at all."""
    refused = await guard.check(site.url(OPEN, "/loop"))
    assert isinstance(refused, RefusedLink)
    assert refused.failure is LoadFailure.UNPLAYABLE
    assert len(site.asked) == 6
    other = await guard.check(site.url(OPEN, "/to?url=file:///etc/passwd"))
    assert isinstance(other, RefusedLink)
    assert other.failure is LoadFailure.UNPLAYABLE


async def test_dead_links_are_told_apart(guard: LinkGuard, site: Site) -> None:
    """Nothing there, no such name, nobody listening: each in words, none an exception."""
    gone = await guard.check(site.url(OPEN, "/gone"))
    assert isinstance(gone, RefusedLink)
    assert gone.failure is LoadFailure.NOTHING_FOUND
    for url in ("http://nowhere.example/x", f"http://{OPEN}:9999/x", "ftp://x/y", "http://u:p@open.example/"):
        refused = await guard.check(url)
        assert isinstance(refused, RefusedLink)
        assert refused.failure is LoadFailure.UNPLAYABLE


async def test_services_are_read_by_form(guard: LinkGuard, site: Site) -> None:
    """A known site's link is not followed to its consent page; its addresses are judged like any."""
    link = "https://www.youtube.com/watch?v=abc"
    assert await guard.check(link) == SafeLink(identifier=link)
    refused = await guard.check("https://youtu.be/abc")
    assert isinstance(refused, RefusedLink)
    assert refused.failure is LoadFailure.FORBIDDEN_ADDRESS
    assert site.asked == []


async def test_local_files_only_where_allowed(guard: LinkGuard) -> None:
    """A path is words, unless the operator lets nodes play files of their own."""
    assert await guard.check("/media/song.mp3") == NotALink(words="/media/song.mp3")
    trusting = LinkGuard(local_files=True, lookup=Names())
    assert await trusting.check("/media/song.mp3") == SafeLink(identifier="/media/song.mp3")
    await trusting.close()


async def test_files_come_from_the_hosts_named_for_them() -> None:
    """Discord's CDN is trusted to be asked for what was sent to us, and nothing that merely looks like it."""
    guard = LinkGuard([ip_network(f"{OPEN}/32")], file_hosts=("open.example",), lookup=Names())
    try:
        taken = await guard.check_file("https://open.example/attachments/1/2/song.mp3?ex=1&hm=ab")
        assert taken == SafeLink(identifier="https://open.example/attachments/1/2/song.mp3?ex=1&hm=ab")
        for other in (
            "https://closed.example/song.mp3",
            "https://open.example.evil.example/song.mp3",
            "https://someone@open.example/song.mp3",
            "file://open.example/etc/passwd",
            "https://open.example\\@closed.example/song.mp3",
            "",
            "song.mp3",
        ):
            assert isinstance(await guard.check_file(other), RefusedLink), other
    finally:
        await guard.close()


async def test_a_file_host_in_a_private_network_is_refused_unless_its_address_was_named() -> None:
    """A name that turns private is not followed there; whoever writes the address itself means it."""
    guard = LinkGuard([], file_hosts=("closed.example", CLOSED), lookup=Names())
    try:
        refused = await guard.check_file("https://closed.example/song.mp3")
        assert isinstance(refused, RefusedLink)
        assert refused.failure is LoadFailure.FORBIDDEN_ADDRESS
        named = await guard.check_file(f"http://{CLOSED}:8300/song.mp3")
        assert named == SafeLink(identifier=f"http://{CLOSED}:8300/song.mp3")
        typed = await guard.check(f"http://{CLOSED}:8300/song.mp3")
        assert isinstance(typed, RefusedLink), "what people type is judged as ever"
    finally:
        await guard.close()


async def test_without_hosts_no_file_is_taken(guard: LinkGuard) -> None:
    """Files are off when nothing is named, public address or not."""
    assert isinstance(await guard.check_file("https://open.example/song.mp3"), RefusedLink)


async def test_a_small_file_is_fetched_from_its_host_and_cut_at_the_bound(site: Site) -> None:
    """Whole when it fits, else no more than was asked for; nothing from anywhere else."""
    guard = LinkGuard([], file_hosts=(OPEN,), lookup=Names())
    try:
        link = f"http://{OPEN}:{site.port}/song.mp3"
        assert await guard.fetch(link, 100) == b"not read"
        assert await guard.fetch(link, 3) == b"not"
        gone = await guard.fetch(f"http://{OPEN}:{site.port}/gone", 100)
        assert isinstance(gone, RefusedLink)
        redirected = await guard.fetch(f"http://{OPEN}:{site.port}/to?http://{CLOSED}/", 100)
        assert isinstance(redirected, RefusedLink), "redirects are not followed"
        assert isinstance(await guard.fetch(f"http://{CLOSED}:{site.port}/song.mp3", 100), RefusedLink)
    finally:
        await guard.close()

"""Answers to interactions over a server that limits, fails and drops connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import hikari
import pytest
import stamina
from aiohttp import web
from prometheus_client import REGISTRY

from segue_core.ids import CommandId
from segue_worker.domain.views import FileView
from segue_worker.gateway import interactions as module
from segue_worker.gateway.bot import WorkerBot
from segue_worker.gateway.calls import ForbiddenError, GoneError, RefusedError, RestError, UnansweredError
from segue_worker.gateway.interactions import InteractionRest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from segue_worker.gateway.events import Delivery

SECRET = "a-credential"
Reply = tuple[int, dict[str, Any]] | None


@dataclass(frozen=True)
class Text:
    """A message with one embed."""

    text: str = "rain"
    components: Sequence[hikari.api.ComponentBuilder] = ()
    file: FileView | None = None

    @property
    def embeds(self) -> Sequence[hikari.Embed]:
        return (hikari.Embed(description=self.text),)


@dataclass(frozen=True)
class Asked:
    """An interaction."""

    id: CommandId
    token: str = SECRET


@dataclass
class Desk:
    """A server that gives the replies it was told to, None cutting the connection, then 204."""

    rest: InteractionRest
    replies: list[Reply] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)


class Nobody:
    """A sink of events."""

    def deliver(self, delivery: Delivery) -> None:
        raise AssertionError(delivery)


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """Open a server and a client of it; waiting between attempts takes no time."""
    made: list[Desk] = []

    async def take(request: web.Request) -> web.StreamResponse:
        desk = made[0]
        desk.taken.append(await request.json())
        reply = desk.replies.pop(0) if desk.replies else (204, {})
        if reply is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return web.json_response(reply[1], status=reply[0])

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/v10"
    bot = WorkerBot(token="t", rest_url=url, num_shards=1, sink=Nobody())
    monkeypatch.setattr(module, "EDIT_TIMEOUT_S", 5.0)
    async with aiohttp.ClientSession() as http:
        made.append(Desk(InteractionRest(http, url, 9, bot.entity_factory)))
        with stamina.set_testing(True, attempts=4):
            yield made[0]
    await runner.cleanup()


def _retries() -> float:
    labels = {"operation": "edit_answer"}
    return REGISTRY.get_sample_value("discord_operation_retries_total", labels) or 0.0


async def test_an_edit_is_tried_until_it_is_taken(desk: Desk) -> None:
    """Limits, failures of the server, cut connections: the same edit again, it changes nothing twice."""
    before = _retries()
    desk.replies = [(429, {"retry_after": 0.01}), (502, {}), None]
    await desk.rest.edit_original(SECRET, Text())
    assert len(desk.taken) == 4
    assert _retries() == before + 3
    assert desk.taken[0] == desk.taken[3]
    assert desk.taken[0]["allowed_mentions"] == {"parse": []}


async def test_a_follow_up_is_said_once(desk: Desk) -> None:
    """It is made again only where Discord said that it did not take it."""
    desk.replies = [(429, {"retry_after": 0.01})]
    await desk.rest.follow_up(SECRET, Text())
    assert [one["flags"] for one in desk.taken] == [64, 64]
    lost: list[Reply] = [None, (502, {})]
    for reply in lost:
        desk.taken.clear()
        desk.replies = [reply]
        with pytest.raises(UnansweredError):
            await desk.rest.follow_up(SECRET, Text())
        assert len(desk.taken) == 1


async def test_it_is_not_tried_for_ever(desk: Desk) -> None:
    """After some attempts, or when the limit lasts too long, its person goes without."""
    desk.replies = [(503, {})] * 9
    with pytest.raises(UnansweredError):
        await desk.rest.edit_original(SECRET, Text())
    assert len(desk.taken) == 4
    desk.replies = [(429, {"retry_after": 600})]
    with pytest.raises(UnansweredError):
        await desk.rest.edit_original(SECRET, Text())
    assert len(desk.taken) == 5


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, 10008, GoneError),
        (401, 50027, GoneError),
        (403, 50013, ForbiddenError),
        (400, 50035, RefusedError),
    ],
)
async def test_what_trying_again_can_t_help_is_said_at_once(
    desk: Desk, status: int, code: int, error: type[RestError]
) -> None:
    """Each with its kind; no error names the token."""
    desk.replies = [(status, {"code": code, "message": "no"})]
    with pytest.raises(error) as caught:
        await desk.rest.edit_original(SECRET, Text())
    assert SECRET not in str(caught.value)
    assert len(desk.taken) == 1


async def test_an_acknowledgement_is_sent_once(desk: Desk) -> None:
    """Whether a second try may follow is for its caller to judge."""
    for reply in ((500, {}), None, (429, {"retry_after": 0.01})):
        desk.replies = [reply]
        with pytest.raises(UnansweredError) as caught:
            await desk.rest.respond(
                Asked(CommandId("5")), hikari.ResponseType.DEFERRED_MESSAGE_CREATE, ephemeral=True
            )
        assert SECRET not in str(caught.value)
    assert [one["data"] for one in desk.taken] == [{"flags": 64}] * 3

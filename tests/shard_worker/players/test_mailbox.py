"""A guild's mailbox: order, and a task only while there is work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from segue_core.ids import ChannelId, CommandId, NodeId, UserId
from segue_worker.domain.messages import Command, NodeLost, Placed, Progress, Verb
from segue_worker.players.mailbox import Mailbox

if TYPE_CHECKING:
    from segue_worker.domain.messages import Message


class Reader:
    """Handles messages slowly enough that others arrive meanwhile."""

    def __init__(self) -> None:
        self.handled: list[Message] = []
        self.idle = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle(self, message: Message) -> None:
        await self.gate.wait()
        await asyncio.sleep(0)
        self.handled.append(message)

    def on_idle(self) -> None:
        self.idle += 1


def placed(number: int) -> Placed:
    """Return an answer to a request of ours."""
    return Placed(request=number, node=None)


def command(number: int) -> Command:
    """Return a person's command."""
    return Command(
        id=CommandId(str(number)),
        verb=Verb.PING,
        user=UserId(1),
        text_channel=ChannelId(2),
        voice_channel=None,
    )


async def drained(mailbox: Mailbox) -> None:
    """Wait until everything is handled."""
    async with asyncio.timeout(5):
        while mailbox.busy:  # noqa: ASYNC110 - mailboxes tell only their owner
            await asyncio.sleep(0)


async def test_messages_are_handled_one_at_a_time_in_order() -> None:
    """Whatever arrives while another is handled waits its turn."""
    reader = Reader()
    mailbox = Mailbox(reader.handle, reader.on_idle)
    for number in range(100):
        assert mailbox.post(placed(number))
        if number % 7 == 0:
            await asyncio.sleep(0)
    await drained(mailbox)
    assert reader.handled == [placed(number) for number in range(100)]


async def test_idle_mailbox_has_no_task() -> None:
    """Ten thousand quiet guilds cost ten thousand small objects and not one task."""
    reader = Reader()
    mailbox = Mailbox(reader.handle, reader.on_idle)
    before = len(asyncio.all_tasks())
    mailbox.post(placed(1))
    assert len(asyncio.all_tasks()) == before + 1
    await drained(mailbox)
    await asyncio.sleep(0)
    assert len(asyncio.all_tasks()) == before
    assert reader.idle == 1


async def test_full_mailbox_refuses_people_and_keeps_answers() -> None:
    """Commands and position reports beyond the bound are not taken; answers to our own requests are."""
    reader = Reader()
    reader.gate.clear()
    mailbox = Mailbox(reader.handle, reader.on_idle, capacity=10)
    taken = [mailbox.post(command(number)) for number in range(20)]
    assert taken.count(True) == 10
    assert not mailbox.post(Progress(node=NodeId("n"), position_ms=1, connected=True, at=1))
    assert mailbox.post(placed(1))
    assert mailbox.post(NodeLost(node=NodeId("n"), reason="gone"))
    reader.gate.set()
    await drained(mailbox)
    assert len(reader.handled) == 12


async def test_held_mailbox_waits_and_can_be_put_before() -> None:
    """A guild being adopted collects; what the node said comes first, before what arrived meanwhile."""
    reader = Reader()
    mailbox = Mailbox(reader.handle, reader.on_idle, held=True)
    mailbox.post(placed(2))
    mailbox.post(placed(3))
    mailbox.post(Progress(node=NodeId("n"), position_ms=1, connected=True, at=1))
    await asyncio.sleep(0)
    assert reader.handled == []
    mailbox.drop_waiting(lambda message: isinstance(message, Progress))
    mailbox.put_first((placed(0), placed(1)))
    mailbox.release()
    await drained(mailbox)
    assert reader.handled == [placed(number) for number in range(4)]


async def test_close_finishes_the_message_in_hand_and_returns_the_rest() -> None:
    """A hand-off leaves no message half handled, and says what nobody handled."""
    reader = Reader()
    reader.gate.clear()
    mailbox = Mailbox(reader.handle, reader.on_idle)
    for number in range(3):
        mailbox.post(placed(number))
    await asyncio.sleep(0)
    closing = asyncio.create_task(mailbox.close())
    await asyncio.sleep(0)
    assert not mailbox.post(placed(9))
    reader.gate.set()
    assert await closing == (placed(1), placed(2))
    assert reader.handled == [placed(0)]

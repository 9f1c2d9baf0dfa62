"""Answers to people: one each, over a token that may have expired."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from segue_core.ids import CommandId, GuildId
from segue_core.redis.guilds import JournalEntry
from segue_worker.app import answers as module
from segue_worker.app.journal import Journaled, JournalRecovery, refusal
from segue_worker.commands.parse import Wish, parse_interaction
from segue_worker.domain.effects import Reply
from segue_worker.domain.views import Phrase, ReplyView, Tone, Words
from segue_worker.gateway.calls import Ack, GoneError, UnansweredError
from segue_worker.gateway.errors import DiscordUnreachableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.shard_worker.app.conftest import Door

GUILD = GuildId(77)
PONG = Words(phrase=Phrase.STOPPED)
SAID = "Stopped, and the queue is clear."


def _wish(payload: dict[str, Any]) -> Wish:
    wish = parse_interaction(payload)
    assert isinstance(wish, Wish)
    return wish


def _reply(wish: Wish, tone: Tone = Tone.OK) -> Reply:
    return Reply(
        command=wish.command.id, view=ReplyView(tone=tone, words=PONG), from_button=wish.command.from_button
    )


async def test_a_read_that_takes_long_is_deferred_first(
    door: Door, slash: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Discord gives up after three seconds: the deferral goes out before, and the answer is an edit."""
    monkeypatch.setattr(module, "READ_PATIENCE_S", 0.02)
    wish = _wish(slash("queue"))
    door.answers.expect(wish.origin, wish.ack)
    async with asyncio.timeout(10):
        while not door.rest.said:  # noqa: ASYNC110 - a fake tells nobody
            await asyncio.sleep(0.01)
    await door.answers.reply(GUILD, _reply(wish))
    assert door.rest.kinds() == ["defer", f"edit {SAID}"]


async def test_a_read_in_time_is_its_own_acknowledgement(
    door: Door, slash: Callable[..., dict[str, Any]], press: Callable[[str], dict[str, Any]]
) -> None:
    """A command's read is answered, a turned page replaces its message; neither is deferred."""
    for payload in (slash("queue"), press("sg1:queue:2")):
        wish = _wish(payload)
        door.answers.expect(wish.origin, wish.ack)
        await door.answers.reply(GUILD, _reply(wish))
    await door.answers.close()
    assert door.rest.kinds() == [f"answer {SAID}", f"update {SAID}"]


async def test_a_button_that_worked_says_nothing(door: Door, press: Callable[[str], dict[str, Any]]) -> None:
    """Its message shows it; a button that was refused is answered to its person."""
    for tone in (Tone.OK, Tone.REFUSED):
        wish = _wish(press("sg1:pause"))
        door.answers.expect(wish.origin, wish.ack)
        door.answers.deferred(wish.command.id)
        await door.answers.reply(GUILD, _reply(wish, tone))
    assert door.rest.kinds() == [f"follow_up {SAID}"]


async def test_one_answer_at_most(door: Door, slash: Callable[..., dict[str, Any]]) -> None:
    """A second answer to a command, and one to a command nobody knows, reach nobody."""
    wish = _wish(slash("pause"))
    door.answers.expect(wish.origin, wish.ack)
    door.answers.deferred(wish.command.id)
    for _ in range(2):
        await door.answers.reply(GUILD, _reply(wish))
    assert door.rest.kinds() == [f"edit {SAID}"]
    assert door.answers.knows(wish.command.id)


@pytest.mark.parametrize("error", [GoneError("expired"), UnansweredError("away")])
async def test_an_answer_that_fails_harms_nobody(
    door: Door, slash: Callable[..., dict[str, Any]], error: Exception
) -> None:
    """An expired token, Discord away: the answer is lost, and nothing else."""
    wish = _wish(slash("pause"))
    door.answers.expect(wish.origin, wish.ack)
    door.answers.deferred(wish.command.id)
    door.rest.failing = [error]
    await door.answers.reply(GUILD, _reply(wish))


def _entry(payload: dict[str, Any], **place: Any) -> JournalEntry:
    written = Journaled(payload=payload, **place)
    return JournalEntry(id=CommandId(payload["id"]), payload=written.stored(), received_at=1)


async def test_a_predecessors_command_is_located_and_answerable(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """Acknowledged by whom it was, its person is looked for if nobody wrote where, and its answer arrives."""
    recovery = JournalRecovery(door.answers, door.people)
    payload = slash("play", query="rain", permissions=0)
    door.rest.outcomes = [Ack.ALREADY]
    command = await recovery.command(GUILD, _entry(payload))
    assert command is not None
    assert command.replayed
    assert command.voice_channel == 600
    assert command.missing_permissions == ("Connect", "Speak")
    await door.answers.reply(GUILD, _reply(_wish(payload)))
    assert door.rest.kinds() == ["defer", f"edit {SAID}"]
    written = await recovery.command(GUILD, _entry(slash("pause"), voice_channel=601, located=True))
    assert written is not None
    assert (written.voice_channel, door.people.asked) == (601, 1)


async def test_a_predecessor_who_never_acknowledged_is_finished_in_time_or_never(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """Killed between journal and acknowledgement: accepted now if Discord still waits, else dropped."""
    recovery = JournalRecovery(door.answers, door.people)
    in_time, late = slash("pause"), slash("pause")
    assert await recovery.command(GUILD, _entry(in_time)) is not None
    door.rest.outcomes = [Ack.EXPIRED]
    assert await recovery.command(GUILD, _entry(late)) is None
    assert recovery.knows(CommandId(in_time["id"]))
    assert not recovery.knows(CommandId(late["id"]))


async def test_what_was_refused_here_is_not_taken_up_from_the_journal(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """Journaled by a predecessor, given to us while frozen and refused in words: that was its one answer."""
    recovery = JournalRecovery(door.answers, door.people)
    refused, accepted = slash("pause"), slash("pause")
    for payload, outcome in ((refused, Ack.ACCEPTED), (accepted, Ack.ALREADY)):
        door.rest.outcomes = [outcome, Ack.ALREADY]
        await door.answers.at_once(_wish(payload).origin, refusal(Phrase.TRY_AGAIN))
        taken_up = await recovery.command(GUILD, _entry(payload, voice_channel=601, located=True))
        assert (taken_up is None) is (payload is refused)


async def test_recovery_survives_what_it_meets(door: Door, slash: Callable[..., dict[str, Any]]) -> None:
    """Unreadable entries are over; without Discord it counts as accepted, and nobody located is told."""
    recovery = JournalRecovery(door.answers, door.people)
    for broken in (b"", b"{}", b'{"payload": {"id": "x"}}'):
        entry = JournalEntry(id=CommandId("1"), payload=broken, received_at=1)
        assert await recovery.command(GUILD, entry) is None
    door.rest.outcomes = [UnansweredError("away")] * 3
    assert await recovery.command(GUILD, _entry(slash("pause"))) is not None
    door.people.error = DiscordUnreachableError("away")
    assert await recovery.command(GUILD, _entry(slash("pause"))) is None
    assert "try again" in door.rest.kinds()[-1]

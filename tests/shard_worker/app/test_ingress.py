"""An interaction's way in: journaled, acknowledged, posted; exactly once, or refused in words."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from segue_core.ids import ChannelId, CommandId, GuildId, OwnerId
from segue_core.redis.connection import connect
from segue_core.redis.guilds import GuildStore, JournalEntry
from segue_worker.app import ingress
from segue_worker.domain.messages import Verb
from segue_worker.gateway.calls import Ack, UnansweredError
from segue_worker.gateway.errors import DiscordUnreachableError
from segue_worker.shards.lease import Grant, Lease

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from segue_core.redis.keys import Keys
    from segue_core.redis.leases import LeasePlane
    from tests.shard_worker.app.conftest import Door

GUILD = GuildId(77)
TRY_AGAIN = "I can't change anything just now. Please try again in a moment."


async def _journaled(door: Door, lease: Lease, payload: dict[str, Any]) -> None:
    """Write the interaction down, as a predecessor did."""
    entry = JournalEntry(id=CommandId(payload["id"]), payload=b"{}", received_at=1)
    assert await door.store.journal(lease.last_fence, GUILD, entry)


async def test_a_change_is_journaled_acknowledged_and_posted(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """One deferral, one command with its person's channel, and an entry until it is settled."""
    token = door.take(slash("play", query="rain"))
    await door.settle()
    (command,) = door.posted
    assert (command.verb, command.query, command.voice_channel) == (Verb.PLAY, "rain", ChannelId(600))
    assert door.rest.kinds() == ["defer"]
    assert door.handled == [token]
    assert await door.journal() == [command.id]


async def test_commands_of_a_guild_keep_their_order(door: Door, slash: Callable[..., dict[str, Any]]) -> None:
    """However long each one's acknowledgement takes, they are posted as they came."""
    door.rest.slow = asyncio.Event()
    tokens = [door.take(slash("volume", percent=number)) for number in range(10)]
    tokens.append(door.take(slash("ping")))
    door.rest.slow.set()
    await door.settle()
    assert [f"token-{command.id}" for command in door.posted if command.verb is Verb.VOLUME] == tokens[:10]


async def test_a_read_is_neither_journaled_nor_deferred(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """The queue is read at once; its answer is its acknowledgement."""
    door.take(slash("queue"))
    await door.settle()
    assert [command.verb for command in door.posted] == [Verb.QUEUE]
    assert door.rest.said == []
    assert await door.journal() == []
    await door.answers.close()


async def test_what_discord_gave_up_on_is_dropped(door: Door, slash: Callable[..., dict[str, Any]]) -> None:
    """10062: never carried out, no word, and nothing of it is left for a successor."""
    door.rest.outcomes = [Ack.EXPIRED]
    door.take(slash("pause"))
    await door.settle()
    assert door.posted == []
    assert door.rest.kinds() == ["defer"]
    assert await door.journal() == []


async def test_a_predecessors_command_is_carried_on(
    door: Door, lease: Lease, slash: Callable[..., dict[str, Any]]
) -> None:
    """40060 with an entry of a predecessor: it was accepted, so it is finished here."""
    payload = slash("pause")
    await _journaled(door, lease, payload)
    door.rest.outcomes = [Ack.ALREADY]
    door.take(payload)
    await door.settle()
    assert [command.id for command in door.posted] == [payload["id"]]


async def test_what_a_frozen_holder_refused_is_not_done(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """40060 without an entry: somebody answered it in words, and that was its one answer."""
    door.rest.outcomes = [Ack.ALREADY]
    door.take(slash("pause"))
    await door.settle()
    assert door.posted == []
    assert await door.journal() == []


async def test_an_acknowledgement_whose_answer_got_lost_was_one(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """No answer to the first try, 40060 to the second: Discord took the first, and the command is done."""
    door.rest.outcomes = [UnansweredError("lost"), Ack.ALREADY]
    door.take(slash("pause"))
    await door.settle()
    assert [command.verb for command in door.posted] == [Verb.PAUSE]


async def test_an_acknowledgement_nobody_answers_ends_in_words(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """Discord may have taken it or not: it is not done, and who waits is told to try again."""
    door.rest.outcomes = [UnansweredError("lost"), UnansweredError("lost")]
    door.take(slash("pause"))
    await door.settle()
    assert door.posted == []
    assert door.rest.kinds() == ["defer", "defer", f"edit {TRY_AGAIN}"]
    assert await door.journal() == []


async def test_a_frozen_holder_refuses_changes_and_answers_reads(
    door: Door, lease: Lease, slash: Callable[..., dict[str, Any]], press: Callable[[str], dict[str, Any]]
) -> None:
    """Redis can't be asked: a change, also by a button, is refused in words; a read is from memory."""
    lapsed = Lease(Grant(fence=lease.last_fence, deadline=time.monotonic() - 1), time.monotonic)
    lapsed.freeze()
    door.lease[0] = lapsed
    door.take(slash("pause"))
    door.take(press("sg1:skip"))
    door.take(slash("queue"))
    await door.settle()
    assert [command.verb for command in door.posted] == [Verb.QUEUE]
    assert door.rest.kinds() == [f"answer {TRY_AGAIN}"] * 2
    await door.answers.close()


async def test_without_a_lease_a_successor_answers(
    door: Door, lease: Lease, slash: Callable[..., dict[str, Any]]
) -> None:
    """A lost shard's interactions are left alone: two answers would be one too many."""
    lease.lose("taken over")
    tokens = [door.take(slash("pause"))]
    door.lease[0] = None
    tokens.append(door.take(slash("pause", user=2)))
    await door.settle()
    assert door.handled == tokens
    assert (door.posted, door.rest.said) == ([], [])


async def test_a_journal_that_refuses_us_means_silence(
    door: Door, lease: Lease, plane: LeasePlane, slash: Callable[..., dict[str, Any]]
) -> None:
    """Another holder has the shard though we don't know yet: it is given the interaction, and answers."""
    assert await plane.release(lease.last_fence)
    async with asyncio.timeout(10):
        while not (claims := await plane.claim(OwnerId("theirs"), 1, 1)).claimed:  # noqa: ASYNC110 - Redis tells nobody
            await asyncio.sleep(0.01)
    (theirs,) = claims.claimed
    await door.store.open({theirs.fence.shard: theirs.fence})
    token = door.take(slash("pause"))
    await door.settle()
    assert (door.posted, door.rest.said) == ([], [])
    assert door.handled == [token]


async def test_a_journal_out_of_reach_is_said(
    door: Door, keys: Keys, slash: Callable[..., dict[str, Any]]
) -> None:
    """Redis does not answer: refused in words at once, not acknowledged as accepted."""
    nowhere = connect("redis://127.0.0.1:1", "test")
    door.ingress._journal._store = GuildStore(nowhere, keys, 1)
    token = door.take(slash("pause"))
    await door.settle()
    await nowhere.aclose()
    assert door.posted == []
    assert door.rest.kinds() == [f"answer {TRY_AGAIN}"]
    assert door.handled == [token]


async def test_a_replay_of_what_is_under_way_is_passed_over(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """A RESUME brings an interaction twice: one acknowledgement, one command, also when it is over."""
    payload = slash("pause")
    door.take(payload)
    door.take(payload)
    await door.settle()
    door.take(payload)
    await door.settle()
    assert len(door.posted) == 1
    assert door.rest.kinds() == ["defer"]
    assert len(door.handled) == 3


async def test_a_person_who_can_t_be_located_is_told_to_try_again(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """Discord does not say where somebody is: refused in words, nothing changes, nothing is left behind."""
    door.people.known, door.people.error = False, DiscordUnreachableError("no answer")
    door.take(slash("pause"))
    await door.settle()
    assert door.posted == []
    assert door.rest.kinds() == ["defer", f"edit {TRY_AGAIN}"]
    assert await door.journal() == []


async def test_a_full_mailbox_is_said(door: Door, slash: Callable[..., dict[str, Any]]) -> None:
    """A guild that floods us: its commands are refused in words and leave the journal."""
    door.takes[0] = False
    door.take(slash("pause"))
    await door.settle()
    assert door.rest.kinds() == ["defer", f"edit {TRY_AGAIN}"]
    assert await door.journal() == []


async def test_missing_permissions_are_told_to_the_domain(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """Discord says with each interaction what the bot may do; /play carries what it lacks."""
    door.take(slash("play", query="rain", permissions=1 << 20))
    await door.settle()
    assert door.posted[0].missing_permissions == ("Speak",)


async def test_nobody_floods_us(door: Door, slash: Callable[..., dict[str, Any]]) -> None:
    """A second /play of the same person within a second is slowed down, another person's is not."""
    for user in (1, 1, 2):
        door.take(slash("play", query="rain", user=user))
    await door.settle()
    assert [command.user for command in door.posted] == [1, 2]
    assert sum("Easy" in kind for kind in door.rest.kinds()) == 1


async def test_what_is_no_command_is_passed_over(door: Door, slash: Callable[..., dict[str, Any]]) -> None:
    """What Discord has never sent yet counts as handled, and nobody is answered."""
    token = door.take({**slash("pause"), "member": None})
    await door.settle()
    assert (door.posted, door.rest.said) == ([], [])
    assert door.handled == [token]


async def test_a_flood_is_asked_to_come_back(
    door: Door, slash: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond what can be acknowledged in time nothing is begun: a sentence, no journal entry, no command."""
    monkeypatch.setattr(ingress, "UNDER_WAY_LIMIT", 3)
    door.rest.slow = asyncio.Event()
    for number in range(4):
        door.take(slash("volume", percent=number))
    door.rest.slow.set()
    await door.settle()
    assert len(door.posted) == len(await door.journal()) == 3
    assert sorted(door.rest.kinds()) == [f"answer {TRY_AGAIN}", "defer", "defer", "defer"]


async def test_without_room_nothing_new_begins_and_its_person_is_told(
    door: Door, slash: Callable[..., dict[str, Any]]
) -> None:
    """Short of memory: a change is refused in words and journaled nowhere; a read is answered."""
    door.room[0] = False
    token = door.take(slash("play", query="rain"))
    await door.settle()
    assert door.posted == []
    assert door.handled == [token]
    assert await door.journal() == []
    assert [words for words, _ in door.rest.said] == [
        "answer I have no room for one more server. Please try again in a few minutes."
    ]
    door.take(slash("ping"))
    await door.settle()
    assert [command.verb for command in door.posted] == [Verb.PING]
    door.room[0] = True
    door.take(slash("play", user=2, query="rain"))
    await door.settle()
    assert door.posted[-1].verb is Verb.PLAY

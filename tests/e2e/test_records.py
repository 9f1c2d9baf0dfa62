"""What happened can be read afterwards, and settings changed, with ``segue``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segue_core.ids import GuildId

from .conftest import eventually

if TYPE_CHECKING:
    from segue_devkit.tunes.catalogue import Tune
    from tests.e2e.conftest import Room, Town

    Tunes = dict[str, tuple[Tune, ...]]

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def test_what_was_played_and_done_is_on_record(town: Town, room: Room, tunes: Tunes) -> None:
    """History, audit, events and songs agree with the evening, each entry once."""
    first, second = tunes["long"][:2]
    await room.play(first)
    await room.queue_up(second)
    await room.says(first.title, "skip")
    await room.hears(second)
    await room.says("Stopped", "stop")
    guild = str(room.guild.id)

    async def stored() -> bool:
        return len(await town.store.history(GuildId(room.guild.id))) == 2

    await eventually("both songs are in the history", stored)
    history = await town.segue("history", guild)
    assert [(row["title"], row["skip_reason"]) for row in history] == [
        (second.title, "stopped"),
        (first.title, "skipped"),
    ]
    audit = await town.segue("audit", "--guild", guild)
    assert sorted(row["action"] for row in audit) == ["play", "play", "skip", "stop"]
    events = await town.segue("events", "--guild", guild)
    kinds = [row["kind"] for row in events]
    assert kinds.count("command_applied") == 4
    assert kinds.count("track_ended") == 2
    assert len({row["id"] for row in events}) == len(events)
    played = {row["title"]: row["plays"] for row in await town.segue("songs")}
    assert played[first.title] >= 1
    assert played[second.title] >= 1


async def test_a_server_s_settings_are_changed_while_it_listens(town: Town, room: Room, tunes: Tunes) -> None:
    """``segue settings set`` counts within seconds, also for music that plays already."""
    await room.play(tunes["long"][0])
    guild = str(room.guild.id)
    assert (await town.segue("settings", "get", guild))["volume_limit"] > 50
    changed = await town.segue("settings", "set", guild, "volume_limit=50", "max_queue_size=1")
    assert changed["volume_limit"] == 50

    async def noticed() -> bool:
        answer = await room.ask("volume", percent=60)
        return answer.message is not None and "Volume goes from 0 to 50 %" in answer.message.text

    await eventually("the new limit counts", noticed)
    await room.queue_up(tunes["long"][1])
    await room.says("The queue is full", "play", await room.guest(), query=tunes["long"][2].title)


async def test_those_who_run_it_see_shards_and_nodes(town: Town) -> None:
    """Every shard has one holder and every node is ready, as ``segue leases`` and ``segue nodes`` tell."""
    leases = await town.segue("leases")
    assert {row["shard"] for row in leases["leases"]} == set(range(town.shards))
    assert all(row["owner"] for row in leases["leases"])
    assert len(leases["workers"]) >= town.shards + 1
    nodes = await town.segue("nodes")
    assert {row["id"] for row in nodes["nodes"]} == {"us-east-0", "eu-central-0"}

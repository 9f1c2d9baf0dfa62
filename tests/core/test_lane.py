"""Scripts over one kept connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from segue_core.ids import GuildId, NodeId
from segue_core.redis.connection import connect
from segue_core.redis.nodes import NodeRegistry, Place

if TYPE_CHECKING:
    from segue_core.redis.keys import Keys

PLACES = (Place(node=NodeId("us-east-0"), capacity=1000),)


async def test_a_kept_connection_that_broke_is_replaced_unseen(valkey_url: str, keys: Keys) -> None:
    """A server that closed the connection, or forgot its scripts, costs no caller its answer."""
    client, other = connect(valkey_url, "lane-under-test"), connect(valkey_url, "other")
    try:
        registry = NodeRegistry(client, keys)
        assert await registry.reserve(GuildId(1), PLACES) is not None
        clients: list[dict[str, str]] = await other.client_list()
        mine = [one for one in clients if one["name"] == "lane-under-test"]
        assert mine
        for one in mine:
            await other.client_kill_filter(_id=one["id"])
        assert await registry.reserve(GuildId(2), PLACES) is not None
        await other.script_flush()
        reserved = await registry.reserve(GuildId(3), PLACES)
        assert reserved is not None
        assert reserved.reserved == 3
    finally:
        await client.aclose()
        await other.aclose()


async def test_a_caller_that_goes_away_leaves_no_answer_behind(valkey_url: str, keys: Keys) -> None:
    """A cancelled call's answer is never taken for the next call's, whoever calls at the same time."""
    client = connect(valkey_url, "lane-under-test")
    try:
        registry = NodeRegistry(client, keys)
        await registry.reserve(GuildId(1), PLACES)
        for guild in range(2, 30):
            going = asyncio.create_task(registry.reserve(GuildId(1), [Place(node=NodeId("gone"))]))
            await asyncio.sleep(0)
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)
            found = await asyncio.gather(
                *(registry.reserve(GuildId(guild * 10 + one), PLACES) for one in range(3))
            )
            assert all(one is not None and one.node == "us-east-0" for one in found)
    finally:
        await client.aclose()

"""What people type to look after nodes: ``segue cordon``, ``segue uncordon``, ``segue drain``."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from segue_cli.__main__ import run
from segue_devkit.embedded.process import free_port


@pytest.fixture
async def town(fake_node: Any, publish_nodes: Any, routers: Any, states: Any) -> tuple[Any, Any]:
    """Return a node with three players, and a router that sees it."""
    node = await fake_node()
    node.players = 3
    router = await routers.start()
    await publish_nodes({"us-east-0": node.address})
    await states(router, us_east_0="READY")
    return node, router


async def test_a_drain_waits_until_the_node_is_empty(
    town: tuple[Any, Any], until: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """It tells how many are left as they go, ends when nobody is, and the node stays cordoned."""
    node, router = town
    said = ""

    async def says(words: str) -> None:
        async def there() -> bool:
            nonlocal said
            said += capsys.readouterr().out
            return words in said

        await until(there)

    draining = asyncio.create_task(
        asyncio.to_thread(run, ["drain", "us-east-0", "--router", router.target, "--by", "anna"])
    )
    await says("us-east-0: 3 players left")
    node.players = 1
    await says("us-east-0: 1 players left")
    assert not draining.done()
    node.players = 0
    assert await draining == 0
    await says("us-east-0 is empty after")
    assert await asyncio.to_thread(run, ["nodes", "--json", "--router", router.target]) == 0
    (shown,) = json.loads(capsys.readouterr().out)["nodes"]
    assert (shown["draining"], shown["cordoned"], shown["cordoned_by"]) == (True, True, "anna")
    assert await asyncio.to_thread(run, ["cordon", "us-east-0", "--router", router.target]) == 0
    assert "takes no new players; 0 play there" in capsys.readouterr().out
    assert await asyncio.to_thread(run, ["uncordon", "us-east-0", "--router", router.target]) == 0
    assert capsys.readouterr().out == "us-east-0 takes players\n"


async def test_what_cannot_be_done_is_told(
    town: tuple[Any, Any], until: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A node nobody knows is the caller's mistake (2); no router, no time, another's order are not (1)."""
    _, router = town
    assert await asyncio.to_thread(run, ["cordon", "moon-0", "--router", router.target]) == 2
    assert "none of the topology's nodes: us-east-0" in capsys.readouterr().err
    nobody = f"127.0.0.1:{free_port('127.0.0.1')}"
    assert await asyncio.to_thread(run, ["drain", "us-east-0", "--router", nobody]) == 1
    assert nobody in capsys.readouterr().err
    hurried = ["drain", "us-east-0", "--router", router.target, "--timeout", "0.5", "--json"]
    assert await asyncio.to_thread(run, hurried) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["left"] == 3
    assert "still has 3 players" in told.err
    waiting = asyncio.create_task(asyncio.to_thread(run, ["drain", "us-east-0", "--router", router.target]))

    async def begun() -> bool:
        return "3 players left" in capsys.readouterr().out

    await until(begun)
    assert await asyncio.to_thread(run, ["uncordon", "us-east-0", "--router", router.target]) == 0
    assert await waiting == 1
    assert "somebody ended the drain of us-east-0" in capsys.readouterr().err

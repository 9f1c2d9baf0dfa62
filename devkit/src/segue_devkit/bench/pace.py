"""Open-loop pace: work begins when it is due, whether or not earlier work is done."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


async def paced(
    items: Iterable[_Item], per_s: float, work: Callable[[_Item], Awaitable[_Result]]
) -> list[_Result]:
    """Begin ``work`` on ``per_s`` items a second; return the results in the items' order once all are done.

    Raises:
        Exception: the first that some work raised; the rest is cancelled.
    """

    async def one(item: _Item) -> _Result:
        return await work(item)

    # Not the loop's clock: uvloop's counts whole milliseconds.
    begun = time.monotonic()
    tasks: list[asyncio.Task[_Result]] = []
    try:
        async with asyncio.TaskGroup() as group:
            for number, item in enumerate(items):
                if (wait := begun + number / per_s - time.monotonic()) > 0:
                    await asyncio.sleep(wait)
                tasks.append(group.create_task(one(item)))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    return [task.result() for task in tasks]

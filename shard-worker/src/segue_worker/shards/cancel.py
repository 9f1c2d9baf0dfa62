"""A cancellation must not get lost in a call to Redis."""

from __future__ import annotations

import asyncio


def cancellation_point() -> None:
    """Raise CancelledError if this task was asked to end and the request got lost.

    In Python 3.11 :func:`asyncio.wait_for`, which the Redis client sends by, returns its result as if
    nothing had happened when the cancellation arrives in the same turn of the loop. A task that
    calls Redis again and again comes by here after each call, else it could outlive its owner.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError

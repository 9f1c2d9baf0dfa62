"""Scripts over one connection that is kept: for a caller that asks often, and one thing at a time.

Lending a connection from the pool for each call costs a client more than the call itself does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redis.asyncio import RedisCluster
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_core.redis.connection import RedisClient
    from segue_core.redis.script import Call, Script


class ScriptLane:
    """Calls scripts that may be repeated: one whose connection broke is sent once more on a new one.

    Who comes while the lane is taken, and every call to a Redis Cluster, goes by the client's own pool.
    """

    def __init__(self, redis: RedisClient) -> None:
        self._redis = redis
        self._connection: Any = None
        self._taken = False

    async def many(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        """Run all calls in one round trip; answers in the same order.

        Raises:
            RedisError: the first error any call met.
        """
        if self._taken or isinstance(self._redis, RedisCluster):
            return await script.many(self._redis, calls)
        self._taken = True
        try:
            answers = await self._twice(script, calls)
        finally:
            self._taken = False
        for index, answer in enumerate(answers):
            if isinstance(answer, NoScriptError):
                answers[index] = await script(self._redis, calls[index].keys, calls[index].arguments)
            elif isinstance(answer, ResponseError):
                raise answer
        return answers

    async def _twice(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        kept = self._connection is not None
        try:
            return await self._once(script, calls)
        except RedisTimeoutError:
            raise
        except (RedisConnectionError, OSError):
            if not kept:
                raise
            # It may have been closed long ago: a restarted server says so only when it is spoken to.
            return await self._once(script, calls)

    async def _once(self, script: Script, calls: Sequence[Call]) -> list[Any]:
        pool: Any = self._redis.connection_pool  # type: ignore[union-attr]  # a cluster's was turned away
        if self._connection is None:
            self._connection = await pool.get_connection()
        connection = self._connection
        try:
            await connection.send_packed_command(
                connection.pack_commands(
                    ("EVALSHA", script.sha, len(call.keys), *call.keys, *call.arguments) for call in calls
                )
            )
            return [await _answer(connection) for _ in calls]
        except BaseException:
            # Answers that nobody read would be taken for those of the next call.
            self._connection = None
            await connection.disconnect(nowait=True)
            await pool.release(connection)
            raise


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error

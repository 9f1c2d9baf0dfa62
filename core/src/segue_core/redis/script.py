"""Lua by its hash: sent once, called by EVALSHA, several in one round trip where wanted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

from redis.exceptions import NoScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segue_core.redis.connection import RedisClient

Argument: TypeAlias = str | bytes | int
"""Integers travel as decimal strings. 64-bit ids are never read as numbers by a script."""


@cache
def _source(name: str) -> str:
    return files("segue_core.redis").joinpath("lua", f"{name}.lua").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a script, to be sent with others."""

    keys: tuple[str, ...]
    arguments: tuple[Argument, ...]


class Script:
    """One Lua script of ``redis/lua``, with the parts it shares with others in front.

    All keys of a call, those a script builds from a prefix included, lie in one hash slot.
    """

    def __init__(self, *names: str) -> None:
        # With the shebang Redis Cluster also refuses keys of another slot that a script builds itself.
        self.source = "\n".join(("#!lua", *(_source(name) for name in names)))
        # Redis itself names scripts by SHA-1.
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        self.name = names[-1]

    def __repr__(self) -> str:
        return f"<Script {self.name}>"

    async def __call__(self, redis: RedisClient, keys: Sequence[str], arguments: Sequence[Argument]) -> Any:
        """Run it.

        Raises:
            RedisError: connection and time-out errors leave open whether it ran.
        """
        try:
            return await redis.evalsha(self.sha, len(keys), *keys, *arguments)
        except NoScriptError:
            # A restarted or failed-over server forgets scripts. EVAL teaches it this one again.
            return await redis.execute_command("EVAL", self.source, len(keys), *keys, *arguments)

    async def many(self, redis: RedisClient, calls: Sequence[Call]) -> list[Any]:
        """Run all calls in one round trip (to each node concerned); answers in the same order.

        Raises:
            RedisError: the first error any call met.
        """
        if not calls:
            return []
        answers = await self._pipelined(redis, calls)
        for index, answer in enumerate(answers):
            if isinstance(answer, NoScriptError):
                call = calls[index]
                answers[index] = await self(redis, call.keys, call.arguments)
            elif isinstance(answer, Exception):
                raise answer
        return answers

    async def _pipelined(self, redis: RedisClient, calls: Sequence[Call]) -> list[Any]:
        pipeline: Any = redis.pipeline(transaction=False)
        for call in calls:
            pipeline.execute_command("EVALSHA", self.sha, len(call.keys), *call.keys, *call.arguments)
        answers: list[Any] = await pipeline.execute(raise_on_error=False)
        return answers


def text(value: bytes | str | None) -> str:
    """Return a reply of Redis as text, nothing as the empty string."""
    if value is None:
        return ""
    return value.decode() if isinstance(value, bytes) else value

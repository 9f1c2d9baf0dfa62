"""Asks nodes what words and links mean, sparing those that keep failing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from segue_core.logging import get_logger
from segue_worker.lavalink.breaker import Breaker, BreakerState
from segue_worker.lavalink.errors import NodeError, NodeRejectedError, NodeTimeoutError
from segue_worker.lavalink.rest import NodeRest, RestTimeouts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import aiohttp

    from segue_core.ids import NodeId
    from segue_worker.lavalink.ports import NodeDirectory
    from segue_worker.lavalink.tracks import LoadResult

_log = get_logger(__name__)

_ATTEMPTS: Final = 2


class NoNodeError(Exception):
    """No node could be asked: none is known, or all of them failed. Try again in a moment."""


class TrackLoader:
    """Shared by all shards of a worker: loading needs no session. A breaker a node."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        password: str,
        directory: NodeDirectory,
        *,
        timeouts: RestTimeouts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._password = password
        self._directory = directory
        self._timeouts = timeouts
        self._clock = clock
        self._breakers: dict[NodeId, Breaker] = {}

    def __repr__(self) -> str:
        return f"<TrackLoader nodes={len(self._breakers)}>"

    def breakers(self) -> dict[NodeId, BreakerState]:
        """Return where each node's breaker stands, for health."""
        return {node: breaker.state for node, breaker in self._breakers.items()}

    async def load(self, identifier: str, candidates: Iterable[NodeId]) -> LoadResult:
        """Return what the first candidate that answers makes of ``identifier``.

        Raises:
            NodeTimeoutError: a node was asked and took too long; asking another would take as long again.
            NoNodeError: nobody answered.
        """
        attempts = 0
        why = "no node is known"
        for node in candidates:
            breaker = self._breakers.setdefault(node, Breaker(self._clock))
            address = self._directory.address(node)
            if address is None or not breaker.allows():
                why = f"node {node} is not usable now"
                continue
            try:
                result = await self._ask(node, address, identifier, breaker)
            except NodeTimeoutError:
                raise
            except NodeError as error:
                why = str(error)
                _log.info("lavalink.load_failed", node=node, why=error.why)
            else:
                return result
            attempts += 1
            if attempts >= _ATTEMPTS:
                break
        raise NoNodeError(why)

    async def _ask(self, node: NodeId, address: str, identifier: str, breaker: Breaker) -> LoadResult:
        rest = NodeRest(node, address, self._password, self._http, self._timeouts)
        try:
            result = await rest.load(identifier)
        except NodeRejectedError:
            # It works and did not like this request; that says nothing about the next.
            breaker.succeeded()
            raise
        except NodeError:
            breaker.failed()
            raise
        except BaseException:
            breaker.abandoned()
            raise
        breaker.succeeded()
        return result

"""Asks nodes what words and links mean, sparing nodes and sources that keep failing."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from segue_core.breaker import Breaker, Breakers, BreakerState
from segue_core.logging import get_logger
from segue_worker.lavalink.errors import NodeError, NodeRejectedError, NodeTimeoutError
from segue_worker.lavalink.rest import NodeRest, RestTimeouts
from segue_worker.lavalink.tracks import LoadKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import aiohttp

    from segue_core.ids import NodeId
    from segue_worker.lavalink.ports import NodeDirectory
    from segue_worker.lavalink.tracks import LoadResult

_log = get_logger(__name__)

_ATTEMPTS: Final = 2
_SOURCE_THRESHOLD: Final = 5
_SOURCE_REST_S: Final = 15.0
"""A source that fails is somebody else's service: more patience than with a node, and a longer rest."""
_SEARCH: Final = re.compile(r"([a-z]{2,16}):(?!//)", re.ASCII)


class NoNodeError(Exception):
    """No node could be asked: none is known, or all of them failed. Try again in a moment."""


class SourceRestsError(Exception):
    """The source kept failing and is not asked for ``wait_s``; nobody was asked."""

    def __init__(self, source: str, wait_s: float) -> None:
        super().__init__(f"{source} kept failing and rests for {wait_s:.0f} s")
        self.source = source
        self.wait_s = wait_s


def source_of(identifier: str) -> str:
    """Return whose service is asked: the prefix of a search, the host of a link, else ``local``."""
    search = _SEARCH.match(identifier)
    if search is not None:
        return search[1]
    try:
        return urlsplit(identifier).hostname or "local"
    except ValueError:
        return "local"


def source_failed(identifier: str, result: LoadResult) -> bool:
    """Whether an answer speaks against the source, and not against this one song.

    A search depends on the source alone. A link may be broken all by itself, so it counts only when the
    source asks for less; else a few dead links would close a host to everybody.
    """
    if result.kind is not LoadKind.ERROR:
        return False
    return result.throttled or _SEARCH.match(identifier) is not None


class TrackLoader:
    """Shared by all shards of a worker: loading needs no session. A breaker a node, and one a source."""

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
        self._breakers: Breakers[NodeId] = Breakers(clock)
        self._sources: Breakers[str] = Breakers(clock, threshold=_SOURCE_THRESHOLD, cooldown_s=_SOURCE_REST_S)

    def __repr__(self) -> str:
        return f"<TrackLoader nodes={len(self._breakers)}>"

    def breakers(self) -> Mapping[NodeId, BreakerState]:
        """Return where each node's breaker stands, for health."""
        return self._breakers.states()

    def sources(self) -> Mapping[str, BreakerState]:
        """Return where each source's breaker stands, for health."""
        return self._sources.states()

    async def load(self, identifier: str, candidates: Iterable[NodeId]) -> LoadResult:
        """Return what the first candidate that answers makes of ``identifier``.

        Raises:
            SourceRestsError: nobody was asked, as the source failed again and again.
            NodeTimeoutError: a node was asked and took too long; asking another would take as long again.
            NoNodeError: nobody answered.
        """
        source = source_of(identifier)
        breaker = self._sources.of(source)
        if not breaker.allows():
            raise SourceRestsError(source, breaker.wait_s)
        try:
            result = await self._load(identifier, candidates)
        except NodeTimeoutError:
            breaker.failed()
            raise
        except BaseException:
            # Nobody could ask it, or we were cancelled: that says nothing about the source.
            breaker.abandoned()
            raise
        if source_failed(identifier, result):
            breaker.failed()
        else:
            breaker.succeeded()
        return result

    async def _load(self, identifier: str, candidates: Iterable[NodeId]) -> LoadResult:
        attempts = 0
        why = "no node is known"
        for node in candidates:
            breaker = self._breakers.of(node)
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

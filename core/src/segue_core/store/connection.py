"""The pool, and one error for "PostgreSQL cannot be asked now"."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from segue_core.breaker import Breaker

CONNECT_TIMEOUT_S = 3.0
QUERY_TIMEOUT_S = 10.0
MAX_CONNECTIONS = 8

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    # Wrong password or database, rights not granted, not migrated: somebody puts it right while we wait.
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedTableError,
)


UNSTORABLE = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.IntegrityConstraintViolationError,
    OverflowError,
    ValueError,
)
"""What says that a value can't be stored, however often it is tried."""


class StoreUnavailableError(Exception):
    """PostgreSQL cannot be asked now. Whether a write took effect is unknown; ours may be repeated."""


def pool_of(dsn: str) -> Any:
    """Return a pool that connects when it is first needed, so that we start without PostgreSQL too."""
    return asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=MAX_CONNECTIONS,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=QUERY_TIMEOUT_S,
        server_settings={"application_name": "segue"},
    )


class Lender:
    """Lends connections of a pool, and stops asking PostgreSQL for a while when it keeps failing.

    Without that, everybody who needs a setting would wait for a connection that does not come.
    """

    def __init__(self, pool: Any, breaker: Breaker) -> None:
        self._pool = pool
        self.breaker = breaker

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Any]:
        """Lend a connection.

        Raises:
            StoreUnavailableError: when there is none, it breaks, or PostgreSQL is not asked for now.
        """
        if not self.breaker.allows():
            raise StoreUnavailableError(
                f"PostgreSQL kept failing and is asked again in {self.breaker.wait_s:.1f} s"
            )
        try:
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as lent:
                yield lent
        except _AWAY as error:
            self.breaker.failed()
            raise StoreUnavailableError(f"{type(error).__name__}: {error}") from error
        except Exception:
            # It answered, and what was asked was wrong.
            self.breaker.succeeded()
            raise
        except BaseException:
            self.breaker.abandoned()
            raise
        self.breaker.succeeded()

    def terminate(self) -> None:
        """End every connection."""
        self._pool.terminate()

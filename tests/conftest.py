"""Real servers for every suite: started when the first test asks, ended by process id with the session."""

from __future__ import annotations

import itertools
import uuid
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from segue_core.redis.connection import connect
from segue_core.redis.keys import Keys
from segue_core.store import Store
from segue_core.store.migrate import migrate
from segue_devkit.embedded.postgres import EmbeddedPostgres
from segue_devkit.embedded.valkey import EmbeddedValkey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from segue_core.redis.connection import RedisClient

_numbers = itertools.count(1)

# How fast examples are made says something of the machine, nothing of the product.
settings.register_profile(
    "segue", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("segue")


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """Valkey as a cluster of one node that serves all slots: a script over several slots fails."""
    with EmbeddedValkey(cluster=True) as server:
        yield server.url


@pytest.fixture
def cluster() -> str:
    """Name a cluster no other test has: all its keys are this test's alone."""
    return f"t{next(_numbers)}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def keys(cluster: str) -> Keys:
    """Return the names of this test's keys."""
    return Keys(cluster)


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[RedisClient]:
    """Connect as services do."""
    client = connect(valkey_url, "test")
    yield client
    await client.aclose()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """PostgreSQL with a migrated database that tests' own are copied from."""
    with EmbeddedPostgres(durable=False, database="template_segue") as server:
        migrate(server.dsn)
        yield server


@pytest.fixture
def postgres_dsn(postgres_server: EmbeddedPostgres) -> Iterator[str]:
    """Return the address of a migrated database of this test's own."""
    name = f"t{next(_numbers)}_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(postgres_server.dsn_of("postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE template_segue")
        yield postgres_server.dsn_of(name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def store(postgres_dsn: str) -> AsyncIterator[Store]:
    """Open the store as services do."""
    async with await Store.open(postgres_dsn) as opened:
        yield opened

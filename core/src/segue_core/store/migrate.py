"""``python -m segue_core.store.migrate``: bring PostgreSQL's tables to this release's shape.

Plain SQL files, applied once each, in order, under a lock: several pods may run it at once.
"""

from __future__ import annotations

import os
import sys
from importlib.resources import as_file, files
from urllib.parse import urlsplit, urlunsplit

import psycopg
import stamina
import yoyo

WAIT_S = 60.0
"""How long PostgreSQL may take to come up beside us."""
_LOCK = 0x5E67_31
_VARIABLE = "SEGUE_POSTGRES_DSN"


def migrate(dsn: str, wait_s: float = WAIT_S) -> tuple[str, ...]:
    """Apply what is missing and return its names.

    Raises:
        psycopg.OperationalError: when PostgreSQL does not answer within ``wait_s``.
        yoyo.exceptions.BadMigration: when a file cannot be applied.
    """
    # Our own advisory lock goes with our connection; yoyo's lock table would outlive a killed pod.
    with _connected(dsn, wait_s) as guard:
        guard.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        with as_file(files("segue_core.store").joinpath("migrations")) as folder:
            migrations = yoyo.read_migrations(str(folder))
            backend = yoyo.get_backend(urlunsplit(urlsplit(dsn)._replace(scheme="postgresql+psycopg")))
            try:
                missing = backend.to_apply(migrations)
                names = tuple(migration.id for migration in missing)
                backend.apply_migrations(missing)
            finally:
                backend.connection.close()
    return names


def _connected(dsn: str, wait_s: float) -> psycopg.Connection[tuple[object, ...]]:
    for attempt in stamina.retry_context(
        on=psycopg.OperationalError, attempts=None, timeout=wait_s, wait_initial=0.1, wait_max=2.0
    ):
        with attempt:
            return psycopg.connect(dsn, connect_timeout=3, autocommit=True)
    raise AssertionError("a retry ends by returning or raising")


def main() -> int:
    """Run from the command line; the address comes from SEGUE_POSTGRES_DSN."""
    dsn = os.environ.get(_VARIABLE)
    if not dsn:
        print(f"{_VARIABLE} is not set", file=sys.stderr)  # noqa: T201 - a program's own words
        return 2
    try:
        applied = migrate(dsn)
    except psycopg.Error as error:
        print(f"{_VARIABLE}: {str(error).strip()}", file=sys.stderr)  # noqa: T201 - a program's own words
        return 1
    print("applied: " + (", ".join(applied) or "nothing, up to date"))  # noqa: T201 - a program's own words
    return 0


if __name__ == "__main__":
    sys.exit(main())

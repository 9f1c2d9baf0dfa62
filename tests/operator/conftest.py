"""Specs to plan from."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue_operator.api import MusicCluster, load_file
from segue_operator.specs import Credentials

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def laptop() -> MusicCluster:
    """Return the first example."""
    return load_file(ROOT / "examples" / "01-laptop.yaml")


@pytest.fixture(scope="session")
def production() -> MusicCluster:
    """Return the example with two regions and databases of its own."""
    return load_file(ROOT / "examples" / "02-two-regions.yaml")


@pytest.fixture(scope="session")
def credentials() -> Credentials:
    """Return passwords that are easy to spot."""
    return Credentials(
        lavalink_password="lavalink-pw", redis_password="redis-pw", postgres_password="postgres-pw"
    )

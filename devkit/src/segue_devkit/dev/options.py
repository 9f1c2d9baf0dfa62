"""How a MusicCluster is run on this machine: what is simulated, and what is real."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from segue_devkit.processes import Backoff


class DevError(Exception):
    """The cluster can't be run here. The message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DevOptions:
    """What stands beside the spec.

    ``discord_token``: a real bot's; the simulator is used when there is none. ``lavalink_command``:
    a real node's command line; the stand-in is used when it is empty. ``redis_url`` and
    ``postgres_dsn`` stand for Secrets that the spec references. ``knobs`` are the simulator's.
    ``root`` keeps logs and data; a temporary folder is used when it is None.
    """

    discord_token: str | None = field(default=None, repr=False)
    lavalink_command: tuple[str, ...] = ()
    lavalink_password: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    postgres_dsn: str | None = field(default=None, repr=False)
    knobs: Mapping[str, object] = field(default_factory=dict)
    root: Path | None = None
    backoff: Backoff = field(default_factory=Backoff)

    @classmethod
    def from_environment(cls, env: Mapping[str, str] | None = None) -> DevOptions:
        """Return what the environment asks for.

        ``SEGUE_DISCORD_TOKEN`` or ``DISCORD_TOKEN``, ``SEGUE_LAVALINK_COMMAND`` (a command line),
        ``SEGUE_LAVALINK_PASSWORD``, ``SEGUE_REDIS_URL`` and ``SEGUE_POSTGRES_DSN``.
        """
        env = os.environ if env is None else env
        try:
            command = tuple(shlex.split(env.get("SEGUE_LAVALINK_COMMAND", "")))
        except ValueError as error:
            message = f"SEGUE_LAVALINK_COMMAND is not a command line: {error}"
            raise DevError(message) from error
        return cls(
            discord_token=env.get("SEGUE_DISCORD_TOKEN") or env.get("DISCORD_TOKEN") or None,
            lavalink_command=command,
            lavalink_password=env.get("SEGUE_LAVALINK_PASSWORD") or None,
            redis_url=env.get("SEGUE_REDIS_URL") or None,
            postgres_dsn=env.get("SEGUE_POSTGRES_DSN") or None,
        )

"""Which local program stands for which image of a MusicCluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_devkit.embedded.valkey import valkey_server_path
from segue_devkit.processes import Program, Programs
from segue_devkit.processes.programs import PYTHON, repository

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segue_devkit.dev.options import DevOptions
    from segue_operator.api import MusicCluster

DISCORD_IMAGE = "segue/devkit-discord"
TUNES_IMAGE = "segue/devkit-tunes"


def programs_for(cluster: MusicCluster, options: DevOptions, lavalink_env: Mapping[str, str]) -> Programs:
    """Return the table. ``lavalink_env`` is given to every Lavalink node beside its manifest's."""
    images = cluster.spec.images
    node = options.lavalink_command or (*PYTHON, "-m", "segue_devkit.lavalink")
    python = Program(executables={"python": PYTHON})
    table = {
        images.worker: python,
        images.router: python,
        images.redis: Program(executables={"valkey-server": (str(valkey_server_path()),)}),
        images.postgres: Program(
            entrypoint=(*PYTHON, "-m", "segue_devkit.embedded.postgres"), arguments=postgres_arguments
        ),
        images.lavalink: Program(entrypoint=node, env=lavalink_env),
        DISCORD_IMAGE: Program(entrypoint=(*PYTHON, "-m", "segue_devkit.discord")),
        TUNES_IMAGE: Program(entrypoint=(*PYTHON, "-m", "segue_devkit.tunes.serve")),
    }
    return Programs({repository(image): program for image, program in table.items()})


def postgres_arguments(args: tuple[str, ...]) -> tuple[str, ...]:
    """Return the image's ``-c name=value`` in the words of the embedded launcher."""
    words: list[str] = []
    for setting in (word for word in args if word != "-c"):
        name, _, value = setting.partition("=")
        match name:
            case "listen_addresses":
                words += ["--host", value]
            case "port":
                words += ["--port", value]
            case _:
                words += ["--set", setting]
    return tuple(words)

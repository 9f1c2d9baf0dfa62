"""What the pods run."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from segue_operator.api.base import SpecModel

ImageName = Annotated[str, Field(pattern=r"^[a-z0-9][-a-zA-Z0-9_./:@]*$", max_length=300)]


class Images(SpecModel):
    """Container images. Segue's own get `spec.version` as tag unless they carry one."""

    worker: ImageName = Field(default="segue/shard-worker", description="Image of the shard workers.")
    router: ImageName = Field(default="segue/audio-router", description="Image of the audio routers.")
    lavalink: ImageName = Field(
        default="ghcr.io/lavalink-devs/lavalink:4", description="Image of the Lavalink nodes."
    )
    redis: ImageName = Field(default="valkey/valkey:9", description="Image of the embedded Redis.")
    postgres: ImageName = Field(default="postgres:18", description="Image of the embedded PostgreSQL.")


def tagged(image: str, version: str) -> str:
    """Return ``image`` with ``version`` as its tag, unless it names a tag or a digest itself."""
    last = image.rsplit("/", 1)[-1]
    return image if ":" in last or "@" in last else f"{image}:{version}"

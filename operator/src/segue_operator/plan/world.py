"""What a plan is made from: everything that was read, in one frozen value."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segue_core.models import Topology
from segue_operator.specs import Credentials, Manifest, Names, ObjectRef

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster


@dataclass(frozen=True, slots=True)
class World:
    """What is there: the objects that carry the cluster's label, and the published topology."""

    objects: tuple[Manifest, ...] = ()
    published: Topology | None = None

    def by_ref(self) -> dict[ObjectRef, Manifest]:
        """Return the objects by name."""
        return {manifest.ref: manifest for manifest in self.objects}


def credentials_in(world: World, cluster: MusicCluster, fresh: Credentials) -> Credentials:
    """Return the passwords in use, and from ``fresh`` those that are not there yet.

    A password that was generated once is kept for good: the server behind it remembers it.
    """
    names, objects = Names.of(cluster), world.by_ref()

    def kept(secret: str, new: str) -> str:
        found = objects.get(ObjectRef("Secret", cluster.namespace, secret))
        data = found.body.get("data", {}) if found is not None else {}
        return base64.b64decode(data["password"]).decode() if "password" in data else new

    return Credentials(
        lavalink_password=kept(names.lavalink_secret, fresh.lavalink_password),
        redis_password=kept(names.redis, fresh.redis_password),
        postgres_password=kept(names.postgres, fresh.postgres_password),
    )

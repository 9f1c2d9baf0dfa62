"""What the objects of a cluster are called, and how they reach one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segue_core.ids import NodeId

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster

HTTP_PORT = 8080
GRPC_PORT = 50051
LAVALINK_PORT = 2333
REDIS_PORT = 6379
POSTGRES_PORT = 5432


@dataclass(frozen=True, slots=True)
class Names:
    """Every name of one cluster."""

    cluster: str
    namespace: str

    @classmethod
    def of(cls, cluster: MusicCluster) -> Names:
        """Return the names of ``cluster``."""
        return cls(cluster.name, cluster.namespace)

    @property
    def worker(self) -> str:
        """Deployment of the shard workers."""
        return f"{self.cluster}-worker"

    @property
    def router(self) -> str:
        """Deployment and Service of the audio routers."""
        return f"{self.cluster}-router"

    @property
    def redis(self) -> str:
        """StatefulSet, Service and Secret of the embedded Redis."""
        return f"{self.cluster}-redis"

    @property
    def postgres(self) -> str:
        """StatefulSet, Service and Secret of the embedded PostgreSQL."""
        return f"{self.cluster}-postgres"

    @property
    def lavalink_secret(self) -> str:
        """Secret of the nodes' generated password."""
        return f"{self.cluster}-lavalink"

    def lavalink(self, region: str) -> str:
        """Return the name of a region's StatefulSet, headless Service and ConfigMap."""
        return f"{self.cluster}-lavalink-{region}"

    def host(self, service: str) -> str:
        """Return the DNS name of a Service."""
        return f"{service}.{self.namespace}.svc"

    def node_address(self, region: str, ordinal: int) -> str:
        """Return ``host:port`` of one Lavalink node."""
        service = self.lavalink(region)
        return f"{service}-{ordinal}.{self.host(service)}:{LAVALINK_PORT}"

    def router_targets(self) -> str:
        """Return ``host:port`` of the routers; its DNS name answers with each router's address."""
        return f"{self.host(self.router)}:{GRPC_PORT}"


def node_id(region: str, ordinal: int) -> NodeId:
    """Return what a node is called in the topology: ``us-east-0``."""
    return NodeId(f"{region}-{ordinal}")

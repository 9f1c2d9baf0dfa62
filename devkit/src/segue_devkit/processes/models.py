"""The part of Kubernetes' API that this backend honours, field by field.

A field that is missing here is refused by name. Fields typed ``object`` are accepted because they
can't make a difference to a process on a single machine: they speak to the scheduler (resources,
affinity beyond zones, spread), to the kernel's isolation of containers (security contexts) or to
the container engine (pull policy).
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel


class Honoured(BaseModel):
    """A part of a manifest: nothing in it is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True)


class Meta(Honoured):
    """Metadata of an object or a pod template."""

    name: str = ""
    namespace: str = "default"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class KeyRef(Honoured):
    """One key of a ConfigMap or Secret."""

    name: str
    key: str
    optional: bool = False


class FieldRef(Honoured):
    """A field of the pod itself."""

    field_path: str
    api_version: str = "v1"


class ValueFrom(Honoured):
    """Where a variable's value comes from."""

    secret_key_ref: KeyRef | None = None
    config_map_key_ref: KeyRef | None = None
    field_ref: FieldRef | None = None


class EnvVar(Honoured):
    """One variable."""

    name: str
    value: str = ""
    value_from: ValueFrom | None = None


class SourceRef(Honoured):
    """A whole ConfigMap or Secret."""

    name: str
    optional: bool = False


class EnvFrom(Honoured):
    """All keys of a ConfigMap or Secret as variables."""

    prefix: str = ""
    config_map_ref: SourceRef | None = None
    secret_ref: SourceRef | None = None


class Header(Honoured):
    """A header of a probe."""

    name: str
    value: str


class HttpGet(Honoured):
    """A probe that is well when the answer is 200 to 399."""

    port: int | str
    path: str = "/"
    scheme: Literal["HTTP"] = "HTTP"
    http_headers: tuple[Header, ...] = ()


class TcpSocket(Honoured):
    """A probe that is well when the port accepts."""

    port: int | str


class Exec(Honoured):
    """A probe that is well when the command exits with 0."""

    command: tuple[str, ...]


class Grpc(Honoured):
    """A probe that is well when grpc.health.v1 says SERVING."""

    port: int
    service: str = ""


class Probe(Honoured):
    """When a container counts as started, ready or alive. Seconds."""

    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    exec: Exec | None = None
    grpc: Grpc | None = None
    initial_delay_seconds: int = 0
    period_seconds: int = Field(default=10, ge=1)
    timeout_seconds: int = Field(default=1, ge=1)
    success_threshold: int = Field(default=1, ge=1)
    failure_threshold: int = Field(default=3, ge=1)


class Port(Honoured):
    """A port a container says it listens on; its name can stand for it in probes and Services."""

    container_port: int
    name: str = ""
    protocol: Literal["TCP", "UDP"] = "TCP"


class Mount(Honoured):
    """Where a container sees a volume."""

    name: str
    mount_path: str
    read_only: bool = False


class Container(Honoured):
    """One process of a pod."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    ports: tuple[Port, ...] = ()
    volume_mounts: tuple[Mount, ...] = ()
    startup_probe: Probe | None = None
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    resources: object = None
    security_context: object = None
    image_pull_policy: object = None


class Item(Honoured):
    """One key as one file."""

    key: str
    path: str


class ConfigMapVolume(Honoured):
    """A ConfigMap as files."""

    name: str
    items: tuple[Item, ...] | None = None


class SecretVolume(Honoured):
    """A Secret as files."""

    secret_name: str
    items: tuple[Item, ...] | None = None


class Volume(Honoured):
    """A folder of a pod."""

    name: str
    empty_dir: object = None
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None


class PodSpec(Honoured):
    """What runs in a pod."""

    containers: tuple[Container, ...] = Field(min_length=1)
    init_containers: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    restart_policy: Literal["Always"] = "Always"
    termination_grace_period_seconds: int = 30
    affinity: object = None
    topology_spread_constraints: object = None
    security_context: object = None
    automount_service_account_token: Literal[False] = False
    enable_service_links: Literal[False] = False


class PodTemplate(Honoured):
    """What every pod of a workload is made from."""

    metadata: Meta = Meta()
    spec: PodSpec


class Selector(Honoured):
    """Labels that pods must carry."""

    match_labels: dict[str, str]


class RollingUpdate(Honoured):
    """How far a rollout may go beyond and below the replicas: a number, or a share such as ``25%``."""

    max_surge: int | str = "25%"
    max_unavailable: int | str = "25%"


class Strategy(Honoured):
    """How a Deployment replaces its pods."""

    type: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    rolling_update: RollingUpdate = RollingUpdate()


class DeploymentSpec(Honoured):
    """Interchangeable pods."""

    selector: Selector
    template: PodTemplate
    replicas: int = Field(default=1, ge=0)
    strategy: Strategy = Strategy()


class ClaimSpec(Honoured):
    """What a volume should be like: here it is a folder, whatever its size."""

    access_modes: object = None
    resources: object = None


class ClaimMeta(Honoured):
    """Name of a claim."""

    name: str


class Claim(Honoured):
    """A volume that outlives the pod."""

    metadata: ClaimMeta
    spec: ClaimSpec = ClaimSpec()


class StatefulSetSpec(Honoured):
    """Pods with a name and a volume that stay."""

    selector: Selector
    template: PodTemplate
    service_name: str
    replicas: int = Field(default=1, ge=0)
    pod_management_policy: Literal["OrderedReady", "Parallel"] = "OrderedReady"
    volume_claim_templates: tuple[Claim, ...] = ()


class ServicePort(Honoured):
    """A port of a Service."""

    port: int
    name: str = ""
    target_port: int | str | None = None
    protocol: Literal["TCP", "UDP"] = "TCP"


class ServiceSpec(Honoured):
    """A name for the pods that carry some labels."""

    selector: dict[str, str]
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: str | None = Field(default=None, alias="clusterIP")
    publish_not_ready_addresses: bool = False


class Deployment(Honoured):
    """A Deployment."""

    api_version: Literal["apps/v1"]
    kind: Literal["Deployment"]
    metadata: Meta
    spec: DeploymentSpec


class StatefulSet(Honoured):
    """A StatefulSet."""

    api_version: Literal["apps/v1"]
    kind: Literal["StatefulSet"]
    metadata: Meta
    spec: StatefulSetSpec


class Service(Honoured):
    """A Service."""

    api_version: Literal["v1"]
    kind: Literal["Service"]
    metadata: Meta
    spec: ServiceSpec


class ConfigMap(Honoured):
    """A ConfigMap."""

    api_version: Literal["v1"]
    kind: Literal["ConfigMap"]
    metadata: Meta
    data: dict[str, str] = {}


class Secret(Honoured):
    """A Secret."""

    api_version: Literal["v1"]
    kind: Literal["Secret"]
    metadata: Meta
    type: str = "Opaque"
    data: dict[str, str] = Field(default={}, repr=False)
    string_data: dict[str, str] = Field(default={}, repr=False)


Workload = Deployment | StatefulSet

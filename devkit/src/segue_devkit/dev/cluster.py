"""Runs a MusicCluster as local processes: the operator's own plan, with another applier."""

from __future__ import annotations

import base64
import contextlib
import shlex
import shutil
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from redis.exceptions import RedisError

from segue_core.redis import topology as topologies
from segue_core.redis.connection import RedisUrlError, connect
from segue_core.redis.keys import Keys
from segue_devkit.dev.options import DevError, DevOptions
from segue_devkit.dev.programs import programs_for
from segue_devkit.dev.secrets import fresh_credentials, referenced_secrets
from segue_devkit.dev.simulation import (
    SIMULATOR_PORT,
    TUNES_PORT,
    lavalink_environment,
    simulated,
    simulator_manifests,
    simulator_name,
    tunes_manifests,
    tunes_name,
)
from segue_devkit.processes import ManifestError, PodStatus, ProcessCluster
from segue_operator.plan import Plan, Verb, World, make_plan
from segue_operator.specs import Names, ObjectRef
from segue_operator.specs.names import HTTP_PORT

if TYPE_CHECKING:
    from types import TracebackType

    from segue_core.models import Topology
    from segue_operator.api import MusicCluster
    from segue_operator.specs import Manifest

REDIS_TIMEOUT_S = 60.0


class DevCluster:
    """A MusicCluster on this machine, as ``async with``: at the end nothing of it is left.

    Entering starts everything and publishes the topology; :meth:`wait_ready` waits until all of it runs.

    Raises:
        DevError: on entering, when something that the spec references is nowhere here.
        ManifestError: on entering, when processes can't honour what the plan asks for.
    """

    def __init__(self, cluster: MusicCluster, options: DevOptions | None = None) -> None:
        self.options = options or DevOptions.from_environment()
        self.wanted = cluster
        self.cluster = cluster
        self.plan: Plan | None = None
        self._stack = contextlib.AsyncExitStack()
        self._world = World()
        self._credentials = fresh_credentials()
        self._root = Path()
        self._processes: ProcessCluster | None = None

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            self._root = self.options.root or _temporary(stack, self.wanted.name)
            programs = programs_for(self.wanted, self.options, {})
            self._processes = await stack.enter_async_context(
                ProcessCluster(self.wanted.name, programs, root=self._root, backoff=self.options.backoff)
            )
            self._start_surroundings(self.wanted)
            await self.update(self.wanted)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def processes(self) -> ProcessCluster:
        """The processes, with their events and logs."""
        if self._processes is None:
            message = "the cluster is not running: use it as `async with DevCluster(...)`"
            raise DevError(message)
        return self._processes

    @property
    def simulates_discord(self) -> bool:
        """Whether there is a simulator, and not Discord itself."""
        return self.options.discord_token is None

    @property
    def sim_url(self) -> str:
        """Base URL of the Discord simulator.

        Raises:
            DevError: Discord is real.
        """
        if not self.simulates_discord:
            message = "there is no simulator: a token of a real bot was given"
            raise DevError(message)
        return f"http://{self.processes.address_of(simulator_name(self.cluster))}:{SIMULATOR_PORT}"

    @property
    def tunes_url(self) -> str:
        """Base URL of the server of tunes."""
        return f"http://{self.processes.address_of(tunes_name(self.cluster))}:{TUNES_PORT}"

    @property
    def tls_folder(self) -> Path:
        """Folder with the simulator's ``ca.pem`` and ``truststore.p12``."""
        return self._root / "tls"

    @property
    def redis_url(self) -> str:
        """URL of Redis, with its password."""
        ref = self.cluster.spec.redis.url_secret_ref
        if ref is not None:
            return self.options.redis_url or ""
        return self._generated(Names.of(self.cluster).redis, "url")

    @property
    def postgres_dsn(self) -> str:
        """DSN of PostgreSQL, with its password."""
        ref = self.cluster.spec.postgres.dsn_secret_ref
        if ref is not None:
            return self.options.postgres_dsn or ""
        return self._generated(Names.of(self.cluster).postgres, "dsn")

    @property
    def lavalink_password(self) -> str:
        """Password of the Lavalink nodes."""
        if self.cluster.spec.lavalink.password_secret_ref is not None:
            return self.options.lavalink_password or self._credentials.lavalink_password
        return self._generated(Names.of(self.cluster).lavalink_secret, "password")

    @property
    def worker_urls(self) -> tuple[str, ...]:
        """Base URLs of the workers' HTTP servers."""
        return self._urls(Names.of(self.cluster).worker, HTTP_PORT)

    @property
    def router_targets(self) -> tuple[str, ...]:
        """``host:port`` of the routers that run."""
        names = Names.of(self.cluster)
        port = names.router_targets().rpartition(":")[2]
        return tuple(f"{pod.address}:{port}" for pod in self.pods() if pod.workload == names.router)

    def write_environment(self) -> Path:
        """Write what ``segue`` needs to reach this cluster into a file for a shell, and return it."""
        variables = {
            "SEGUE_CLUSTER": self.cluster.name,
            "SEGUE_REDIS_URL": self.redis_url,
            "SEGUE_POSTGRES_DSN": self.postgres_dsn,
            "SEGUE_ROUTER_TARGETS": ",".join(self.router_targets),
        }
        file = self._root / "segue.env"
        file.touch(mode=0o600)
        lines = (f"export {name}={shlex.quote(value)}" for name, value in variables.items())
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return file

    def pods(self) -> tuple[PodStatus, ...]:
        """Return every pod as it is now."""
        return self.processes.pods()

    def kill(self, pod: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a pod's processes.

        Raises:
            LookupError: there is no such pod.
        """
        self.processes.kill(pod, number)

    async def wait_ready(self, timeout_s: float = 90.0) -> None:
        """Wait until every pod that the spec asks for is ready.

        Raises:
            NotReadyError: it took longer; shows the pods that are not, and their last words.
        """
        await self.processes.wait_ready(timeout_s)

    async def update(self, wanted: MusicCluster) -> Plan:
        """Bring everything to what ``wanted`` says; return the plan that was carried out.

        Raises:
            DevError, ManifestError: it can't be run here; everything is left as it was.
        """
        if self.wanted.name != wanted.name or self.wanted.namespace != wanted.namespace:
            message = "a running cluster keeps its name and namespace; stop it and start it anew"
            raise DevError(message)
        if self.plan is not None and self.wanted.spec.shards != wanted.spec.shards:
            # Workers of two shard counts would act for the same guilds.
            now = self.wanted.spec.shards
            message = f"spec.shards stays {now} while workers run: stop the cluster and start it anew"
            raise DevError(message)
        processes = self.processes
        cluster = simulated(wanted, self.sim_url) if self.simulates_discord else wanted
        secrets = referenced_secrets(wanted, self.options, self._credentials)
        before = processes.programs
        processes.programs = programs_for(wanted, self.options, self._lavalink_env())
        plan = make_plan(cluster, self._world, self._credentials)
        changed = [action.manifest for action in plan.changes if action.manifest is not None]
        surroundings = self._simulator(wanted) if wanted.spec.regions != self.wanted.spec.regions else []
        manifests = [*secrets, *surroundings, *(manifest.body for manifest in changed)]
        try:
            processes.check(manifests)
        except ManifestError:
            processes.programs = before
            raise
        if not self._world.objects:
            await self._start_databases(changed)
        processes.apply(manifests)
        gone = [action.ref for action in plan.actions if action.verb is Verb.DELETE]
        if gone:
            processes.delete(*((ref.kind, ref.namespace, ref.name) for ref in gone))
        self.wanted, self.cluster, self.plan = wanted, cluster, plan
        self._world = World(plan.desired, self._world.published)
        if plan.publish is not None:
            await self._publish(plan.publish)
        return plan

    def _start_surroundings(self, cluster: MusicCluster) -> None:
        """Start what the nodes need to be there first: certificates to trust, and addresses."""
        manifests = tunes_manifests(cluster)
        if self.simulates_discord:
            self.tls_folder.mkdir(parents=True, exist_ok=True)
            manifests += self._simulator(cluster)
        self.processes.apply(manifests)

    async def _start_databases(self, manifests: list[Manifest]) -> None:
        """Start what the others would only fail without, and wait for it and the surroundings.

        They would be restarted until it is there, as on a cluster, but here that costs everybody's cores.
        """
        names = Names.of(self.wanted)
        databases = [one.body for one in manifests if one.ref.name in {names.redis, names.postgres}]
        self.processes.apply(databases)
        await self.processes.wait_ready()

    def _simulator(self, cluster: MusicCluster) -> list[dict[str, object]]:
        if not self.simulates_discord:
            return []
        return simulator_manifests(cluster, self.tls_folder, self.options.knobs)

    def _lavalink_env(self) -> dict[str, str]:
        trust = lavalink_environment(self.tls_folder) if self.simulates_discord else {}
        return {**trust, "SEGUE_TUNES_URL": self.tunes_url}

    async def _publish(self, topology: Topology) -> None:
        """Publish the topology, with addresses in place of names, once Redis answers."""
        names = Names.of(self.cluster)
        if self.cluster.spec.redis.embedded is not None:
            await self.processes.wait_for(
                lambda: any(pod.workload == names.redis and pod.ready for pod in self.pods()), REDIS_TIMEOUT_S
            )
        nodes = tuple(replace(node, address=self.processes.resolve(node.address)) for node in topology.nodes)
        try:
            redis = connect(self.redis_url, "segue-dev")
            try:
                await topologies.publish(redis, Keys(self.cluster.name), replace(topology, nodes=nodes))
            finally:
                await redis.aclose()
        except (RedisError, RedisUrlError, OSError) as error:
            message = f"the topology can't be published, Redis can't be asked: {error}"
            raise DevError(message) from error
        self._world = World(self._world.objects, topology)

    def _generated(self, secret: str, key: str) -> str:
        found = self._world.by_ref().get(ObjectRef("Secret", self.cluster.namespace, secret))
        if found is None:
            message = f"there is no Secret {secret}: the cluster is not running"
            raise DevError(message)
        return self.processes.resolve(base64.b64decode(found.body["data"][key]).decode())

    def _urls(self, workload: str, port: int) -> tuple[str, ...]:
        return tuple(f"http://{pod.address}:{port}" for pod in self.pods() if pod.workload == workload)


def _temporary(stack: contextlib.AsyncExitStack, name: str) -> Path:
    root = Path(tempfile.mkdtemp(prefix=f"segue-{name}-"))
    stack.callback(shutil.rmtree, root, ignore_errors=True)
    return root

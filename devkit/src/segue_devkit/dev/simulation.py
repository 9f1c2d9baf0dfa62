"""The outside world when nobody gives a real one: Discord's simulator and a server of tunes, as pods too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from segue_devkit.dev.programs import DISCORD_IMAGE, TUNES_IMAGE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from segue_operator.api import MusicCluster

SIMULATOR_PORT = 8300
TUNES_PORT = 8500
TRUSTSTORE_PASSWORD = "changeit"  # noqa: S105 - the JVM's own default, over a certificate of loopback


def simulator_name(cluster: MusicCluster) -> str:
    """Return what the simulator's StatefulSet and Service are called."""
    return f"{cluster.name}-sim-discord"


def tunes_name(cluster: MusicCluster) -> str:
    """Return what the tunes server's StatefulSet and Service are called."""
    return f"{cluster.name}-sim-tunes"


def voice_address(index: int) -> str:
    """Return the loopback address of the simulated voice server of the n-th region."""
    return f"127.80.{index + 1}.1"


def simulator_manifests(
    cluster: MusicCluster, tls: Path, knobs: Mapping[str, object]
) -> list[dict[str, Any]]:
    """Return the simulator's objects: one voice server for each of the cluster's regions."""
    name = simulator_name(cluster)
    regions = [f"{region.name}={voice_address(index)}" for index, region in enumerate(cluster.spec.regions)]
    args = ["--host", "$(POD_IP)", "--port", str(SIMULATOR_PORT), "--tls-dir", str(tls)]
    args += [word for region in regions for word in ("--region", region)]
    args += ["--config", "/etc/simulator/knobs.yaml"]
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": cluster.namespace},
        "data": {"knobs.yaml": yaml.safe_dump(dict(knobs))},
    }
    volumes = [{"name": "config", "configMap": {"name": name}}]
    mounts = [{"name": "config", "mountPath": "/etc/simulator"}]
    pod = {"volumes": volumes}
    container = {"image": DISCORD_IMAGE, "args": args, "volumeMounts": mounts}
    return [config, *_server(cluster, name, SIMULATOR_PORT, container, pod)]


def tunes_manifests(cluster: MusicCluster) -> list[dict[str, Any]]:
    """Return the objects of the server of tunes."""
    args = ["--host", "$(POD_IP)", "--port", str(TUNES_PORT)]
    return _server(cluster, tunes_name(cluster), TUNES_PORT, {"image": TUNES_IMAGE, "args": args}, {})


def simulated(cluster: MusicCluster, sim_url: str) -> MusicCluster:
    """Return the cluster as it speaks to the simulator: its API, and its voice servers' addresses."""
    spec = cluster.spec
    regions = tuple(
        region.model_copy(update={"voice_prefixes": (*region.voice_prefixes, _prefix(index))})
        for index, region in enumerate(spec.regions)
    )
    discord = spec.discord.model_copy(update={"api_url": f"{sim_url}/api/v10"})
    # The simulator serves the files people send, as Discord's CDN does.
    media = spec.media.model_copy(update={"attachment_hosts": (urlsplit(sim_url).hostname or "",)})
    return cluster.with_spec(discord=discord, media=media, regions=regions)


def lavalink_environment(tls: Path) -> dict[str, str]:
    """Return what a node needs to trust the simulator's voice servers: OpenSSL's way and a JVM's."""
    trust = (
        f"-Djavax.net.ssl.trustStore={tls / 'truststore.p12'}"
        f" -Djavax.net.ssl.trustStorePassword={TRUSTSTORE_PASSWORD} -Djavax.net.ssl.trustStoreType=PKCS12"
    )
    return {"SSL_CERT_FILE": str(tls / "ca.pem"), "JAVA_TOOL_OPTIONS": trust}


def _prefix(index: int) -> str:
    """Return what an endpoint of the n-th simulated region begins with; the dot ends the third number."""
    return voice_address(index).rpartition(".")[0] + "."


def _server(
    cluster: MusicCluster, name: str, port: int, container: dict[str, Any], pod: dict[str, Any]
) -> list[dict[str, Any]]:
    labels = {"app.kubernetes.io/name": name}
    probe = {"tcpSocket": {"port": port}, "periodSeconds": 1, "timeoutSeconds": 2, "failureThreshold": 30}
    main = {
        "name": "main",
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "startupProbe": probe,
        "readinessProbe": {**probe, "periodSeconds": 5},
        **container,
    }
    metadata = {"name": name, "namespace": cluster.namespace}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": labels, "ports": [{"port": port}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": metadata,
            "spec": {
                "serviceName": name,
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels},
                    "spec": {"terminationGracePeriodSeconds": 3, "containers": [main], **pod},
                },
            },
        },
    ]

"""A region's ``application.yml``, as a Lavalink 4.2 node reads it, and its ConfigMap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from segue_operator.specs.labels import Component, metadata
from segue_operator.specs.manifest import Manifest
from segue_operator.specs.names import Names

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster
    from segue_operator.api.regions import Region

FILE = "application.yml"


def application(cluster: MusicCluster, region: Region) -> dict[str, Any]:
    """Return the configuration. Address, port and password come by environment, so no secret is here."""
    shared, tuning = cluster.spec.lavalink, region.lavalink
    plugins = [plugin.model_dump(by_alias=True, exclude_none=True) for plugin in shared.plugins]
    return {
        "lavalink": {
            "plugins": plugins,
            "server": {
                "sources": shared.sources.model_dump(by_alias=True),
                "bufferDurationMs": tuning.buffer_duration_ms,
                "frameBufferDurationMs": tuning.frame_buffer_duration_ms,
                "opusEncodingQuality": tuning.opus_encoding_quality,
                "resamplingQuality": "LOW",
                "trackStuckThresholdMs": tuning.track_stuck_threshold_ms,
                "useSeekGhosting": True,
                "playerUpdateInterval": tuning.player_update_interval_seconds,
                "youtubeSearchEnabled": False,
                "soundcloudSearchEnabled": shared.sources.soundcloud,
                "gc-warnings": True,
            },
        },
        "metrics": {"prometheus": {"enabled": True, "endpoint": "/metrics"}},
        # To the console alone: a container's root is read-only, and its output is collected anyway.
        "logging": {"level": {"root": "INFO", "lavalink": "INFO"}},
    }


def render_application(cluster: MusicCluster, region: Region) -> str:
    """Return ``application.yml`` as text."""
    return yaml.safe_dump(application(cluster, region), sort_keys=False)


def build_lavalink_config(cluster: MusicCluster, region: Region) -> Manifest:
    """Return the ConfigMap of a region's nodes."""
    name = Names.of(cluster).lavalink(region.name)
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(cluster, name, Component.LAVALINK, region.name),
        "data": {FILE: render_application(cluster, region)},
    }
    return Manifest(body)

"""The voice servers of all regions, each on a loopback address of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class VoiceServers:
    """Endpoints by region, and the connections open there."""

    def __init__(self, regions: Mapping[str, str]) -> None:
        self.regions = dict(regions)
        self._ports: dict[str, int] = {}

    def endpoint(self, region: str) -> str:
        """``host:port`` of a region's voice server."""
        return f"{self.regions[region]}:{self._ports.get(region, 443)}"

    def endpoints(self) -> dict[str, str]:
        """All of them by region."""
        return {region: self.endpoint(region) for region in self.regions}

    def connected(self) -> int:
        """Voice connections open now."""
        return 0

    def close_guild(self, guild_id: int, code: int, reason: str) -> None:
        """Close the guild's voice connection, if there is one."""

    def abort_guild(self, guild_id: int) -> None:
        """Cut the guild's voice connection."""

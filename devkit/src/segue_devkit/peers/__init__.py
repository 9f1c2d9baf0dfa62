"""Bots on libraries that others wrote (JavaScript, in devkit/peers), for tests and comparisons."""

from __future__ import annotations

from segue_devkit.peers.bot import PeerBot, PeerError, Told
from segue_devkit.peers.toolchain import ToolchainError, install, versions

__all__ = ["PeerBot", "PeerError", "Told", "ToolchainError", "install", "versions"]

"""What can go wrong between us and a Lavalink node, told apart by what the caller can do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segue_core.ids import NodeId


class NodeError(Exception):
    """Something failed on ``node``; its kind says what to try next."""

    def __init__(self, node: NodeId, why: str) -> None:
        super().__init__(f"node {node}: {why}")
        self.node = node
        self.why = why


class NodeRefusedError(NodeError):
    """Its machine refuses connections, or its name does not resolve: nothing runs there. Use another."""


class NodeTimeoutError(NodeError):
    """No answer in time. The request may or may not have been carried out."""


class NodeUnreachableError(NodeError):
    """The connection broke midway. The request may or may not have been carried out."""


class NodeAuthError(NodeError):
    """The node refuses our password: SEGUE_LAVALINK_PASSWORD and the node's differ."""

    def __init__(self, node: NodeId) -> None:
        super().__init__(node, "it refuses our password; SEGUE_LAVALINK_PASSWORD differs from the node's")


class SessionGoneError(NodeError):
    """The node does not know this session (parked, expired, or it restarted). Open another one."""

    def __init__(self, node: NodeId) -> None:
        super().__init__(node, "it does not know our session (any more)")


class NodeRejectedError(NodeError):
    """The node understood and said no. ``status`` is its HTTP status; repeating won't help."""

    def __init__(self, node: NodeId, status: int, why: str) -> None:
        super().__init__(node, f"{why} (HTTP {status})")
        self.status = status


class NodeProtocolError(NodeError):
    """The node answered something that is not Lavalink v4."""


class NodeUnknownError(NodeError):
    """Neither the router nor the topology knows an address for it."""

    def __init__(self, node: NodeId) -> None:
        super().__init__(node, "it is in no view of the fleet, so its address is unknown")


class MalformedFrameError(ValueError):
    """A frame that is not what its op promises. Passed over; the session goes on."""

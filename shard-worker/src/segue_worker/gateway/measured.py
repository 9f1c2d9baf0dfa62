"""How long calls of Discord's REST API take, and how they fail."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from segue_worker import metrics
from segue_worker.gateway.calls import ForbiddenError, GoneError, RefusedError, UnansweredError
from segue_worker.gateway.errors import BadTokenError, GatewayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segue_worker.gateway.calls import Operation

_KINDS: dict[type[GatewayError], str] = {
    BadTokenError: "bad_token",
    ForbiddenError: "forbidden",
    GoneError: "gone",
    RefusedError: "refused",
    UnansweredError: "unanswered",
}


@contextmanager
def measured(operation: Operation) -> Iterator[None]:
    """Observe the call made within, and count its error by kind."""
    started = time.monotonic()
    try:
        yield
    except GatewayError as error:
        kind = next((name for of, name in _KINDS.items() if isinstance(error, of)), "other")
        metrics.DISCORD_ERRORS.labels(operation.label, kind).inc()
        raise
    finally:
        metrics.DISCORD_SECONDS.labels(operation.label).observe(time.monotonic() - started)

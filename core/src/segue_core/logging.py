"""Structured logs: JSON for machines, colours for a terminal, secrets for nobody."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TextIO, cast

import structlog

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger, Processor

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(
    r"(^|_)(token|password|passwd|secret|authorization|api_?key|session_id|dsn|credentials?)($|_)",
    re.IGNORECASE,
)
_URL_PASSWORD = re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://[^\s:/@]*):(?P<password>[^\s/@]+)@", re.IGNORECASE)
# A bot token: user id, time and signature in base64, parted by dots.
_BOT_TOKEN = re.compile(r"\b[A-Za-z0-9_-]{17,}\.[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{27,}\b")
# Webhook and interaction tokens travel in paths.
_PATH_TOKEN = re.compile(r"(/(?:webhooks|interactions)/\d+/)[A-Za-z0-9_.-]{20,}")


class LogFormat(StrEnum):
    """How a line looks."""

    JSON = "json"
    CONSOLE = "console"


class LogSettings(Protocol):
    """What :func:`configure` needs of a service's settings."""

    @property
    def log_level(self) -> str:
        """A level of :mod:`logging`, any case."""

    @property
    def log_format(self) -> LogFormat | None:
        """None: console on a terminal, else JSON."""

    @property
    def pod_name(self) -> str:
        """Bound to every line."""


def configure(settings: LogSettings, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's records to ``stream`` (standard error) in one shape."""
    out = sys.stderr if stream is None else stream
    chosen = settings.log_format or (LogFormat.CONSOLE if out.isatty() else LogFormat.JSON)
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    final: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if chosen is LogFormat.JSON:
        final += [
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(default=str),
        ]
    else:
        # The traceback is rendered first, so that what it quotes is redacted too.
        final += [
            structlog.processors.format_exc_info,
            redact,
            structlog.dev.ConsoleRenderer(colors=out.isatty()),
        ]
    handler = logging.StreamHandler(out)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(pod=settings.pod_name)


def get_logger(name: str) -> FilteringBoundLogger:
    """Return the logger of a module. Call it with an event in words and values by name."""
    return cast("FilteringBoundLogger", structlog.stdlib.get_logger(name))


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace secrets by name and by shape, at any depth."""
    return {name: _clean(name, value) for name, value in event.items()}


def redact_text(value: str) -> str:
    """Replace passwords in URLs, bot tokens and interaction tokens in a text."""
    value = _URL_PASSWORD.sub(rf"\g<head>:{REDACTED}@", value)
    value = _BOT_TOKEN.sub(REDACTED, value)
    return _PATH_TOKEN.sub(rf"\g<1>{REDACTED}", value)


def _clean(name: str, value: Any) -> Any:
    if value is not None and _SECRET_NAME.search(name):
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, BaseException):
        return redact_text(f"{type(value).__name__}: {value}")
    if isinstance(value, Mapping):
        return {key: _clean(str(key), inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_clean("", inner) for inner in value]
    return value

"""What every service is told by its environment; it refuses to start on a bad value, naming it."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address
from typing import TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as SourceError

from segue_core.logging import LogFormat
from segue_core.redis.connection import check_url
from segue_core.redis.keys import Keys

ENV_PREFIX = "SEGUE_"
_LEVELS = ("debug", "info", "warning", "error")


class ServiceSettings(BaseSettings):
    """The environment all services share, prefix ``SEGUE_``; services add their own fields."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, extra="ignore", frozen=True, hide_input_in_errors=True, validate_default=True
    )

    cluster: str = "segue"
    """Name of the MusicCluster; begins every key in Redis."""

    pod_name: str = Field(default_factory=socket.gethostname, min_length=1, max_length=253)
    pod_ip: str = "127.0.0.1"
    """The address the service listens on, IPv4 or IPv6."""

    zone: str = ""
    version: str = "dev"

    redis_url: SecretStr = SecretStr("redis://127.0.0.1:6379")
    """``redis://``, ``rediss://``, or ``redis+cluster://`` for a Redis Cluster. May carry a password."""

    log_level: str = "info"
    log_format: LogFormat | None = None
    """None: console on a terminal, else JSON."""

    http_port: int = Field(default=8080, ge=0, le=65535)
    """Health and metrics; 0 picks a free one."""

    @property
    def keys(self) -> Keys:
        """The names of this cluster's keys in Redis."""
        return Keys(self.cluster)

    @field_validator("cluster")
    @classmethod
    def _check_cluster(cls, value: str) -> str:
        Keys(value)
        return value

    @field_validator("pod_ip")
    @classmethod
    def _check_address(cls, value: str) -> str:
        return str(ip_address(value))

    @field_validator("redis_url")
    @classmethod
    def _check_redis(cls, value: SecretStr) -> SecretStr:
        check_url(value.get_secret_value())
        return value

    @field_validator("log_level")
    @classmethod
    def _check_level(cls, value: str) -> str:
        if value.lower() not in _LEVELS:
            raise ValueError(f"{value!r} is none of {', '.join(_LEVELS)}")
        return value.lower()


class BadSettingsError(Exception):
    """The environment cannot be used. Its text has one line a variable and shows no value of a secret."""


Settings = TypeVar("Settings", bound=ServiceSettings)


def load(kind: type[Settings]) -> Settings:
    """Read ``kind`` from the environment.

    Raises:
        BadSettingsError: naming every variable that is missing or wrong, and why.
    """
    try:
        return kind()
    except ValidationError as error:
        lines = [_line(kind, one["loc"], one["msg"]) for one in error.errors(include_input=False)]
        raise BadSettingsError("\n".join(lines)) from None
    except SourceError as error:
        raise BadSettingsError(str(error)) from None


def _line(kind: type[ServiceSettings], location: tuple[int | str, ...], reason: str) -> str:
    field, *rest = (str(part) for part in location) if location else ("",)
    if field not in kind.model_fields:
        return reason
    variable = f"{ENV_PREFIX}{field.upper()}"
    where = "".join(f"[{part}]" for part in rest)
    state = "" if variable in os.environ else " (not set)"
    return f"{variable}{where}{state}: {reason.removeprefix('Value error, ')}"

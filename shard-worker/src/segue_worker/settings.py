"""What a shard worker is told by its environment."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from segue_core.settings import ServiceSettings
from segue_worker.search.limits import MINUTE_MS, SearchLimits

_LEAST_TTL_MS = 1000


DISCORD_CDN = ("cdn.discordapp.com", "media.discordapp.net")


class WorkerSettings(ServiceSettings):
    """Environment of ``python -m segue_worker``, prefix ``SEGUE_``. Refuses to load on a bad value."""

    postgres_dsn: SecretStr
    """``postgresql://user:password@host:port/database``."""

    discord_token: SecretStr
    discord_api_url: str = "https://discord.com/api/v10"
    lavalink_password: SecretStr

    router_targets: Annotated[tuple[str, ...], NoDecode] = ()
    """``host:port`` of the audio routers, comma-separated."""

    shards_per_worker: int = Field(default=1, ge=1, le=250)
    lease_ttl_ms: int = Field(default=2000, ge=_LEAST_TTL_MS, le=60_000)

    media_allowed_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = ()
    """Private networks, in CIDR notation, that links may point into; none by default."""

    media_attachment_hosts: Annotated[tuple[str, ...], NoDecode] = DISCORD_CDN
    """Hosts that files sent with a command are fetched from, comma-separated; none: files are refused."""

    search_prefix: str = Field(default="ytsearch", pattern=r"^[a-z]{2,16}$")
    """Lavalink's name of the source in which plain words are searched."""

    replacement_prefixes: Annotated[tuple[str, ...], NoDecode] = ()
    """Where a song that failed is looked for after ``search_prefix``, comma-separated names of Lavalink's."""

    search_user_per_minute: int = Field(default=20, ge=1, le=MINUTE_MS)
    """Searches by one person that may reach a node; what is in the cache is free."""

    search_guild_per_minute: int = Field(default=60, ge=1, le=MINUTE_MS)
    """The same, by everybody of one guild together."""

    memory_limit_bytes: int = Field(default=0, ge=0)
    """What the pod may use. New players are refused at 80 % of it, caches dropped at 90 %; 0: only the
    limit of the cgroup counts, if it has one."""

    home_cooldown_s: float = Field(default=60.0, ge=1, le=86_400)
    """How long a guild's own region must have been well before its player goes home, and stays there."""

    media_local_files: bool = False
    """Whether nodes may be asked to play files of their own disk."""

    @property
    def search_limits(self) -> SearchLimits:
        """How often people may search."""
        return SearchLimits(per_user=self.search_user_per_minute, per_guild=self.search_guild_per_minute)

    @property
    def replacement_searches(self) -> tuple[str, ...]:
        """Every source in which a song that failed is looked for, in order."""
        return tuple(dict.fromkeys((self.search_prefix, *self.replacement_prefixes)))

    @field_validator("router_targets", "media_attachment_hosts", "replacement_prefixes", mode="before")
    @classmethod
    def _split_targets(cls, value: object) -> object:
        return _parts(value) if isinstance(value, str) else value

    @field_validator("media_allowed_networks", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        # Parsed here, as its words on a bad network are clearer than those about a union of types.
        return tuple(ip_network(part) for part in _parts(value)) if isinstance(value, str) else value

    @field_validator("router_targets")
    @classmethod
    def _targets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for target in value:
            host, separator, port = target.rpartition(":")
            if not (separator and host and port.isdigit()):
                raise ValueError(f"{target!r} is not host:port")
        return value

    @field_validator("discord_api_url")
    @classmethod
    def _api_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("is no http:// or https:// URL")
        return value.rstrip("/")

    @field_validator("postgres_dsn")
    @classmethod
    def _dsn(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if parts.scheme not in {"postgresql", "postgres"} or not parts.hostname or not parts.path.strip("/"):
            # The value itself is not shown: it carries a password.
            raise ValueError("is not of the form postgresql://user:password@host:port/database")
        return value

    @field_validator("discord_token", "lavalink_password")
    @classmethod
    def _not_blank(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().strip():
            raise ValueError("is empty: set it from a Secret")
        return value


def _parts(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())

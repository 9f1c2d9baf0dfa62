"""What may be played, and by what."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

from segue_operator.api.base import SpecModel
from segue_operator.api.common import SecretKeyRef  # noqa: TC001 - pydantic reads it at run time

CIDR_MESSAGE = "must be a network such as 10.20.0.0/16, with no bits set beyond its prefix"


def _checked_network(value: str) -> str:
    if "/" not in value:
        raise ValueError(CIDR_MESSAGE)
    try:
        ip_network(value, strict=True)
    except ValueError as error:
        raise ValueError(CIDR_MESSAGE) from error
    return value


Network = Annotated[
    str,
    AfterValidator(_checked_network),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": 43,
            "x-kubernetes-validations": [
                {"rule": "isCIDR(self) && cidr(self) == cidr(self).masked()", "message": CIDR_MESSAGE}
            ],
        }
    ),
]


Host = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$", max_length=253)]


class Searches(SpecModel):
    """How many searches a minute may reach the nodes; answers that are known already are free."""

    per_user: int = Field(default=20, ge=1, le=10_000, description="By one person, in all servers together.")
    per_guild: int = Field(default=60, ge=1, le=10_000, description="By all people of one server together.")


class Media(SpecModel):
    """What links may lead to, and how often people may search."""

    searches_per_minute: Searches = Field(
        default=Searches(),
        description="Searches that may reach the nodes in a minute; beyond it people are asked to wait.",
    )
    allowed_private_networks: tuple[Network, ...] = Field(
        default=(),
        max_length=32,
        description="Private networks that links may be played from. Empty: none, whatever a user types.",
    )
    attachment_hosts: tuple[Host, ...] = Field(
        default=("cdn.discordapp.com", "media.discordapp.net"),
        max_length=16,
        description="Hosts that files sent with a command are played from: Discord's. Empty: files are"
        " refused.",
    )


class Sources(SpecModel):
    """Lavalink's own sources, on or off."""

    bandcamp: bool = Field(default=True, description="Play from Bandcamp.")
    soundcloud: bool = Field(default=True, description="Play and search SoundCloud.")
    twitch: bool = Field(default=True, description="Play from Twitch.")
    vimeo: bool = Field(default=True, description="Play from Vimeo.")
    nico: bool = Field(default=False, description="Play from Niconico.")
    http: bool = Field(default=True, description="Play links to audio files.")
    local: bool = Field(default=False, description="Play files of the node. Only for development.")


class Plugin(SpecModel):
    """A Lavalink plugin, downloaded by the node when it starts."""

    dependency: str = Field(
        pattern=r"^[^:\s]+:[^:\s]+:[^:\s]+$",
        max_length=200,
        description="Maven coordinates, group:artifact:version.",
    )
    repository: str | None = Field(
        default=None,
        pattern=r"^https://[^\s]+$",
        max_length=200,
        description="Maven repository. Left out: Lavalink's own.",
    )


class Lavalink(SpecModel):
    """What all Lavalink nodes share."""

    password_secret_ref: SecretKeyRef | None = Field(
        default=None, description="Secret with the nodes' password. Left out: one is generated."
    )
    sources: Sources = Field(default=Sources(), description="Lavalink's own sources, on or off.")
    search: str = Field(
        default="ytsearch",
        pattern=r"^[a-z]{2,16}$",
        description="Where plain words are searched, as Lavalink's prefix: ytsearch needs the YouTube "
        "plugin, scsearch is SoundCloud, bcsearch Bandcamp.",
    )
    plugins: tuple[Plugin, ...] = Field(
        default=(), max_length=32, description="Plugins every node loads, such as the YouTube source."
    )

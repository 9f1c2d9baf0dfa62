"""How the bot reaches Discord."""

from __future__ import annotations

from pydantic import Field

from segue_operator.api.base import SpecModel
from segue_operator.api.common import SECRET_KEY, SECRET_NAME, SecretKeyRef


class DiscordTokenRef(SecretKeyRef):
    """Where the bot's token is kept."""

    name: str = Field(pattern=SECRET_NAME, max_length=253, description="Name of the Secret.")
    key: str = Field(
        default="token", pattern=SECRET_KEY, max_length=253, description="Key within the Secret."
    )


class Discord(SpecModel):
    """How the bot reaches Discord."""

    token_secret_ref: DiscordTokenRef = Field(
        description="Secret that holds the bot's token, made with `kubectl create secret generic`."
    )
    api_url: str = Field(
        default="https://discord.com/api/v10",
        pattern=r"^https?://[^\s/]+(/[^\s]*)?$",
        max_length=200,
        description="Discord's REST API. Change it to go through a rate-limit proxy.",
    )

"""What can go wrong with Discord, each error with what the operator of the bot can do."""

from __future__ import annotations


class GatewayError(Exception):
    """Anything that goes wrong between us and Discord's gateway."""


class FatalGatewayError(GatewayError):
    """Trying again the same way can't help: somebody has to change a setting."""


class BadTokenError(FatalGatewayError):
    """Discord does not know the token (close code 4004, or HTTP 401)."""

    def __init__(self) -> None:
        super().__init__(
            "Discord refused the bot token: set SEGUE_DISCORD_TOKEN to the one of the application's Bot page"
        )


class DisallowedIntentsError(FatalGatewayError):
    """The application may not use an intent we asked for (close code 4014)."""

    def __init__(self) -> None:
        super().__init__(
            "Discord refused the gateway intents: enable them on the application's Bot page, "
            "or ask Discord to approve them"
        )


class InvalidIntentsError(FatalGatewayError):
    """The intents are no valid bit set (close code 4013)."""

    def __init__(self) -> None:
        super().__init__("Discord does not know the gateway intents that were sent")


class ShardingError(FatalGatewayError):
    """The shard number or count does not fit the bot (close codes 4010 and 4011)."""

    def __init__(self, detail: str) -> None:
        super().__init__(f"Discord refused the shard: {detail}; set the cluster's shard count accordingly")


class ApiVersionError(FatalGatewayError):
    """Discord no longer speaks this version of the gateway protocol (close code 4012)."""

    def __init__(self) -> None:
        super().__init__("Discord refused gateway version 10: this release is too old for it")


class TransportError(GatewayError):
    """The socket broke, stayed silent, or carried something that can't be read. Reconnect."""


class ShardUnavailableError(GatewayError):
    """The shard has no ready gateway session right now; try again in a moment."""


class DiscordUnreachableError(GatewayError):
    """Discord's REST API did not answer usably. Retry with back-off."""


class LateError(GatewayError):
    """A call that nobody waits for any more; it may still do what it was to do."""

    def __init__(self, what: str, patience_s: float) -> None:
        super().__init__(f"{what} stayed unanswered for {patience_s:g} s")

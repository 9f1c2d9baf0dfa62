"""The REST endpoints in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from segue_devkit.discord.rest.application import ApplicationCalls
    from segue_devkit.discord.rest.http import RestGate
    from segue_devkit.discord.rest.interactions import InteractionCalls
    from segue_devkit.discord.rest.messages import MessageCalls


def rest_app(
    gate: RestGate, application: ApplicationCalls, messages: MessageCalls, interactions: InteractionCalls
) -> web.Application:
    """The application to mount under /api/v10."""
    app = web.Application(middlewares=[gate.around], client_max_size=32 << 20)
    webhook = "/webhooks/{application_id}/{token}"
    message = "/channels/{channel_id}/messages/{message_id}"
    app.add_routes(
        [
            web.get("/gateway", application.gateway),
            web.get("/gateway/bot", application.gateway_bot),
            web.get("/oauth2/applications/@me", application.application),
            web.get("/applications/@me", application.application),
            web.get("/users/@me", application.me),
            web.get("/users/{user_id}", application.user),
            web.get("/applications/{application_id}/commands", application.global_commands),
            web.put("/applications/{application_id}/commands", application.global_commands),
            web.get("/applications/{application_id}/guilds/{guild_id}/commands", application.guild_commands),
            web.put("/applications/{application_id}/guilds/{guild_id}/commands", application.guild_commands),
            web.get("/guilds/{guild_id}", application.guild),
            web.get("/guilds/{guild_id}/channels", application.guild_channels),
            web.get("/guilds/{guild_id}/members/{user_id}", application.member),
            web.get("/guilds/{guild_id}/voice-states/{user_id}", application.voice_state),
            web.get("/channels/{channel_id}", application.channel),
            web.post("/channels/{channel_id}/messages", messages.create),
            web.get(message, messages.get),
            web.patch(message, messages.edit),
            web.delete(message, messages.delete),
            web.post("/interactions/{interaction_id}/{token}/callback", interactions.callback),
            web.post(webhook, interactions.followup),
            web.get(webhook + "/messages/{message_id}", interactions.get),
            web.patch(webhook + "/messages/{message_id}", interactions.edit),
            web.delete(webhook + "/messages/{message_id}", interactions.delete),
        ]
    )
    return app

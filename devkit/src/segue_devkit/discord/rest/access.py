"""What the bot may do where: every REST handler that needs a permission asks here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_devkit.discord.errors import missing_access, missing_permissions, unknown
from segue_devkit.discord.model import NO_GUILD
from segue_devkit.discord.permissions import ALL, Permission, of_member
from segue_devkit.discord.rest.http import path_id

if TYPE_CHECKING:
    from aiohttp import web

    from segue_devkit.discord.model import Channel, Guild, Member
    from segue_devkit.discord.world import World


class Access:
    """Finds what a path names, if the bot may."""

    def __init__(self, world: World) -> None:
        self._world = world

    def in_channel(self, channel: Channel) -> int:
        """The bot's permissions in a channel; all of them in direct messages."""
        if channel.guild_id == NO_GUILD:
            return ALL
        return of_member(self._world.guild(channel.guild_id), self._world.bot.id, channel)

    def need(self, channel: Channel, needed: Permission) -> int:
        """The bot's permissions in a channel.

        Raises:
            ApiError: 50001 if the bot does not see it, 50013 if it lacks what is needed.
        """
        allowed = self.in_channel(channel)
        if not allowed & Permission.VIEW_CHANNEL:
            raise missing_access()
        if allowed & needed != needed:
            raise missing_permissions()
        return allowed

    def channel(self, request: web.Request, needed: Permission = Permission.VIEW_CHANNEL) -> Channel:
        """The channel of the path; 10003, 50001 or 50013."""
        channel = self._world.channel(path_id(request, "channel_id"))
        self.need(channel, needed)
        return channel

    def guild(self, request: web.Request, needed: Permission | None = None) -> Guild:
        """The guild of the path; 10004, or 50013 if the bot lacks a permission in it."""
        guild = self._world.guild(path_id(request, "guild_id"))
        if needed is not None and not of_member(guild, self._world.bot.id) & needed:
            raise missing_permissions()
        return guild

    def member(self, request: web.Request, guild: Guild) -> Member:
        """The member of the path, @me being the bot; 10007."""
        mine = request.match_info["user_id"] == "@me"
        member = guild.members.get(self._world.bot.id if mine else path_id(request, "user_id"))
        if member is None:
            raise unknown(10007, "Member")
        return member

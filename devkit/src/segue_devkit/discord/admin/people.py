"""People under /sim: who they are, where they are, what they say and upload."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from segue_devkit.discord.admin import views
from segue_devkit.discord.admin.http import (
    BadRequestError,
    answer,
    body_of,
    field_id,
    field_text,
    path_id,
    query_id,
)
from segue_devkit.discord.errors import unknown
from segue_devkit.discord.files import Upload

if TYPE_CHECKING:
    from segue_devkit.discord.acting import People
    from segue_devkit.discord.files import Files
    from segue_devkit.discord.model import User
    from segue_devkit.discord.world import World


class PeopleCalls:
    """Handlers for persons."""

    def __init__(self, world: World, people: People, files: Files) -> None:
        self._world = world
        self._people = people
        self._files = files

    def routes(self) -> list[web.RouteDef]:
        """The table."""
        return [
            web.get("/people", self.persons),
            web.post("/people", self.create_person),
            web.put("/people/{person_id}/voice", self.join),
            web.delete("/people/{person_id}/voice", self.leave),
            web.post("/people/{person_id}/messages", self.say),
            web.get("/people/{person_id}/commands", self.commands),
            web.post("/people/{person_id}/direct", self.direct),
            web.post("/people/{person_id}/attachments", self.upload),
        ]

    async def persons(self, _request: web.Request) -> web.Response:
        """GET /sim/people."""
        return answer([views.person(each) for each in self._world.users.values() if not each.bot])

    async def create_person(self, request: web.Request) -> web.Response:
        """POST /sim/people {name, locale}."""
        body = await body_of(request)
        person = self._world.create_person(field_text(body, "name"), field_text(body, "locale", "en-US"))
        return answer(views.person(person), 201)

    async def join(self, request: web.Request) -> web.Response:
        """PUT /sim/people/{person_id}/voice {channel_id}."""
        body = await body_of(request)
        self._people.join(self._person(request), field_id(body, "channel_id"))
        return web.Response(status=204)

    async def leave(self, request: web.Request) -> web.Response:
        """DELETE /sim/people/{person_id}/voice?guild_id=."""
        self._people.leave(self._person(request), query_id(request, "guild_id"))
        return web.Response(status=204)

    async def say(self, request: web.Request) -> web.Response:
        """POST /sim/people/{person_id}/messages {channel_id, content}."""
        body = await body_of(request)
        message = self._people.say(
            self._person(request), field_id(body, "channel_id"), field_text(body, "content")
        )
        return answer(views.message(message), 201)

    async def commands(self, request: web.Request) -> web.Response:
        """GET /sim/people/{person_id}/commands?channel_id=: what the client would list."""
        channel_id = query_id(request, "channel_id")
        if channel_id is None:
            raise BadRequestError("channel_id must be an id")
        return answer(self._people.visible_commands(self._person(request), channel_id))

    async def direct(self, request: web.Request) -> web.Response:
        """POST /sim/people/{person_id}/direct: the channel of direct messages with the bot."""
        channel = self._world.direct_channel(self._person(request))
        return answer({"id": str(channel.id), "name": channel.name})

    async def upload(self, request: web.Request) -> web.Response:
        """POST /sim/people/{person_id}/attachments?filename=: the body is the file, for a slash option."""
        filename = request.query.get("filename", "")
        if not filename:
            raise BadRequestError("filename must be a text")
        upload = Upload(filename, request.content_type, await request.read())
        stored = self._people.upload(self._person(request), upload)
        return answer(self._files.payload(stored, self._world.bot.id), 201)

    def _person(self, request: web.Request) -> User:
        return person_of(self._world, path_id(request, "person_id"))


def person_of(world: World, person_id: int) -> User:
    """A human user, or 10013."""
    user = world.users.get(person_id)
    if user is None or user.bot:
        raise unknown(10013, "User")
    return user

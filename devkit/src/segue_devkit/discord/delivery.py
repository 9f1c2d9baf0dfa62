"""Where uploaded files are fetched: signed addresses, byte ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from segue_devkit.discord.files import Files

_GONE = "This content is no longer available."


class Delivery:
    """Handlers of /attachments and /ephemeral-attachments."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def routes(self) -> list[web.RouteDef]:
        """The table; HEAD comes with GET."""
        tail = "{channel_id}/{file_id}/{filename}"
        return [
            web.get(f"/attachments/{tail}", self.fetch),
            web.get(f"/ephemeral-attachments/{tail}", self.fetch),
        ]

    async def fetch(self, request: web.Request) -> web.Response:
        """The file, or the part that ``Range`` asks for; 404 for an address that is wrong or too old."""
        file_id, filename = request.match_info["file_id"], request.match_info["filename"]
        stored = self._files.found(int(file_id), filename) if file_id.isdecimal() else None
        if stored is None or not self._files.valid(request.path, request.query):
            return web.Response(status=404, text=_GONE)
        headers = {"Accept-Ranges": "bytes", "Content-Type": stored.content_type}
        size = len(stored.data)
        try:
            wanted = request.http_range
        except ValueError:
            wanted = slice(size, size)
        if wanted.start is None and wanted.stop is None:
            return web.Response(body=stored.data, headers=headers)
        first, end, _ = wanted.indices(size)
        if first >= end:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
        return web.Response(status=206, body=stored.data[first:end], headers=headers)

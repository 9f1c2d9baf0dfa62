"""Serves the catalogue over HTTP, so that any music program plays it by link.

`python -m segue_devkit.tunes.serve --host 127.0.0.1 --port 8500`

    GET /                      the list, JSON
    GET /tunes/{name}.{ending} ogg, mp3 or wav; Range requests as HTTP has them
    GET /art/{name}.svg        the cover
    GET /albums/{name}         all tunes of an author, JSON; a node of ours loads the link as a playlist
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cyclopts
from aiohttp import web

from segue_devkit.tunes import artwork, catalogue
from segue_devkit.tunes.encode import Container, write_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.tunes.catalogue import Tune

_AT_ONCE: Final = 2


class TuneFiles:
    """Encoded tunes in a folder, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._making: dict[Path, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def get(self, tune: Tune, container: Container) -> Path:
        """The file; callers that come while it is made wait for the same one."""
        path = self._folder / f"{tune.identifier}.{container.ending}"
        if path not in self._making:
            self._making[path] = asyncio.create_task(self._make(tune, container, path))
        try:
            await asyncio.shield(self._making[path])
        except OSError:
            del self._making[path]
            raise
        return path

    async def _make(self, tune: Tune, container: Container, path: Path) -> None:
        async with self._slots:
            partial = path.with_suffix(".part")
            await asyncio.to_thread(write_file, tune, partial, container)
            partial.replace(path)

    async def close(self) -> None:
        """Wait for what is being written, so that the folder can go."""
        await asyncio.gather(*self._making.values(), return_exceptions=True)


def _tune(request: web.Request) -> Tune:
    tune = catalogue.by_identifier(request.match_info["name"])
    if tune is None:
        raise web.HTTPNotFound(text=f"no tune is called {request.match_info['name']!r}; GET / lists them\n")
    return tune


def make_app(folder: Path) -> web.Application:
    """The HTTP application; encoded files are kept in `folder`, which the caller removes."""
    app = web.Application()

    async def listing(request: web.Request) -> web.Response:
        root = f"{request.scheme}://{request.host}"
        return web.json_response([_entry(tune, root) for tune in catalogue.tunes()])

    async def audio(request: web.Request) -> web.StreamResponse:
        tune, container = _tune(request), Container.of(request.match_info["ending"])
        if container is None:
            raise web.HTTPNotFound(text="tunes are served as ogg, mp3 or wav\n")
        path = await app[_FILES].get(tune, container)
        return web.FileResponse(path, headers={"Content-Type": container.media_type})

    async def album(request: web.Request) -> web.Response:
        found = catalogue.album(request.match_info["name"])
        if found is None:
            names = ", ".join(one.identifier for one in catalogue.albums())
            raise web.HTTPNotFound(text=f"no such album; there are {names}\n")
        root = f"{request.scheme}://{request.host}"
        return web.json_response({"name": found.name, "tunes": [_entry(tune, root) for tune in found.tunes]})

    async def cover(request: web.Request) -> web.Response:
        return web.Response(text=artwork.svg(_tune(request)), content_type="image/svg+xml")

    async def files(app: web.Application) -> None:
        app[_FILES] = TuneFiles(folder)

    async def end(app: web.Application) -> None:
        await app[_FILES].close()

    app.on_startup.append(files)
    app.on_cleanup.append(end)
    app.router.add_get("/", listing)
    app.router.add_get("/tunes/{name}.{ending}", audio)
    app.router.add_get("/art/{name}.svg", cover)
    app.router.add_get("/albums/{name}", album)
    return app


_FILES: Final = web.AppKey("files", TuneFiles)


def _entry(tune: Tune, root: str) -> dict[str, object]:
    return {
        "id": tune.song_id,
        "title": tune.title,
        "author": tune.author,
        "lengthMs": tune.length_ms,
        "audio": f"{root}/tunes/{tune.identifier}.ogg",
        "artwork": f"{root}/art/{tune.identifier}.svg",
    }


def main(*, host: str = "127.0.0.1", port: int = 8500) -> None:
    """Serve the catalogue until interrupted.

    Args:
        host: address to listen on.
        port: port to listen on.
    """

    def announce(address: str) -> Callable[[str], None]:
        return lambda _: print(f"tunes on http://{address}/", flush=True)  # noqa: T201 - a command

    with tempfile.TemporaryDirectory(prefix="segue-tunes-") as folder:
        web.run_app(make_app(Path(folder)), host=host, port=port, print=announce(f"{host}:{port}"))


if __name__ == "__main__":
    cyclopts.run(main)

"""The catalogue over HTTP: a real client plays it by link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from aiohttp.test_utils import TestClient, TestServer

from segue_devkit.tunes import catalogue, serve, timecode

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

SHORTEST = min(catalogue.tunes(), key=lambda tune: tune.length_ms)


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[TestClient]:  # type: ignore[type-arg]
    """A client of a served catalogue."""
    async with TestClient(TestServer(serve.make_app(tmp_path))) as client:
        yield client


@pytest.mark.parametrize("ending", ["ogg", "mp3", "wav"])
async def test_a_served_tune_is_heard_as_that_tune(http, ending: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """Each file format decodes to the same song at the right place, and is tagged with its title."""
    answer = await http.get(f"/tunes/{SHORTEST.identifier}.{ending}")
    assert answer.status == 200
    path = tmp_path / f"heard.{ending}"
    path.write_bytes(await answer.read())
    with av.open(str(path)) as container:
        tags = container.metadata | container.streams.audio[0].metadata
        assert tags["title"] == SHORTEST.title
        resampler = av.AudioResampler("fltp", "mono", 48_000)
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    heard = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(np.float32)
    assert len(heard) / 48 == pytest.approx(SHORTEST.length_ms, abs=60)
    mark = timecode.read(heard[10 * 48_000 :][:70_000])
    assert mark is not None
    assert mark.song_id == SHORTEST.song_id
    assert mark.position_ms == pytest.approx(10_000, abs=40)


async def test_ranges_are_served(http) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """A Range request gets its bytes and says so, which players seek by."""
    whole = await (await http.get(f"/tunes/{SHORTEST.identifier}.ogg")).read()
    part = await http.get(f"/tunes/{SHORTEST.identifier}.ogg", headers={"Range": "bytes=1000-1999"})
    assert part.status == 206
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(whole)}"
    assert await part.read() == whole[1000:2000]


async def test_the_list_links_audio_and_artwork(http) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """Every entry of the list leads to a cover; unknown names and endings are 404 in words."""
    listing = await (await http.get("/")).json()
    assert len(listing) == len(catalogue.tunes())
    cover = await http.get(listing[0]["artwork"].split("/", 3)[3].join(["/", ""]))
    assert cover.content_type == "image/svg+xml"
    assert (await http.get("/tunes/none.ogg")).status == 404
    assert (await http.get(f"/tunes/{SHORTEST.identifier}.exe")).status == 404


async def test_albums_are_listed(http) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """An album's page has its tunes with links; an unknown one is a 404 that names the others."""
    found = await (await http.get("/albums/ida-quay")).json()
    assert found["name"] == "Ida Quay"
    assert {tune["author"] for tune in found["tunes"]} == {"Ida Quay"}
    missing = await http.get("/albums/nobody")
    assert missing.status == 404
    assert "ida-quay" in await missing.text()

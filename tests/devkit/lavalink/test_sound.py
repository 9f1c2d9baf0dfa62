"""What is really heard: shared frames, volume, speed, seams, files and links."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from segue_devkit.lavalink.audio.library import Library
from segue_devkit.lavalink.audio.voicing import Voicing, voicing_of
from segue_devkit.lavalink.filters import parse
from segue_devkit.lavalink.sources import Sources
from segue_devkit.tunes import catalogue, timecode
from segue_devkit.tunes.encode import Container, write_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from segue_devkit.lavalink.audio.book import Book

SHORT = min(catalogue.tunes(), key=lambda tune: tune.length_ms)
LOOKAHEAD = 120


@pytest.fixture
def sources() -> Sources:
    """All sources."""
    return Sources(http=True, local=True, tunes_url=None)


@pytest.fixture
def library(sources: Sources) -> Iterator[Library]:
    """A library that is closed afterwards."""
    made = Library(sources)
    yield made
    made.close()


def frames(book: Book, first: int, count: int) -> list[bytes]:
    """Frames as they get ready, or until the end of the book."""
    out: list[bytes] = []
    deadline = time.monotonic() + 20
    while len(out) < count and not (book.end is not None and first + len(out) >= book.end):
        book.want(first + len(out), time.monotonic())
        frame = book.frame(first + len(out))
        if frame is not None:
            out.append(frame)
            continue
        assert book.error is None
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)
    return out


def decoded(packets: list[bytes]) -> NDArray[np.float32]:
    """What is heard of frames, mono, the encoder's lookahead removed."""
    codec = av.AudioCodecContext.create("libopus", "r")
    codec.sample_rate, codec.layout = 48_000, "stereo"
    resampler = av.AudioResampler("fltp", "mono", 48_000)
    heard = [
        out.to_ndarray()[0]
        for packet in packets
        for frame in codec.decode(av.Packet(packet))
        for out in resampler.resample(frame)
    ]
    return np.concatenate(heard).astype(np.float32)[LOOKAHEAD:]


def test_equal_sounds_share_one_book_and_others_do_not(library: Library, sources: Sources) -> None:
    """Two players of a track at one volume read the same frames; another volume is another stream."""
    track = sources.load(SHORT.identifier).track
    assert track is not None
    first, second = library.take(track, Voicing()), library.take(track.at(5000), Voicing())
    assert first is second
    assert library.take(track, Voicing(gain=0.5)) is not first


@pytest.mark.parametrize("start", [0, 400])
def test_the_right_song_is_heard_from_any_place(library: Library, sources: Sources, start: int) -> None:
    """Frames decode to the tune at their place, also where chapters meet."""
    track = sources.load(SHORT.identifier).track
    assert track is not None
    heard = decoded(frames(library.take(track, Voicing()), start, 150))
    for offset in (0, 38_000, 70_000):
        mark = timecode.read(heard[offset : offset + 62_000])
        assert mark is not None
        assert mark.song_id == SHORT.song_id
        assert mark.position_ms == pytest.approx(start * 20 + offset / 48, abs=20)


def test_a_faster_track_is_shorter(library: Library, sources: Sources) -> None:
    """At a speed of 2 the book is half as long."""
    track = sources.load(SHORT.identifier).track
    assert track is not None
    book = library.take(track, voicing_of(100, parse({"timescale": {"speed": 2.0}}, frozenset())))
    last = SHORT.length_ms // 20 // 2
    assert len(frames(book, last - 20, 100)) == pytest.approx(20, abs=5)


@pytest.mark.parametrize("container", [Container.OGG, Container.MP3, Container.WAV])
def test_files_are_decoded_at_the_right_place(
    library: Library, sources: Sources, tmp_path: Path, container: Container
) -> None:
    """A seek into a file lands where it should, whatever the format; jumps to and fro do no harm."""
    path = tmp_path / f"tune.{container.ending}"
    write_file(SHORT, path, container)
    track = sources.load(str(path)).track
    assert track is not None
    tagged = (SHORT.title, SHORT.author)
    untagged = ("Unknown title", "Unknown artist")
    assert track.source == "local"
    # A real node does not read the tags of a WAV.
    assert (track.title, track.author) == (untagged if container is Container.WAV else tagged)
    book = library.take(track, Voicing())
    assert frames(book, 49_000, 1) == []
    for start in (600, 100):
        mark = timecode.read(decoded(frames(book, start, 80)))
        assert mark is not None
        assert mark.song_id == SHORT.song_id
        assert mark.position_ms == pytest.approx(start * 20, abs=60)


def test_a_missing_file_is_an_error_of_the_book(library: Library, sources: Sources, tmp_path: Path) -> None:
    """What vanishes between lookup and play fails in the recorded words."""
    path = tmp_path / "gone.wav"
    write_file(SHORT, path, Container.WAV)
    track = sources.load(str(path)).track
    assert track is not None
    path.unlink()
    book = library.take(track, Voicing())
    book.want(0, 0.0)
    deadline = time.monotonic() + 10
    while book.error is None and time.monotonic() < deadline:
        threading.Event().wait(0.01)
    assert book.error is not None
    assert book.error.message == "Something broke when playing the track."
    assert book.error.cause.startswith(f"java.io.FileNotFoundException: {path}")


@pytest.mark.parametrize("prefix", ["ytsearch:", "ytmsearch:", "scsearch:", "spsearch:"])
def test_every_search_is_answered_from_the_catalogue(sources: Sources, prefix: str) -> None:
    """Whatever service is asked, something is found."""
    found = sources.load(f"{prefix}zzz no such words").found
    assert found
    assert {track.source for track in found} == {"catalogue"}


def test_sources_that_are_off_find_nothing(tmp_path: Path) -> None:
    """A link without http, a path without local."""
    path = tmp_path / "a.wav"
    write_file(SHORT, path, Container.WAV)
    none = Sources(http=False, local=False, tunes_url="http://tunes")
    assert none.load(str(path)).to_json() == {"loadType": "empty", "data": None}
    assert none.load("http://127.0.0.1:9/x.mp3").to_json() == {"loadType": "empty", "data": None}
    track = none.load(SHORT.identifier).track
    assert track is not None
    assert track.artwork == f"http://tunes/art/{SHORT.identifier}.svg"


@pytest.mark.parametrize("prefix", ["album:", "http://tunes/albums/"])
def test_albums_are_playlists(prefix: str) -> None:
    """By name or by the page of the tunes' site; with ?track= one of them is the selected one."""
    sources = Sources(http=True, local=False, tunes_url="http://tunes")
    loaded = sources.load(f"{prefix}ida-quay").to_json()
    assert loaded["loadType"] == "playlist"
    assert loaded["data"]["info"] == {"name": "Ida Quay", "selectedTrack": -1}
    assert loaded["data"]["pluginInfo"] == {}
    assert {track["info"]["author"] for track in loaded["data"]["tracks"]} == {"Ida Quay"}
    third = loaded["data"]["tracks"][2]["info"]["identifier"]
    pointed = sources.load(f"{prefix}ida-quay?track={third}").to_json()
    assert pointed["data"]["info"]["selectedTrack"] == 2
    assert sources.load(f"{prefix}nobody").to_json()["loadType"] == "empty"

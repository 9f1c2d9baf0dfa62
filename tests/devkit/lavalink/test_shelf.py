"""Tunes kept on disk: found again, never trusted blindly, never in the way."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_devkit.lavalink.audio.library import Library
from segue_devkit.lavalink.audio.shelf import Shelf, fingerprint, folder_of, packed, unpacked
from segue_devkit.lavalink.audio.voicing import Voicing
from segue_devkit.lavalink.sources import Sources
from segue_devkit.tunes import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from segue_devkit.lavalink.audio.book import Book

SHORT = min(catalogue.tunes(), key=lambda tune: tune.length_ms)


def chapters(
    folder: Path, first: int, count: int, voicing: Voicing | None = None
) -> tuple[list[bytes], Book]:
    """Frames of the short tune from a fresh library over a shelf."""
    sources = Sources(http=False, local=False, tunes_url=None)
    library = Library(sources, Shelf(folder))
    track = sources.load(SHORT.identifier).track
    assert track is not None
    book = library.take(track, voicing or Voicing())
    out: list[bytes] = []
    deadline = time.monotonic() + 20
    while len(out) < count and not (book.end is not None and first + len(out) >= book.end):
        book.want(first + len(out), time.monotonic())
        if (frame := book.frame(first + len(out))) is not None:
            out.append(frame)
            continue
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)
    library.close()
    return out, book


def files(folder: Path) -> list[Path]:
    """All chapters on the shelf."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name.isdecimal())


def until(condition: Callable[[], bool]) -> None:
    """Chapters are stored after their frames are given out."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)


def whole(path: Path) -> bool:
    """Whether a chapter's file can be read."""
    try:
        return bool(unpacked(path.read_bytes()))
    except ValueError:
        return False


@given(st.lists(st.binary(max_size=1275), max_size=60))
def test_frames_come_back_as_they_were(frames: list[bytes]) -> None:
    """A chapter's file is read as it was written."""
    assert unpacked(packed(frames)) == frames


@given(st.lists(st.binary(min_size=1, max_size=20), min_size=1, max_size=5), st.data())
def test_a_damaged_file_is_noticed(frames: list[bytes], data: st.DataObject) -> None:
    """Cut anywhere, or with any byte changed, it is refused in words."""
    written = packed(frames)
    cut = data.draw(st.integers(0, len(written) - 1))
    with pytest.raises(ValueError, match=r"short|written"):
        unpacked(written[:cut])
    changed = bytearray(written)
    changed[data.draw(st.integers(0, 7))] ^= 0xFF
    with pytest.raises(ValueError, match="written"):
        unpacked(bytes(changed))


def test_the_next_node_reads_what_the_first_encoded(tmp_path: Path) -> None:
    """The same frames, from disk: nothing is opened or encoded for them, and the end is known as well."""
    last = SHORT.length_ms // 20
    first, _ = chapters(tmp_path, last - 60, 100)
    until(lambda: len(files(tmp_path)) == 3)
    kept = {path: path.stat().st_mtime_ns for path in files(tmp_path)}
    again, book = chapters(tmp_path, last - 60, 100)
    assert again == first
    assert len(again) == 60
    assert book.end == last
    assert {path: path.stat().st_mtime_ns for path in files(tmp_path)} == kept


def test_a_spoilt_chapter_is_encoded_anew(tmp_path: Path) -> None:
    """Whatever stands in the file, music is heard, and the file is right afterwards."""
    first, _ = chapters(tmp_path, 0, 50)
    until(lambda: len(files(tmp_path)) == 1)
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    again, _ = chapters(tmp_path, 0, 50)
    assert again == first
    until(lambda: whole(path))
    assert unpacked(path.read_bytes()) == first


def test_only_plain_tunes_are_kept(tmp_path: Path) -> None:
    """A player's own volume is not worth the disk."""
    chapters(tmp_path, 0, 50, Voicing(gain=0.5))
    assert files(tmp_path) == []


def test_a_shelf_that_cannot_be_written_is_no_shelf(tmp_path: Path) -> None:
    """A file where the folder should be: the node plays without."""
    (tmp_path / "taken").write_text("")
    found, _ = chapters(tmp_path / "taken", 0, 50)
    assert len(found) == 50


def test_folders_of_other_code_go_after_a_week(tmp_path: Path) -> None:
    """Fresh ones stay: another checkout may use them."""
    for name, age_s in (("old", 8 * 86_400), ("fresh", 3600)):
        (tmp_path / name / "1").mkdir(parents=True)
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    Shelf(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"fresh", fingerprint()}


def test_where_it_stands() -> None:
    """Named by a variable, or the user's cache; nowhere if it is off or there is no home."""
    assert folder_of({"SEGUE_TUNES_CACHE": "/a", "HOME": "/h"}) == Path("/a")
    assert folder_of({"SEGUE_TUNES_CACHE": "off", "HOME": "/h"}) is None
    assert folder_of({"XDG_CACHE_HOME": "/x", "HOME": "/h"}) == Path("/x/segue/tunes")
    assert folder_of({"HOME": "/h"}) == Path("/h/.cache/segue/tunes")
    assert folder_of({}) is None

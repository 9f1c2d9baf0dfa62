"""A queue as a file: written, read, and read when it is none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_core import queue_file
from segue_core.ids import ItemId, UserId
from segue_core.models import QueueItem, Track
from segue_core.queue_file import BadQueueFileError, Counts, WantedSong

GUILD = 2**62 + 3


def item(
    title: str = "Night Drive", uri: str | None = "https://music.example/1", **changes: Any
) -> QueueItem:
    """Return one song of a queue."""
    values: dict[str, Any] = {
        "encoded": "e",
        "identifier": title,
        "title": title,
        "author": "The Tubes",
        "length_ms": 3_725_000,
        "source": "s",
        "uri": uri,
    }
    track = Track(**{**values, **changes})
    return QueueItem(id=ItemId("1-0"), track=track, requester=UserId(2**60), requested_at=1_700_000_000_000)


def test_an_item_has_the_three_parts_and_their_names() -> None:
    """Ids are texts, since JavaScript's numbers hold no snowflake."""
    written = json.loads(queue_file.write(GUILD, [(item(), Counts(likes=2, dislikes=1, saves=3))]))
    assert (written["format"], written["version"]) == ("segue.queue", 1)
    assert written["items"] == [
        {
            "song": {
                "title": "Night Drive",
                "url": "https://music.example/1",
                "length": "1:02:05",
                "author": "The Tubes",
            },
            "meta": {"guildID": str(GUILD), "userID": str(2**60), "timeAdded": 1_700_000_000_000},
            "interactions": {"likes": 2, "dislikes": 1, "saves": 3},
        }
    ]


def test_what_is_not_known_is_not_written() -> None:
    """No counts without the store, no length of a stream, no link of a song that has none."""
    written = json.loads(queue_file.write(GUILD, [(item(uri=None, is_stream=True), None)]))
    (one,) = written["items"]
    assert "interactions" not in one
    assert (one["song"]["length"], one["song"]["url"]) == ("", "")


@given(titles=st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=queue_file.MOST_ITEMS))
def test_what_is_written_can_be_read(titles: list[str]) -> None:
    """Every title comes back in its order, but for its blanks; those of blanks alone are left out."""
    data = queue_file.write(GUILD, [(item(title, None), None) for title in titles])
    plain = [" ".join(title.split()) for title in titles]
    wanted = [WantedSong(title=title, author="The Tubes") for title in plain if title]
    if not wanted:
        with pytest.raises(BadQueueFileError):
            queue_file.read(data)
        return
    found = queue_file.read(data)
    assert list(found.songs) == wanted
    assert found.left_out == len(titles) - len(wanted)


def test_a_bare_list_is_read_and_unknown_fields_are_passed_over() -> None:
    """Somebody else's items need nothing but a title or a link."""
    document = [
        {"song": {"title": "A", "rating": 5}},
        {"song": {"url": "https://x.example"}},
        {"song": {}},
        7,
    ]
    found = queue_file.read(json.dumps(document).encode())
    assert found.songs == (WantedSong(title="A"), WantedSong(url="https://x.example"))
    assert found.left_out == 2


def test_a_file_is_bounded() -> None:
    """Songs behind the bound are counted, a larger file is refused, and so is an endless title."""
    many = [{"song": {"title": f"t{number}"}} for number in range(queue_file.MOST_ITEMS + 5)]
    found = queue_file.read(json.dumps(many).encode())
    assert (len(found.songs), found.left_out) == (queue_file.MOST_ITEMS, 5)
    with pytest.raises(BadQueueFileError, match="256 KiB"):
        queue_file.read(b" " * (queue_file.LARGEST_BYTES + 1))
    with pytest.raises(BadQueueFileError, match="no song"):
        queue_file.read(json.dumps([{"song": {"title": "x" * 501}}]).encode())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"{}", "no list of items"),
        (b'"items"', "no list of items"),
        (b"[]", "no song"),
        (b'{"format": "m3u", "items": []}', "kind or version"),
        (b'{"format": "segue.queue", "version": 2, "items": []}', "kind or version"),
        (b'[{"song": {"title": 7}}]', "no song"),
    ],
)
def test_what_is_no_queue_says_why(data: bytes, words: str) -> None:
    """In words for the person who sent it."""
    with pytest.raises(BadQueueFileError, match=words):
        queue_file.read(data)


@given(
    data=st.binary(max_size=200)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["items", "song", "title", "url", "format", "x"]), inner, max_size=3
            )
        ),
    ).map(lambda document: json.dumps(document).encode())
)
def test_reading_never_fails_otherwise(data: bytes) -> None:
    """Whatever is sent, there are songs or words."""
    try:
        songs = queue_file.read(data).songs
    except BadQueueFileError as error:
        said = str(error)
    else:
        said = "".join(song.title or song.url for song in songs)
    assert said

from __future__ import annotations

import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from segue_worker.gateway.errors import TransportError
from segue_worker.gateway.inflate import Compression, inflater

PAYLOADS = st.lists(st.binary(min_size=1, max_size=200), min_size=1, max_size=10)


@given(PAYLOADS, st.integers(min_value=1, max_value=50))
def test_zlib_stream(payloads: list[bytes], piece: int) -> None:
    """Payloads of one zlib stream come out whole and in order, however they are cut into messages."""
    stream, into = zlib.compressobj(), inflater(Compression.ZLIB)
    for payload in payloads:
        data = stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH)
        parts = [data[at : at + piece] for at in range(0, len(data), piece)]
        found = [out for part in parts if (out := into.feed(part)) is not None]
        assert b"".join(found) == payload


@given(PAYLOADS)
def test_zstd_stream(payloads: list[bytes]) -> None:
    """Payloads of one zstd frame come out whole and in order."""
    stream, into = zstandard.ZstdCompressor().compressobj(), inflater(Compression.ZSTD)
    for payload in payloads:
        data = stream.compress(payload) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        assert into.feed(data) == payload


@pytest.mark.parametrize("compression", [Compression.ZLIB, Compression.ZSTD])
def test_garbage_is_a_transport_error(compression: Compression) -> None:
    """A stream that can't be read on ends the connection with a typed error."""
    with pytest.raises(TransportError, match="unreadable"):
        inflater(compression).feed(b"this was never compressed\x00\x00\xff\xff")


def test_plain() -> None:
    """Without compression a message is a payload."""
    assert inflater(Compression.NONE).feed(b"{}") == b"{}"

"""One outgoing RTP stream: AES-256-GCM over the frame, header as additional data, counter at the tail."""

from __future__ import annotations

import random
import struct
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MODE: Final = "aead_aes256_gcm_rtpsize"
_HEADER: Final = struct.Struct(">BBHII")
_COUNTER: Final = struct.Struct("<I")
_NONCE_TAIL: Final = bytes(8)
_PAYLOAD_TYPE: Final = 0x78
_SAMPLES: Final = 960


class RtpStream:
    """Numbers and seals the packets of one connection. Sequence starts anywhere, time at 0."""

    def __init__(self, ssrc: int, key: bytes) -> None:
        self._ssrc = ssrc
        self._seal = AESGCM(key)
        self._sequence = random.randrange(1 << 16)
        self._time = 0
        self._count = random.randrange(1 << 9)

    def packet(self, opus: bytes) -> bytes:
        """The next packet for a frame; time moves on by 20 ms for each packet, not for pauses."""
        header = _HEADER.pack(0x80, _PAYLOAD_TYPE, self._sequence, self._time, self._ssrc)
        nonce = _COUNTER.pack(self._count)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._time = (self._time + _SAMPLES) & 0xFFFFFFFF
        self._count = (self._count + 1) & 0xFFFFFFFF
        return header + self._seal.encrypt(nonce + _NONCE_TAIL, opus, header) + nonce

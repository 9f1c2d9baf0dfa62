"""RTP as Discord's voice wants it: ``aead_aes256_gcm_rtpsize``, and the IP discovery packet.

The header (with the extension's own header, if any) is authenticated, the rest encrypted; the last four
bytes are the nonce, to be padded with zeros to twelve. Source: Discord's reference "Voice Connections".
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MODE: Final = "aead_aes256_gcm_rtpsize"
MODES: Final = (MODE,)
PAYLOAD_TYPE: Final = 0x78
SAMPLE_RATE: Final = 48_000
FRAME_SAMPLES: Final = 960
"""Samples of one 20 ms frame, the step of RTP timestamps."""
FRAME_MS: Final = 20
SILENCE: Final = b"\xf8\xff\xfe"
DISCOVERY_SIZE: Final = 74
_HEADER: Final = struct.Struct(">BBHII")
_DISCOVERY: Final = struct.Struct(">HHI64sH")
_TAIL: Final = 4 + 16  # nonce and tag
_PAD: Final = bytes(8)


@dataclass(frozen=True, slots=True)
class RtpHeader:
    """The fixed part of an RTP header, and where the encrypted part begins."""

    sequence: int
    timestamp: int
    ssrc: int
    size: int
    extended: bool


def parse(packet: bytes) -> RtpHeader | None:
    """The header of an RTP audio packet; None for anything else (RTCP, garbage)."""
    if len(packet) < _HEADER.size + _TAIL:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
    if first >> 6 != 2 or second & 0x7F != PAYLOAD_TYPE:  # noqa: PLR2004 - RTP version 2
        return None
    extended = bool(first & 0x10)
    size = _HEADER.size + 4 * (first & 0x0F) + (4 if extended else 0)
    if len(packet) < size + _TAIL:
        return None
    return RtpHeader(sequence, timestamp, ssrc, size, extended)


def decrypted(packet: bytes, header: RtpHeader, cipher: AESGCM) -> bytes | None:
    """The opus frame; None if the packet was not made with this key."""
    try:
        plain = cipher.decrypt(packet[-4:] + _PAD, packet[header.size : -4], packet[: header.size])
    except InvalidTag:
        return None
    if header.extended:
        words: int = struct.unpack_from(">H", packet, header.size - 2)[0]
        return plain[4 * words :]
    return plain


def discovery_answer(packet: bytes, host: str, port: int) -> bytes | None:
    """The answer to an IP discovery request: where its packet came from; None if it is none."""
    if len(packet) != DISCOVERY_SIZE or packet[:4] != b"\x00\x01\x00\x46":
        return None
    ssrc: int = struct.unpack_from(">I", packet, 4)[0]
    return _DISCOVERY.pack(2, 70, ssrc, host.encode(), port)

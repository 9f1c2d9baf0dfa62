"""UDP discovery: asks the voice server which address our packets come from."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

_LENGTH: Final = 74
_REQUEST: Final = 1
_RESPONSE: Final = 2
_TRIES: Final = 3
_WAIT_S: Final = 1.0


async def discover(ip: str, port: int, ssrc: int) -> tuple[socket.socket, str, int]:
    """Open a socket to the voice server and learn its outside address.

    Returns:
        The connected, non-blocking socket (the caller closes it), our address and our port.

    Raises:
        OSError: the server can't be reached, or does not answer three times within a second each.
    """
    sock = socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.setblocking(False)
        sock.connect((ip, port))
        return (sock, *await _ask(sock, ssrc))
    except BaseException:
        sock.close()
        raise


async def _ask(sock: socket.socket, ssrc: int) -> tuple[str, int]:
    loop = asyncio.get_running_loop()
    for _ in range(_TRIES):
        await loop.sock_sendall(sock, struct.pack(">HHI", _REQUEST, _LENGTH - 4, ssrc).ljust(_LENGTH, b"\0"))
        try:
            async with asyncio.timeout(_WAIT_S):
                answer = await loop.sock_recv(sock, 2048)
        except TimeoutError:
            continue
        if len(answer) == _LENGTH and answer[:2] == struct.pack(">H", _RESPONSE):
            (port,) = struct.unpack_from(">H", answer, 72)
            return answer[8:72].split(b"\0", 1)[0].decode("ascii"), port
    raise OSError("no answer to UDP discovery")

"""The floor of the router's benchmark: a bare grpc.aio server that answers bytes of a given size.

``python -m segue_devkit.bench.router_echo host:port answer-bytes``
"""

from __future__ import annotations

import asyncio
import signal
import sys

import grpc

SERVICE = "segue.bench.Echo"


async def serve(address: str, size: int) -> None:
    """Answer every call with ``size`` bytes until SIGTERM."""
    answer = bytes(size)

    async def echo(_request: bytes, _context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        return answer

    server = grpc.aio.server()
    handlers = {"Echo": grpc.unary_unary_rpc_method_handler(echo)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(address)
    await server.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(0)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))

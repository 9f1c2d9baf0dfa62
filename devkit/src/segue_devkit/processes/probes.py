"""Asks a container how it is, in each of the four ways of Kubernetes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import grpc

from segue_devkit.processes.child import Child
from segue_devkit.processes.models import Container, Exec, Grpc, HttpGet, Probe

_SERVING = b"\x08\x01"
"""HealthCheckResponse{status: SERVING} on the wire, grpc.health.v1."""

_HEALTH = "/grpc.health.v1.Health/Check"
_LOWEST_WELL, _HIGHEST_WELL = 200, 399


@dataclass(frozen=True, slots=True)
class Target:
    """What is probed."""

    container: Container
    address: str
    folder: Path
    log: Path
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict, repr=False)

    def port(self, port: int | str) -> int:
        """Return a port's number, by its name if need be.

        Raises:
            LookupError: the container names no such port.
        """
        if isinstance(port, int):
            return port
        for one in self.container.ports:
            if one.name == port:
                return one.container_port
        message = f"container {self.container.name} has no port named {port}"
        raise LookupError(message)


async def ask(probe: Probe, target: Target) -> str | None:
    """Return None when the container is well, else what is wrong, within the probe's timeout."""
    try:
        async with asyncio.timeout(probe.timeout_seconds):
            return await _ask(probe, target)
    except TimeoutError:
        return f"no answer within {probe.timeout_seconds} s"
    except (OSError, aiohttp.ClientError) as error:
        return str(error) or type(error).__name__
    except grpc.aio.AioRpcError as error:
        return f"{error.code().name}: {error.details()}"


async def _ask(probe: Probe, target: Target) -> str | None:
    if probe.http_get is not None:
        return await _http(probe.http_get, target)
    if probe.tcp_socket is not None:
        return await _tcp(target.port(probe.tcp_socket.port), target)
    if probe.grpc is not None:
        return await _grpc(probe.grpc, target)
    if probe.exec is not None:
        return await _exec(probe.exec, target)
    return "the probe names no way to ask"


async def _http(get: HttpGet, target: Target) -> str | None:
    url = f"http://{target.address}:{target.port(get.port)}{get.path}"
    headers = {header.name: header.value for header in get.http_headers}
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, headers=headers, allow_redirects=False) as answer,
    ):
        well = _LOWEST_WELL <= answer.status <= _HIGHEST_WELL
        return None if well else f"{get.path} answered {answer.status}"


async def _tcp(port: int, target: Target) -> str | None:
    _, writer = await asyncio.open_connection(target.address, port)
    writer.close()
    return None


async def _grpc(call: Grpc, target: Target) -> str | None:
    name = call.service.encode()
    request = b"\x0a" + bytes([len(name)]) + name if name else b""
    async with grpc.aio.insecure_channel(f"{target.address}:{call.port}") as channel:
        answer: bytes = await channel.unary_unary(_HEALTH, bytes, bytes)(request)
    return None if answer[:2] == _SERVING else "not serving"


async def _exec(command: Exec, target: Target) -> str | None:
    local = target.programs.get(command.command[0], (command.command[0],))
    child = await Child.start((*local, *command.command[1:]), target.env, target.folder, target.log)
    try:
        code = await child.wait()
    finally:
        await child.stop(0)
    return None if code == 0 else f"{command.command[0]} exited with {code}"

"""Loopback addresses: each cluster has a network of its own, each pod an address in it."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segue_devkit.processes.objects import Key

_FIRST, _LAST = 101, 250
_LARGEST_HOST = 254


class AddressesExhaustedError(RuntimeError):
    """No free loopback network, or no free address in one."""


class Network:
    """A /24 of 127.0.0.0/8 that no other cluster on this machine uses while this is open.

    Held by the name of an abstract Unix socket: the kernel keeps it unique, and frees it when its
    process dies, however it dies.
    """

    def __init__(self) -> None:
        self._held: socket.socket | None = None
        self._prefix = ""
        self._given: dict[tuple[Key, int], str] = {}

    def __enter__(self) -> Self:
        for second, third in _candidates():
            held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            try:
                held.bind(f"\0segue-loopback-{second}.{third}")
            except OSError:
                held.close()
                continue
            self._held, self._prefix = held, f"127.{second}.{third}"
            return self
        message = "every loopback network from 127.101.0.0 to 127.250.255.0 is in use"
        raise AddressesExhaustedError(message)

    def __exit__(self, *_: object) -> None:
        if self._held is not None:
            self._held.close()

    def address(self, workload: Key, slot: int) -> str:
        """Return the address of a workload's n-th pod: the same as long as the cluster lives."""
        place = (workload, slot)
        if place not in self._given:
            host = len(self._given) + 1
            if host > _LARGEST_HOST:
                message = f"a cluster of processes has at most {_LARGEST_HOST} pods"
                raise AddressesExhaustedError(message)
            self._given[place] = f"{self._prefix}.{host}"
        return self._given[place]


def _candidates() -> Iterator[tuple[int, int]]:
    """Yield networks, beginning somewhere else in each process, so that the first is mostly free."""
    seconds = _LAST - _FIRST + 1
    total = seconds * 256
    start = (os.getpid() * 7919) % total
    for index in range(total):
        number = (start + index) % total
        yield _FIRST + number // 256, number % 256

"""Answers that are wrong on purpose: 429 of any scope, 5xx, for the next calls of a route."""

from __future__ import annotations

from dataclasses import dataclass

from segue_devkit.discord.rest.limits import Scope


@dataclass(slots=True)
class Fault:
    """The next ``times`` calls whose path contains ``path`` (and that use ``method``, if given) fail."""

    path: str
    status: int
    times: int
    method: str | None = None
    retry_after_ms: int = 0
    scope: Scope = Scope.USER


class Faults:
    """What was ordered and is not used up."""

    def __init__(self) -> None:
        self._ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """From the next call on."""
        self._ordered.append(fault)

    def clear(self) -> None:
        """All calls work again."""
        self._ordered.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault of this call, used up by it; the oldest that fits."""
        if not self._ordered:
            return None
        for fault in self._ordered:
            if fault.path in path and fault.method in {None, method}:
                fault.times -= 1
                if not fault.times:
                    self._ordered.remove(fault)
                return fault
        return None

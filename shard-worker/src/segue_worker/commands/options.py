"""The options that several commands share the form of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segue_worker.commands.spec import OptionKind, OptionSpec
from segue_worker.domain import policy

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES_MAXIMUM = 100_000
PLACES_MAXIMUM = 100_000
"""Beyond any server's longest queue; how long it is, is judged where the guild is known."""
NAME_LENGTH = 33
"""A command's name, with or without its slash."""
TIME_LENGTH = 20
"""Longest way of writing a time."""


def text(name: str, description: str, fills: str, longest: int, *, required: bool = False) -> OptionSpec:
    """Return an option for words."""
    return OptionSpec(
        name=name,
        kind=OptionKind.STRING,
        description=description,
        fills=fills,
        most=longest,
        required=required,
    )


def song(*, required: bool = False) -> OptionSpec:
    """Return the option for what to play, completed while it is typed."""
    return OptionSpec(
        name="query",
        kind=OptionKind.STRING,
        description="Words to search for, or a link",
        fills="query",
        most=policy.QUERY_LIMIT,
        required=required,
        suggests=True,
    )


def file(description: str, *, required: bool = False) -> OptionSpec:
    """Return an option for a file."""
    return OptionSpec(
        name="file", kind=OptionKind.ATTACHMENT, description=description, fills="file", required=required
    )


def place(name: str, description: str, fills: str = "place", *, required: bool = True) -> OptionSpec:
    """Return an option for a number in the queue."""
    return OptionSpec(
        name=name,
        kind=OptionKind.INTEGER,
        description=description,
        fills=fills,
        most=PLACES_MAXIMUM,
        required=required,
    )


def page(description: str) -> OptionSpec:
    """Return an option for a page."""
    return OptionSpec(
        name="page", kind=OptionKind.INTEGER, description=description, fills="page", most=PAGES_MAXIMUM
    )


def choice(name: str, description: str, choices: Mapping[str, str], *, required: bool = False) -> OptionSpec:
    """Return an option with one of some values."""
    return OptionSpec(
        name=name,
        kind=OptionKind.STRING,
        description=description,
        fills="choice",
        choices=choices,
        required=required,
    )


def whole(name: str, description: str, fills: str, bounds: tuple[int, int]) -> OptionSpec:
    """Return an option for a whole number within ``bounds``."""
    return OptionSpec(
        name=name,
        kind=OptionKind.INTEGER,
        description=description,
        fills=fills,
        least=bounds[0],
        most=bounds[1],
    )


def factor(name: str, description: str, bounds: tuple[float, float]) -> OptionSpec:
    """Return an option for a factor within ``bounds``; it fills the field of its own name."""
    return OptionSpec(
        name=name,
        kind=OptionKind.NUMBER,
        description=description,
        fills=name,
        least=bounds[0],
        most=bounds[1],
    )

"""Reading a body field by field: what is there is checked, what is wrong collected for 50035."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from segue_devkit.discord.errors import FormErrors
from segue_devkit.discord.wire import snowflake

if TYPE_CHECKING:
    from collections.abc import Collection

    from segue_devkit.discord.wire import Payload


class Fields:
    """Each reader returns None for what is absent, null or wrong; :meth:`done` raises for what is wrong."""

    def __init__(self, body: Payload) -> None:
        self._body = body
        self._errors = FormErrors()

    def __contains__(self, name: str) -> bool:
        return name in self._body

    def _raw(self, name: str, *, required: bool) -> Any:
        value = self._body.get(name)
        if value is None and required:
            self._errors.required((name,))
        return value

    def text(self, name: str, low: int, high: int, *, required: bool = False) -> str | None:
        """A string of a length."""
        value = self._raw(name, required=required)
        if value is None:
            return None
        if not isinstance(value, str):
            self._errors.wrong_type((name,), "strings")
            return None
        if not low <= len(value) <= high:
            self._errors.length((name,), low, high)
        return value

    def number(self, name: str, low: int, high: int) -> int | None:
        """A whole number within bounds, given as a number or in digits."""
        value = self._raw(name, required=False)
        if value is None:
            return None
        if isinstance(value, bool) or not str(value).isdecimal():
            self._errors.add((name,), "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
            return None
        if not low <= int(value) <= high:
            self._errors.add((name,), "NUMBER_TYPE_RANGE", f"int value should be in {low} to {high}.")
        return int(value)

    def flag(self, name: str) -> bool | None:
        """True or false."""
        value = self._raw(name, required=False)
        if value is not None and not isinstance(value, bool):
            self._errors.wrong_type((name,), "booleans")
            return None
        return None if value is None else bool(value)

    def id(self, name: str, *, required: bool = False) -> int | None:
        """A snowflake."""
        value = self._raw(name, required=required)
        try:
            return None if value is None else snowflake(value)
        except ValueError:
            self._errors.add((name,), "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
            return None

    def ids(self, name: str, low: int, high: int) -> list[int] | None:
        """A list of snowflakes."""
        value = self._raw(name, required=False)
        if value is None:
            return None
        try:
            found = [snowflake(each) for each in value] if isinstance(value, list) else None
        except ValueError:
            found = None
        if found is None:
            self._errors.wrong_type((name,), "lists of snowflakes")
        elif not low <= len(found) <= high:
            self._errors.length((name,), low, high)
        return found

    def time(self, name: str) -> str | None:
        """An ISO 8601 time."""
        value = self._raw(name, required=False)
        if value is None:
            return None
        try:
            datetime.fromisoformat(str(value))
        except ValueError:
            self._errors.add((name,), "DATE_TIME_TYPE_PARSE", f"Could not parse {value}.")
        return str(value)

    def one_of(self, name: str, allowed: Collection[int]) -> int | None:
        """A number of an enumeration."""
        value = self._raw(name, required=False)
        if value is not None and value not in allowed:
            self._errors.choice((name,), ", ".join(str(each) for each in allowed))
            return None
        return None if value is None else int(value)

    def done(self) -> None:
        """Raise 50035 with everything that was wrong."""
        self._errors.raise_if_any()

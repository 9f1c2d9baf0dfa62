"""What is wrong with a spec: where, the rule, and the fix, all of it at once."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from pydantic import BaseModel

from segue_operator.api.base import Path
from segue_operator.api.musiccluster import RULE_BROKEN, MusicCluster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails, ValidationError

_LONGEST_SHOWN = 60

_NUMBER = ("must be a whole number", "write a number without quotes or fraction")
_TEXT = ("must be text", "put it in quotes")
_LIST = ("must be a list", "write one entry a line, each after a dash")
_MAP = ("must be a map of fields", "write its fields indented below it")
_SWITCH = ("must be true or false", "write true or false")
_CHOICE = ("must be {expected}", "choose one of these")
_WORDS = {
    "greater_than_equal": ("must be at least {ge}", "set it to {ge} or more"),
    "less_than_equal": ("must be at most {le}", "set it to {le} or less"),
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "float_type": ("must be a number", "write a number without quotes"),
    "float_parsing": ("must be a number", "write a number without quotes"),
    "bool_type": _SWITCH,
    "bool_parsing": _SWITCH,
    "string_type": _TEXT,
    "string_pattern_mismatch": ("must match {pattern}", "use only what the pattern allows"),
    "string_too_long": ("must be at most {max_length} characters long", "shorten it"),
    "string_too_short": ("must be at least {min_length} characters long", "write something"),
    "too_short": ("must have at least {min_length} entries", "add one"),
    "too_long": ("must have at most {max_length} entries", "remove some"),
    "enum": _CHOICE,
    "literal_error": _CHOICE,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _MAP,
    "model_type": _MAP,
    "model_attributes_type": _MAP,
}
"""Rule and fix for each kind of error that pydantic finds."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a spec. ``line`` is 1-based, 0 when there is no file."""

    path: Path
    rule: str
    fix: str
    line: int = 0

    @property
    def where(self) -> str:
        """The path as people write it: ``spec.regions[0].name``; empty for the whole file."""
        return dotted(self.path)

    def __str__(self) -> str:
        said = f"{self.where}: {self.rule}" if self.path else self.rule
        return f"{said}; {self.fix}" if self.fix else said


class SpecError(ValueError):
    """A spec that can't be used. ``problems`` holds everything wrong with it, in file order."""

    def __init__(self, problems: tuple[Problem, ...], source: str = "") -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line))
        self.source = source
        super().__init__("\n".join(self.lines()))

    def lines(self) -> tuple[str, ...]:
        """Return one line a problem, ``file:line: path: rule; fix``."""
        return tuple(self._line(problem) for problem in self.problems)

    def _line(self, problem: Problem) -> str:
        if not self.source:
            return str(problem)
        place = f"{self.source}:{problem.line}" if problem.line else self.source
        return f"{place}: {problem}"


def dotted(path: Path) -> str:
    """Return a path as people write it: ``spec.regions[0].name``."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            out += f".{part}" if out else part
    return out


def details_of(error: ValidationError) -> tuple[ErrorDetails, ...]:
    """Return the errors that say something: a list with a bad entry is not also too short."""
    found = error.errors(include_url=False)
    places = [one["loc"] for one in found]
    return tuple(
        one
        for one in found
        if one["type"] != "too_short" or not any(_inside(place, one["loc"]) for place in places)
    )


def _inside(place: Path, outer: Path) -> bool:
    return len(place) > len(outer) and place[: len(outer)] == outer


def problem_of(details: ErrorDetails) -> Problem:
    """Return what one validation error of a MusicCluster says, in our words."""
    path: Path = tuple(part for part in details["loc"] if part != "[key]")
    kind, given, context = details["type"], details["input"], details.get("ctx", {})
    if kind == RULE_BROKEN:
        return Problem(path, str(context["message"]), str(context["fix"]))
    if kind == "extra_forbidden":
        return _unknown_field(path)
    if kind == "missing":
        field = _description(path)
        return Problem(path, "is required", f"add it: {field}" if field else "add it")
    rule, fix = _words(kind, context, details["msg"])
    return Problem(path, f"{rule} (got {_shown(given)})", fix)


def _words(kind: str, context: Mapping[str, Any], message: str) -> tuple[str, str]:
    """Return the rule and the fix for an error of one of pydantic's kinds."""
    if kind == "value_error":
        rule, _, fix = str(context["error"]).partition("; ")
        return rule, fix
    rule, fix = _WORDS.get(kind, ("", ""))
    return (rule.format(**context), fix.format(**context)) if rule else (message, "")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    text = f"'{text}'" if isinstance(value, str) else text
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def _unknown_field(path: Path) -> Problem:
    parent = _model_at(path[:-1])
    known = [field.alias or name for name, field in parent.model_fields.items()] if parent else []
    wrong = str(path[-1])
    near = difflib.get_close_matches(wrong, known, n=1, cutoff=0.6) or [
        name for name in known if name.lower() == wrong.replace("_", "").replace("-", "").lower()
    ]
    fix = f"did you mean {near[0]}?" if near else f"known here: {', '.join(sorted(known))}"
    return Problem(path, "is not a field", fix)


def _description(path: Path) -> str:
    parent = _model_at(path[:-1])
    if parent is None:
        return ""
    for name, field in parent.model_fields.items():
        if path[-1] in {name, field.alias}:
            return (field.description or "").rstrip(".")
    return ""


def _model_at(path: Path) -> type[BaseModel] | None:
    """Return the model that describes the object at ``path``."""
    model: type[BaseModel] | None = MusicCluster
    for part in path:
        if isinstance(part, int):
            continue
        if model is None:
            return None
        found = next(
            (field for name, field in model.model_fields.items() if part in {name, field.alias}), None
        )
        model = _model_in(found.annotation) if found else None
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if get_origin(annotation) in {Union, UnionType, tuple, list}:
        for argument in get_args(annotation):
            found = _model_in(argument)
            if found is not None:
                return found
    return None

"""What every part of the spec is made of: strict frozen models, and rules across fields.

A rule is written twice, as CEL for the API server and as a Python predicate for everybody else,
and has one message: a laptop and a cluster refuse the same file in the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that must hold between fields of one object.

    ``cel`` is what the API server evaluates with ``self`` being the object, ``holds`` the same for
    the model. ``fields`` are the (YAML) names the rule reads: it is passed over while one of them is
    itself wrong. ``at`` is where the error is shown, ``fix`` what to do about it.
    """

    cel: str
    message: str
    fix: str
    holds: Callable[[Any], bool]
    fields: tuple[str, ...]
    at: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold, and where."""

    path: Path
    rule: Rule


class SpecModel(BaseModel):
    """Base of every part of the spec: camelCase in YAML, unknown fields refused, never changed."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        validate_default=True,
        strict=False,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    def violations(self, path: Path = ()) -> Iterator[Violation]:
        """Yield every rule broken here or in a part of this, outermost first."""
        for rule in self.rules:
            if not rule.holds(self):
                yield Violation((*path, *([rule.at] if rule.at else [])), rule)
        for name, field in type(self).model_fields.items():
            alias = field.alias or name
            yield from _inside(getattr(self, name), (*path, alias))


def _inside(value: object, path: Path) -> Iterator[Violation]:
    if isinstance(value, SpecModel):
        yield from value.violations(path)
    elif isinstance(value, tuple | list):
        for index, item in enumerate(value):
            yield from _inside(item, (*path, index))

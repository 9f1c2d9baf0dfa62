"""Changed copies are what ``dataclasses.replace`` would have made."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from segue_core.ids import GuildId
from segue_worker.domain.copying import changed
from segue_worker.domain.state import new_guild


def test_a_changed_copy_equals_a_replaced_one_and_leaves_the_original() -> None:
    """Every field is carried over, the named ones are changed, the original stays."""
    state = new_guild(GuildId(7))
    copy = changed(state, live=True, failures=3)
    assert copy == replace(state, live=True, failures=3)
    assert state == new_guild(GuildId(7))
    assert changed(state.snapshot, volume=5) == replace(state.snapshot, volume=5)


def test_an_unknown_field_is_refused() -> None:
    """A misspelt field is an error, as it is with ``replace``."""
    with pytest.raises(TypeError, match="no field 'loud'"):
        changed(new_guild(GuildId(7)), loud=True)


def test_classes_that_are_built_another_way_are_refused() -> None:
    """Without slots, or with something to do after ``__init__``, a copy could differ from a value."""

    @dataclass(frozen=True)
    class Loose:
        number: int = 0

    with pytest.raises(TypeError, match="slots"):
        changed(Loose(), number=1)

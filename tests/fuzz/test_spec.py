"""A MusicCluster file: a cluster, or every problem in words; never a crash, a hang or a full memory."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from segue_operator.api.errors import SpecError
from segue_operator.api.load import load_text, validate
from tests.fuzz.mutate import DEEP, mutated, texts

if TYPE_CHECKING:
    from segue_operator.api import MusicCluster

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = tuple(
    yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "examples").glob("*.yaml"))
)
TEXT = (ROOT / "examples" / "01-laptop.yaml").read_text(encoding="utf-8")
LAUGHS = "a0: &a0 [x]\n" + "".join(
    f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]\n" for number in range(1, 12)
)

ODDITIES = (
    *("", "\t", "  ", "? ", "- ", "&a ", "*a ", "<<: ", "---", "\x00", "%YAML 9.9"),
    *("!!int ", "!!python/object:os.system ", "!!binary |", "!!timestamp 1", "!!set {a}"),
    *("2026-99-99", "0o9", "1:99:99"),
)


def judged(text: str) -> MusicCluster | SpecError:
    """Load a text; whatever else than these two happens is a failure."""
    try:
        return load_text(text, "file.yaml")
    except SpecError as error:
        assert error.problems
        assert str(error)
        return error


@given(mutated(EXAMPLES))
def test_a_document_is_a_cluster_or_has_problems(document: Any) -> None:
    """A few fields of an example replaced, taken out or wrapped: all of it is judged, nothing is changed."""
    before = copy.deepcopy(document)
    try:
        validate(document)
    except SpecError as error:
        assert all(problem.rule for problem in error.problems)
    assert repr(document) == repr(before)


@given(texts)
def test_any_text_is_a_cluster_or_has_problems(text: str) -> None:
    """Text of no kind at all."""
    judged(text)


@given(st.data())
def test_a_file_with_damage_is_a_cluster_or_has_problems(data: st.DataObject) -> None:
    """Lines doubled, left out, indented otherwise, or with something odd in them."""
    lines = TEXT.splitlines()
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(lines) - 1))
        odd = data.draw(st.sampled_from(ODDITIES))
        lines[place : place + 1] = data.draw(
            st.sampled_from(([odd + lines[place]], [lines[place] + odd], [lines[place]] * 2, [], [odd]))
        )
        lines = lines or [""]
    judged("\n".join(lines))


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        TEXT + LAUGHS,
        "a: &a [*a]",
        "a: &a {b: *a}",
        "kind: MusicCluster\nspec: &a\n  spec: *a\n",
        *DEEP,
        "a: 2026-99-99",
        "{[a]: b}",
        "? {a: b}\n: c",
        "- !!timestamp x",
        "x: !!float .",
        "x: 0x",
        "x: 1__0:99",
        "x: !!int ''",
        "&a " * 5000,
        "x: !!bool maybe",
    ],
    ids=lambda text: ascii(text[:12]),
)
@pytest.mark.timeout(20)
def test_known_tricks_of_yaml_are_refused_at_once(text: str) -> None:
    """Aliases that multiply or contain themselves, bottomless nesting, scalars of an impossible value."""
    assert isinstance(judged(text), SpecError)

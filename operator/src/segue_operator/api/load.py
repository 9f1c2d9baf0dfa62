"""Reads a MusicCluster from YAML: everything wrong with it at once, each with its line."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from segue_operator.api.base import Path
from segue_operator.api.errors import Problem, SpecError, details_of, dotted, problem_of
from segue_operator.api.musiccluster import API_VERSION, KIND, RULE_BROKEN, MusicCluster

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from pydantic_core import ErrorDetails

LARGEST_FILE = 1 << 20
"""Bytes. The API server takes no larger object either."""

MOST_VALUES = 100_000
DEEPEST = 60

_UNREADABLE = (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError)
"""What PyYAML raises for scalars that are not what their tag says, such as the 99th of a month."""

_NULL = "tag:yaml.org,2002:null"

Lines = Mapping[Path, int]


def load_file(path: FilePath) -> MusicCluster:
    """Return the MusicCluster in a YAML file.

    Raises:
        SpecError: the file can't be read, or is no MusicCluster; names every problem with its line.
    """
    source = str(path)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise SpecError((Problem((), f"is larger than {LARGEST_FILE} bytes", "split it"),), source)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        problem = Problem((), f"can't be read: {error.strerror}", "check the path given with -f")
        raise SpecError((problem,), source) from error
    except UnicodeDecodeError as error:
        raise SpecError((Problem((), "is not UTF-8 text", "save it as UTF-8"),), source) from error
    return load_text(text, source)


def load_text(text: str, source: str = "") -> MusicCluster:
    """Return the MusicCluster that YAML text holds.

    Raises:
        SpecError: it is no MusicCluster; names every problem with its line.
    """
    try:
        _check_depth(text)
        roots = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
        for root in roots:
            # Aliases multiply, and may stand for what they are part of: looked at before they are followed.
            if _expanded(root, {}, 0) > MOST_VALUES:
                problem = Problem((), f"stands for more than {MOST_VALUES} values", "use fewer aliases")
                raise SpecError((problem,), source)
        documents = [document for document in yaml.safe_load_all(text) if document is not None]
    except (RecursionError, _TooDeepError) as error:
        fix = f"nest no deeper than {DEEPEST} levels, and let no anchor hold its own alias"
        raise SpecError((Problem((), "is nested too deeply", fix),), source) from error
    except _UNREADABLE as error:
        said = f"holds a value that can't be read: {str(error) or type(error).__name__}"
        raise SpecError((Problem((), said, "put it in quotes, or give it no tag"),), source) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problem = Problem((), f"is not YAML: {error.problem}", "check the indentation around here", line)
        raise SpecError((problem,), source) from error
    except yaml.YAMLError as error:
        raise SpecError((Problem((), f"is not YAML: {error}", ""),), source) from error
    if len(documents) != 1:
        said = f"must hold exactly one {KIND} (got {len(documents)} documents)"
        raise SpecError((Problem((), said, "give each its own file"),), source)
    root = next(node for node in roots if node.tag != _NULL)
    lines = dict(_lines(root, ()))
    repeated = tuple(_repeated(root, ()))
    if repeated:
        raise SpecError(repeated, source)
    return validate(documents[0], lines, source)


def validate(document: object, lines: Lines | None = None, source: str = "") -> MusicCluster:
    """Return the MusicCluster in a parsed document.

    Raises:
        SpecError: names every problem, fields and rules alike.
    """
    lines = lines or {}
    if not isinstance(document, dict) or document.get("kind") != KIND:
        kind = document.get("kind") if isinstance(document, dict) else None
        said = f"must be a {KIND} (got {kind or type(document).__name__})"
        fix = f"begin with `apiVersion: {API_VERSION}` and `kind: {KIND}`"
        raise SpecError((Problem((), said, fix, lines.get(("kind",), 1 if lines else 0)),), source)
    try:
        return MusicCluster.model_validate(document)
    except ValidationError as error:
        details = details_of(error)
        found = tuple(problem_of(one) for one in details)
        if all(one["type"] != RULE_BROKEN for one in details):
            found += tuple(_rules_of_the_rest(document, details))
        raise SpecError(tuple(_placed(problem, lines) for problem in found), source) from error


def _rules_of_the_rest(document: dict[str, Any], details: tuple[ErrorDetails, ...]) -> Iterator[Problem]:
    """Yield the rules broken by the parts that are well formed, so that nobody mends a file twice."""
    wrong = [tuple(part for part in one["loc"] if part != "[key]") for one in details]
    rest = copy.deepcopy(document)
    for path in sorted(wrong, key=_entries_in_order, reverse=True):
        _remove(rest, path)
    try:
        MusicCluster.model_validate(rest)
    except ValidationError as error:
        for one in details_of(error):
            problem = problem_of(one)
            if one["type"] == RULE_BROKEN and not _touched(problem, wrong):
                yield problem


def _touched(problem: Problem, wrong: list[Path]) -> bool:
    """Whether a rule's place holds something that was itself wrong, and so was left out."""
    return any(path[: len(problem.path)] == problem.path for path in wrong) or any(
        problem.path[: len(path)] == path for path in wrong
    )


def _remove(document: Any, path: Path) -> None:
    parent = document
    for part in path[:-1]:
        try:
            parent = parent[part]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(parent, dict) and path:
        parent.pop(path[-1], None)
    elif isinstance(parent, list) and isinstance(path[-1], int):
        del parent[path[-1] : path[-1] + 1]


def _entries_in_order(path: Path) -> list[str]:
    """Sort key: entries of a list are taken out last to first, so that none changes its place before."""
    return [f"{part:09d}" if isinstance(part, int) else part for part in path]


def _placed(problem: Problem, lines: Lines) -> Problem:
    """Return the problem with the line of its path, or of the nearest part of it that is there."""
    for length in range(len(problem.path), -1, -1):
        line = lines.get(problem.path[:length])
        if line is not None:
            return Problem(problem.path, problem.rule, problem.fix, line)
    return problem


class _TooDeepError(Exception):
    """Nested deeper than any MusicCluster, or without a bottom."""


def _check_depth(text: str) -> None:
    """Raise _TooDeepError at the first bracket too many: reading on takes time that grows with its square."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _TooDeepError


def _expanded(node: yaml.Node, known: dict[int, int], depth: int) -> int:
    """Return how many values a node stands for when all aliases in it are followed."""
    if depth > DEEPEST:
        raise _TooDeepError
    if id(node) not in known:
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            inner = [one for pair in node.value for one in pair]
        elif isinstance(node, yaml.SequenceNode):
            inner = node.value
        known[id(node)] = 1 + sum(_expanded(one, known, depth + 1) for one in inner)
    return known[id(node)]


def _lines(node: yaml.Node, path: Path) -> Iterator[tuple[Path, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            yield inner, key.start_mark.line + 1
            yield from _lines(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            inner = (*path, index)
            yield inner, value.start_mark.line + 1
            yield from _lines(value, inner)


def _repeated(node: yaml.Node, path: Path) -> Iterator[Problem]:
    """Yield fields written twice: YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            inner = (*path, name)
            if name in seen:
                said = f"is given twice (first on line {seen[name]})"
                yield Problem(inner, said, f"keep one {dotted(inner)}", line)
            seen[name] = line
            yield from _repeated(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _repeated(value, (*path, index))

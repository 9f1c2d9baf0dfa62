"""Modals: what Discord checks when a bot opens one, and how a person's client fills it in.

Both forms: text inputs in action rows, and labels with any input in them. Source: Discord's references
"Modal" and "Component Reference".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from segue_devkit.discord.errors import FormErrors
from segue_devkit.discord.options import NotPossibleError, selected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segue_devkit.discord.wire import Payload

MAX_PARTS: Final = 5
MAX_TEXT: Final = 4000
_ROW, _STRING_SELECT, _TEXT_INPUT, _TEXT, _LABEL = 1, 3, 4, 10, 18
_SELECTS: Final = (3, 5, 6, 7, 8)
_MAX_TITLE, _MAX_LABEL, _MAX_ID, _MAX_HINT = 45, 45, 100, 100
Path = tuple[str | int, ...]


def checked(data: Payload) -> Payload:
    """The modal of a callback, its parts numbered.

    Raises:
        ApiError: 50035 with the tree of faults.
    """
    errors = FormErrors()
    _text(errors, ("data", "custom_id"), data.get("custom_id"), _MAX_ID)
    _text(errors, ("data", "title"), data.get("title"), _MAX_TITLE)
    parts = data.get("components")
    if not isinstance(parts, list) or not 1 <= len(parts) <= MAX_PARTS:
        errors.length(("data", "components"), 1, MAX_PARTS)
        parts = []
    ids: set[str] = set()
    for index, part in enumerate(parts):
        _check_part(errors, ("data", "components", index), part, ids)
    errors.raise_if_any()
    return {"custom_id": data["custom_id"], "title": data["title"], "components": _numbered(parts)}


def _numbered(parts: list[Payload]) -> list[Payload]:
    """Discord gives every component an id of its own within the modal."""
    count = 0
    result = []
    for part in parts:
        count += 1
        numbered = {"id": count, **part}
        if part["type"] == _ROW:
            count += 1
            numbered["components"] = [{"id": count, **part["components"][0]}]
        elif part["type"] == _LABEL:
            count += 1
            numbered["component"] = {"id": count, **part["component"]}
        result.append(numbered)
    return result


def _check_part(errors: FormErrors, path: Path, part: Any, ids: set[str]) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == _TEXT:
        _text(errors, (*path, "content"), part.get("content"), MAX_TEXT)
    elif kind == _ROW:
        inner = part.get("components")
        if not isinstance(inner, list) or len(inner) != 1:
            errors.length((*path, "components"), 1, 1)
            return
        _check_input(errors, (*path, "components", 0), inner[0], ids, labelled=False)
    elif kind == _LABEL:
        _text(errors, (*path, "label"), part.get("label"), _MAX_LABEL)
        if part.get("description") is not None:
            _text(errors, (*path, "description"), part["description"], _MAX_HINT)
        _check_input(errors, (*path, "component"), part.get("component"), ids, labelled=True)
    else:
        errors.choice((*path, "type"), f"{_ROW}, {_TEXT}, {_LABEL}")


def _check_input(errors: FormErrors, path: Path, one: Any, ids: set[str], *, labelled: bool) -> None:
    kind = one.get("type") if isinstance(one, dict) else None
    allowed = (_TEXT_INPUT, *_SELECTS) if labelled else (_TEXT_INPUT,)
    if kind not in allowed:
        errors.choice((*path, "type"), ", ".join(str(each) for each in sorted(allowed)))
        return
    _text(errors, (*path, "custom_id"), one.get("custom_id"), _MAX_ID)
    if one.get("custom_id") in ids:
        errors.add(
            (*path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )
    ids.add(str(one.get("custom_id")))
    if kind == _TEXT_INPUT:
        _check_text_input(errors, path, one, labelled=labelled)
    elif kind == _STRING_SELECT and not one.get("options"):
        errors.required((*path, "options"))


def _check_text_input(errors: FormErrors, path: Path, one: Payload, *, labelled: bool) -> None:
    if one.get("style") not in {1, 2}:
        errors.choice((*path, "style"), "1, 2")
    if not labelled:
        _text(errors, (*path, "label"), one.get("label"), _MAX_LABEL)
    for name, most in (("placeholder", _MAX_HINT), ("value", MAX_TEXT)):
        if one.get(name):
            _text(errors, (*path, name), one[name], most)
    for name, low in (("min_length", 0), ("max_length", 1)):
        bound = one.get(name)
        if bound is not None and (not isinstance(bound, int) or not low <= bound <= MAX_TEXT):
            errors.add((*path, name), "NUMBER_TYPE_MAX", f"int value should be in {low} to {MAX_TEXT}.")


def _text(errors: FormErrors, path: Path, value: object, most: int) -> None:
    if value is None:
        errors.required(path)
    elif not isinstance(value, str):
        errors.wrong_type(path, "strings")
    elif not 1 <= len(value) <= most:
        errors.length(path, 1, most)


# ---- a person's side -------------------------------------------------------------------------------


def filled(modal: Payload, values: Mapping[str, object]) -> list[Payload]:
    """The components of a MODAL_SUBMIT for values by custom id.

    Raises:
        NotPossibleError: a field that does not exist, or does not take the value.
    """
    strangers = set(values) - {one["custom_id"] for one in inputs(modal)}
    if strangers:
        raise NotPossibleError(f"the modal has no field {', '.join(sorted(strangers))}")
    result: list[Payload] = []
    for part in modal["components"]:
        sent: Payload = {"type": part["type"], "id": part["id"]}
        if part["type"] == _ROW:
            sent["components"] = [_filled(one, values) for one in part["components"]]
        elif part["type"] == _LABEL:
            sent["component"] = _filled(part["component"], values)
        result.append(sent)
    return result


def inputs(modal: Payload) -> Iterator[Payload]:
    """Every field, with its label."""
    for part in modal["components"]:
        if part["type"] == _ROW:
            yield from part["components"]
        elif part["type"] == _LABEL:
            yield {**part["component"], "label": part["label"]}


def _filled(one: Payload, values: Mapping[str, object]) -> Payload:
    sent: Payload = {"type": one["type"], "id": one["id"], "custom_id": one["custom_id"]}
    if one["type"] == _TEXT_INPUT:
        return {**sent, "value": _typed(one, values.get(one["custom_id"], one.get("value") or ""))}
    return {**sent, "values": _selected(one, values.get(one["custom_id"], []))}


def _typed(one: Payload, text: object) -> str:
    if not isinstance(text, str):
        raise NotPossibleError(f"{one['custom_id']} takes text")
    if not text and not one.get("required", True):
        return text
    low, high = max(1, one.get("min_length") or 0), one.get("max_length") or MAX_TEXT
    if not low <= len(text) <= high:
        raise NotPossibleError(f"{one['custom_id']} takes {low} to {high} characters")
    return text


def _selected(one: Payload, values: object) -> list[str]:
    if not isinstance(values, list):
        raise NotPossibleError(f"{one['custom_id']} takes a list of values")
    if not values and not one.get("required", True):
        return []
    return selected(one, [str(each) for each in values])

"""Message bodies: the limits Discord checks on create, edit and interaction answers.

Source: Discord's references "Message", "Embed limits" and "Message components" (version 1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from segue_devkit.discord.errors import FormErrors, empty_message

if TYPE_CHECKING:
    from segue_devkit.discord.wire import Payload

MAX_CONTENT: Final = 2000
MAX_EMBEDS: Final = 10
MAX_EMBED_TOTAL: Final = 6000
MAX_FIELDS: Final = 25
MAX_ROWS: Final = 5
MAX_BUTTONS: Final = 5
MAX_CUSTOM_ID: Final = 100
MAX_LABEL: Final = 80
MAX_SELECT_OPTIONS: Final = 25
_EMBED_TEXTS = {"title": 256, "description": 4096}
_ROW, _BUTTON, _LINK_STYLE, _PREMIUM_STYLE, _STRING_SELECT = 1, 2, 5, 6, 3
_SELECTS = (3, 5, 6, 7, 8)
Path = tuple[str | int, ...]


def checked(body: Payload, *, prefix: Path = (), creating: bool, has_files: bool = False) -> Payload:
    """The fields of a message that the body sets, verified.

    Raises:
        ApiError: 50035 with the tree of faults, or 50006 for a new message with nothing in it.
    """
    errors = FormErrors()
    content = body.get("content")
    if content is not None and not isinstance(content, str):
        errors.wrong_type((*prefix, "content"), "strings")
    elif content and len(content) > MAX_CONTENT:
        errors.length((*prefix, "content"), 0, MAX_CONTENT)
    embeds, components = body.get("embeds"), body.get("components")
    if embeds:
        _check_embeds(errors, (*prefix, "embeds"), embeds)
    if components:
        _check_components(errors, (*prefix, "components"), components)
    errors.raise_if_any()
    if creating and not (content or embeds or components or has_files):
        raise empty_message()
    fields: Payload = {}
    if "content" in body:
        fields["content"] = content or ""
    if "embeds" in body:
        fields["embeds"] = [{"type": "rich", **each} for each in embeds or []]
    if "components" in body:
        fields["components"] = _numbered(components or [])
    return fields


def _numbered(rows: list[Payload]) -> list[Payload]:
    """Discord gives every component an id of its own within the message."""
    count = 0
    result = []
    for row in rows:
        count += 1
        stored = {**row, "id": row.get("id", count), "components": []}
        for each in row.get("components", []):
            count += 1
            stored["components"].append({"id": count, **each})
        result.append(stored)
    return result


def _check_embeds(errors: FormErrors, path: Path, embeds: Any) -> None:
    if not isinstance(embeds, list):
        errors.wrong_type(path, "arrays")
        return
    if len(embeds) > MAX_EMBEDS:
        errors.length(path, 0, MAX_EMBEDS)
    total = 0
    for index, embed in enumerate(embeds):
        if not isinstance(embed, dict):
            errors.wrong_type((*path, index), "objects")
            continue
        total += _check_embed(errors, (*path, index), embed)
    if total > MAX_EMBED_TOTAL:
        errors.add(path, "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_EMBED_TOTAL}")


def _check_embed(errors: FormErrors, path: Path, embed: Payload) -> int:
    if not _well_formed(errors, path, embed):
        return 0
    total = sum(_limited(errors, (*path, name), embed.get(name), most) for name, most in _EMBED_TEXTS.items())
    footer, author = embed.get("footer") or {}, embed.get("author") or {}
    total += _limited(errors, (*path, "footer", "text"), footer.get("text"), 2048)
    total += _limited(errors, (*path, "author", "name"), author.get("name"), 256)
    for index, each in enumerate(embed.get("fields") or []):
        at = (*path, "fields", index)
        for name, most in (("name", 256), ("value", 1024)):
            if not each.get(name):
                errors.required((*at, name))
            total += _limited(errors, (*at, name), each.get(name), most)
    if len(embed.get("fields") or []) > MAX_FIELDS:
        errors.length((*path, "fields"), 0, MAX_FIELDS)
    links: list[tuple[Path, object]] = [(("url",), embed.get("url"))]
    links += [
        ((part, "url"), (embed.get(part) or {}).get("url")) for part in ("thumbnail", "image", "author")
    ]
    for at, link in links:
        if link is not None and urlsplit(str(link)).scheme not in {"http", "https", "attachment"}:
            errors.add(
                (*path, *at),
                "URL_TYPE_INVALID_SCHEME",
                f'Scheme "{urlsplit(str(link)).scheme}" is not supported.',
            )
    color = embed.get("color")
    if color is not None and (not isinstance(color, int) or not 0 <= color <= 0xFFFFFF):  # noqa: PLR2004 - 24 bits
        errors.add((*path, "color"), "NUMBER_TYPE_MAX", "int value should be less than or equal to 16777215.")
    return total


def _well_formed(errors: FormErrors, path: Path, embed: Payload) -> bool:
    """Parts of an embed are objects, its fields a list of objects."""
    fine = True
    for name in ("footer", "author", "thumbnail", "image"):
        if not isinstance(embed.get(name) or {}, dict):
            errors.wrong_type((*path, name), "dictionaries")
            fine = False
    fields = embed.get("fields") or []
    if not isinstance(fields, list) or not all(isinstance(each, dict) for each in fields):
        errors.wrong_type((*path, "fields"), "arrays")
        fine = False
    return fine


def settable_flags(value: object, settable: int, path: Path = ("flags",)) -> int:
    """The flags of a body that a bot may set; the others are dropped. 50035 for what is no number."""
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        errors = FormErrors()
        errors.add(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        errors.raise_if_any()
        return 0
    return value & settable


def _limited(errors: FormErrors, path: Path, text: object, most: int) -> int:
    if text is None:
        return 0
    if not isinstance(text, str):
        errors.wrong_type(path, "strings")
        return 0
    if len(text) > most:
        errors.length(path, 0, most)
    return len(text)


def _check_components(errors: FormErrors, path: Path, rows: Any) -> None:
    if not isinstance(rows, list):
        errors.wrong_type(path, "arrays")
        return
    if len(rows) > MAX_ROWS:
        errors.length(path, 0, MAX_ROWS)
    ids: set[str] = set()
    for index, row in enumerate(rows):
        at = (*path, index)
        if not isinstance(row, dict) or row.get("type") != _ROW:
            errors.choice((*at, "type"), str(_ROW))
            continue
        inner = row.get("components") or []
        if not isinstance(inner, list) or not all(isinstance(each, dict) for each in inner):
            errors.wrong_type((*at, "components"), "arrays")
            continue
        selects = [each for each in inner if each.get("type") in _SELECTS]
        if not 1 <= len(inner) <= MAX_BUTTONS or (selects and len(inner) > 1):
            errors.length((*at, "components"), 1, MAX_BUTTONS)
        for position, each in enumerate(inner):
            _check_component(errors, (*at, "components", position), each, ids)


def _check_component(errors: FormErrors, path: Path, one: Payload, ids: set[str]) -> None:
    kind = one.get("type")
    if kind == _BUTTON and one.get("style") in {_LINK_STYLE, _PREMIUM_STYLE}:
        _check_link(errors, path, one)
        return
    if kind != _BUTTON and kind not in _SELECTS:
        errors.choice((*path, "type"), "2, 3, 5, 6, 7, 8")
        return
    custom_id = one.get("custom_id")
    if not isinstance(custom_id, str):
        errors.required((*path, "custom_id"))
    elif not 1 <= len(custom_id) <= MAX_CUSTOM_ID:
        errors.length((*path, "custom_id"), 1, MAX_CUSTOM_ID)
    elif custom_id in ids:
        errors.add(
            (*path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
        )
    ids.add(str(custom_id))
    if kind == _BUTTON:
        _check_button(errors, path, one)
    elif kind == _STRING_SELECT:
        _check_select(errors, path, one)


def _check_link(errors: FormErrors, path: Path, one: Payload) -> None:
    if one.get("style") == _LINK_STYLE and urlsplit(str(one.get("url", ""))).scheme not in {"http", "https"}:
        errors.required((*path, "url"))
    if one.get("custom_id"):
        errors.add(
            (*path, "custom_id"),
            "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
            "A link has no custom id",
        )


def _check_button(errors: FormErrors, path: Path, one: Payload) -> None:
    if one.get("style") not in {1, 2, 3, 4}:
        errors.choice((*path, "style"), "1, 2, 3, 4, 5, 6")
    if not one.get("label") and not one.get("emoji"):
        errors.add(path, "BUTTON_COMPONENT_LABEL_OR_EMOJI", "A button must have a label or emoji")
    _limited(errors, (*path, "label"), one.get("label"), MAX_LABEL)


def _check_select(errors: FormErrors, path: Path, one: Payload) -> None:
    options = one.get("options") or []
    if not isinstance(options, list) or not all(isinstance(each, dict) for each in options):
        errors.wrong_type((*path, "options"), "arrays")
        return
    if not 1 <= len(options) <= MAX_SELECT_OPTIONS:
        errors.length((*path, "options"), 1, MAX_SELECT_OPTIONS)
    values = [each.get("value") for each in options]
    if len(set(values)) != len(values):
        errors.add(
            (*path, "options"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "Option values must be unique"
        )
    for index, each in enumerate(options):
        for name in ("label", "value"):
            if not each.get(name):
                errors.required((*path, "options", index, name))
            _limited(errors, (*path, "options", index, name), each.get(name), 100)

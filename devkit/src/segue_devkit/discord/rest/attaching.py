"""Files of messages: taken from a form, kept, and shown with an address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from segue_devkit.discord.errors import FormErrors, too_large
from segue_devkit.discord.files import shown_in_embeds
from segue_devkit.discord.rest.http import UPLOADS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

    from segue_devkit.discord.files import Files
    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.wire import Payload

MAX_FILES: Final = 10


class Attaching:
    """What every call that makes or changes a message does with its files."""

    def __init__(self, files: Files, knobs: Knobs, owner_id: int) -> None:
        self._files = files
        self._knobs = knobs
        self._owner_id = owner_id

    def check(self, request: web.Request) -> int:
        """How many files came.

        Raises:
            ApiError: 40005 if they are too large, 50035 if they are too many.
        """
        uploads = request.get(UPLOADS, ())
        if any(len(each.data) > self._knobs.attachment_size_limit for each in uploads):
            raise too_large()
        errors = FormErrors()
        if len(uploads) > MAX_FILES:
            errors.length(("files",), 0, MAX_FILES)
        errors.raise_if_any()
        return len(uploads)

    def add(
        self,
        request: web.Request,
        body: Payload,
        fields: Payload,
        *,
        channel_id: int,
        old: Sequence[Payload] = (),
        ephemeral: bool = False,
    ) -> None:
        """Complete ``fields``: new files, the old ones that ``attachments`` names, embeds that show files."""
        uploads = request.get(UPLOADS, ())
        if not uploads and "attachments" not in body:
            return
        listed = body.get("attachments") if isinstance(body.get("attachments"), list) else None
        kept = [each for each in old if listed is None or _names(listed, each["id"])]
        new = self._files.attached(self._owner_id, uploads, channel_id, ephemeral=ephemeral)
        fields["attachments"] = [*kept, *shown_in_embeds(fields.get("embeds") or [], new)]


def _names(listed: Sequence[object], attachment_id: object) -> bool:
    return any(isinstance(each, dict) and str(each.get("id")) == attachment_id for each in listed)

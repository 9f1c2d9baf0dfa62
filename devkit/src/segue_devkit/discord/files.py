"""Uploaded files, and the addresses where anybody can fetch them for a day.

Discord's own addresses are signed: ``ex`` and ``is`` are hexadecimal seconds of expiry and issue, ``hm``
the signature over both. Whoever shows the same message later is given fresh ones. Source: Discord's
reference "Signed attachment CDN URLs".
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from segue_devkit.discord.ids import Ids
    from segue_devkit.discord.knobs import Knobs
    from segue_devkit.discord.wire import Payload

KEPT_BYTES: Final = 256 << 20
"""Of all files together; the oldest are forgotten beyond, so that a long run does not fill the memory."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_EMBEDDED = "attachment://"
_PICTURES = (("image", "url"), ("thumbnail", "url"), ("author", "icon_url"), ("footer", "icon_url"))


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One upload. ``title`` is the name before characters that no address can carry were replaced.

    ``ephemeral``: of a slash option or an ephemeral answer.
    """

    id: int
    owner_id: int
    filename: str
    title: str
    content_type: str
    data: bytes = field(repr=False)
    ephemeral: bool
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came in a form."""

    filename: str
    content_type: str
    data: bytes = field(repr=False)
    description: str | None = None


class Files:
    """Every upload by id, and its signed address."""

    def __init__(self, ids: Ids, knobs: Knobs, public_url: Callable[[], str]) -> None:
        self._ids = ids
        self._knobs = knobs
        self._public_url = public_url
        self._key = secrets.token_bytes(32)
        self._files: dict[int, StoredFile] = {}
        self._bytes = 0

    def keep(self, owner_id: int, upload: Upload, *, ephemeral: bool = False) -> StoredFile:
        """Take a file in."""
        name = _UNSAFE.sub("_", upload.filename) or "file"
        stored = StoredFile(
            self._ids.new(),
            owner_id,
            name,
            upload.filename,
            upload.content_type,
            upload.data,
            ephemeral,
            upload.description,
        )
        self._files[stored.id] = stored
        self._bytes += len(stored.data)
        while self._bytes > KEPT_BYTES and len(self._files) > 1:
            self._bytes -= len(self._files.pop(next(iter(self._files))).data)
        return stored

    def of(self, owner_id: int) -> Mapping[int, StoredFile]:
        """What somebody uploaded."""
        return {each.id: each for each in self._files.values() if each.owner_id == owner_id}

    def found(self, file_id: int, filename: str) -> StoredFile | None:
        """The file at an address; None if there is none (any more)."""
        stored = self._files.get(file_id)
        return stored if stored is not None and stored.filename == filename else None

    # ---- addresses -------------------------------------------------------------------------------

    def url(self, stored: StoredFile, channel_id: int) -> str:
        """An address that works for ``attachment_url_ms`` from now."""
        issued = int(time.time())
        expires = issued + self._knobs.attachment_url_ms // 1000
        folder = "ephemeral-attachments" if stored.ephemeral else "attachments"
        path = f"/{folder}/{channel_id}/{stored.id}/{stored.filename}"
        signature = self._signature(path, f"{expires:x}", f"{issued:x}")
        return f"{self._public_url()}{path}?ex={expires:x}&is={issued:x}&hm={signature}&"

    def valid(self, path: str, query: Mapping[str, str]) -> bool:
        """Whether an address is signed by us and not too old."""
        expires, issued = query.get("ex", ""), query.get("is", "")
        if not hmac.compare_digest(query.get("hm", ""), self._signature(path, expires, issued)):
            return False
        return int(expires, 16) >= time.time()

    def _signature(self, path: str, expires: str, issued: str) -> str:
        return hmac.new(self._key, f"{path}:{expires}:{issued}".encode(), hashlib.sha256).hexdigest()

    # ---- payloads --------------------------------------------------------------------------------

    def payload(self, stored: StoredFile, channel_id: int) -> Payload:
        """Attachment object."""
        url = self.url(stored, channel_id)
        shown: Payload = {
            "id": str(stored.id),
            "filename": stored.filename,
            "size": len(stored.data),
            "url": url,
            "proxy_url": url,
            "content_type": stored.content_type,
        }
        if stored.title != stored.filename:
            shown["title"] = stored.title
        if stored.description is not None:
            shown["description"] = stored.description
        if stored.ephemeral:
            shown["ephemeral"] = True
        return shown

    def attached(
        self, owner_id: int, uploads: Sequence[Upload], channel_id: int, *, ephemeral: bool
    ) -> list[Payload]:
        """Keep the files of a message; their attachment objects."""
        kept = [self.keep(owner_id, each, ephemeral=ephemeral) for each in uploads]
        return [self.payload(each, channel_id) for each in kept]


def shown_in_embeds(embeds: list[Payload], attachments: list[Payload]) -> list[Payload]:
    """Point ``attachment://name`` of embeds at the file's address; what is left to list as attachments."""
    addresses = {each["filename"]: each["url"] for each in attachments}
    used: set[str] = set()
    for embed in embeds:
        for part, key in (
            ("image", "url"),
            ("thumbnail", "url"),
            ("author", "icon_url"),
            ("footer", "icon_url"),
        ):
            holder = embed.get(part) or {}
            link = str(holder.get(key, ""))
            name = link.removeprefix(_EMBEDDED)
            if link.startswith(_EMBEDDED) and name in addresses:
                holder[key] = addresses[name]
                used.add(name)
    return [each for each in attachments if each["filename"] not in used]

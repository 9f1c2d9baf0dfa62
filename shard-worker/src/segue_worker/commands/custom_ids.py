"""The ids of our buttons: ``sg1:<action>[:<argument>]``, versioned because messages outlive releases."""

from __future__ import annotations

import re
from dataclasses import dataclass

from segue_worker.domain.messages import Verb

PREFIX = "sg1"
VOLUME_STEP = 10
_OFFER = re.compile(r"sg1:offer:([0-9]{1,20})", re.ASCII)
_PAGE = re.compile(r"sg1:(queue|history|help|liked):([1-9][0-9]{0,5})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """What pressing a button means. ``page`` set: the message with the button is turned to it.

    ``offer`` set: a song of the list of this name was chosen; which one is the menu's value.
    """

    verb: Verb
    amount: int | None = None
    page: int | None = None
    offer: str | None = None


PAUSE = f"{PREFIX}:pause"
RESUME = f"{PREFIX}:resume"
PREVIOUS = f"{PREFIX}:previous"
LOOP = f"{PREFIX}:loop"
SHUFFLE = f"{PREFIX}:shuffle"
SKIP = f"{PREFIX}:skip"
STOP = f"{PREFIX}:stop"
VOLUME_DOWN = f"{PREFIX}:volume:down"
VOLUME_UP = f"{PREFIX}:volume:up"
QUEUE = f"{PREFIX}:queue"
LIKE = f"{PREFIX}:like"

_PRESSES = {
    PAUSE: Press(verb=Verb.PAUSE),
    RESUME: Press(verb=Verb.RESUME),
    PREVIOUS: Press(verb=Verb.PREVIOUS),
    LOOP: Press(verb=Verb.LOOP),
    SHUFFLE: Press(verb=Verb.SHUFFLE),
    SKIP: Press(verb=Verb.SKIP),
    STOP: Press(verb=Verb.STOP),
    VOLUME_DOWN: Press(verb=Verb.VOLUME, amount=-VOLUME_STEP),
    VOLUME_UP: Press(verb=Verb.VOLUME, amount=VOLUME_STEP),
    QUEUE: Press(verb=Verb.QUEUE),
    LIKE: Press(verb=Verb.LIKE),
}


def page_of(verb: Verb, page: int) -> str:
    """Return the id of a button that turns to ``page`` (1-based) of what ``verb`` shows."""
    return f"{PREFIX}:{verb.value}:{page}"


def offer(name: str) -> str:
    """Return the id of the menu that offers the songs of a list."""
    return f"{PREFIX}:offer:{name}"


def parse_custom_id(custom_id: str) -> Press | None:
    """Return what ``custom_id`` means, None when it is not ours or of another version."""
    page = _PAGE.fullmatch(custom_id)
    if page is not None:
        return Press(verb=Verb(page[1]), page=int(page[2]))
    offered = _OFFER.fullmatch(custom_id)
    if offered is not None:
        return Press(verb=Verb.PLAY, offer=offered[1])
    return _PRESSES.get(custom_id)

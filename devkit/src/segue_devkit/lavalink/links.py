"""What an HTTP link answers, before anything is decoded: as a node asks, with its limits and its words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Final
from urllib import request
from urllib.error import URLError
from urllib.parse import urljoin, urlsplit

from segue_devkit.lavalink.errors import TrackError

if TYPE_CHECKING:
    from http.client import HTTPResponse

LOAD_ERROR: Final = "Something went wrong while looking up the track."
FRIENDLY: Final = "com.sedmelluq.discord.lavaplayer.tools.FriendlyException"
SCHEMES: Final = ("http://", "https://")
_REQUESTS: Final = 5
"""The first one, and those that redirects lead to."""
_NO_CONNECTION: Final = "Connecting to the URL failed."
_TIMEOUT_S: Final = 3.0
# 308 is not followed: a real node calls it a status that is not playable.
_REDIRECTS: Final = frozenset({301, 302, 303, 307})
_ILLEGAL: Final = re.compile(r"[\x00-\x20\"<>\\^`{|}\x7f]|%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Answer:
    """The last link of a chain of redirects, and its status."""

    url: str
    status: int


def follow(url: str) -> Answer | None:
    """Ask a link, and the ones that it redirects to; None if they lead nowhere (too far, or out of HTTP).

    Raises:
        TrackError: it is no valid link, or nothing answers within 3 s.
    """
    for _ in range(_REQUESTS):
        if not url.startswith(SCHEMES):
            return None
        status, location = _ask(url)
        if status not in _REDIRECTS or location is None:
            return Answer(url, status)
        url = urljoin(url, location)
    return None


def playable(url: str) -> str | None:
    """The link that a link leads to; None if there is nothing.

    Raises:
        TrackError: what answers is no success, or nothing does.
    """
    answer = follow(url)
    if answer is None or answer.status == HTTPStatus.NOT_FOUND:
        return None
    if answer.status != HTTPStatus.OK:
        raise _failure(
            "That URL is not playable.", f"java.lang.IllegalStateException: Status code {answer.status}"
        )
    return answer.url


def status_now(url: str) -> int | None:
    """The status of a link that failed to play; None if nothing answers any more."""
    try:
        answer = follow(url)
    except TrackError:
        return None
    return None if answer is None else answer.status


def _ask(url: str) -> tuple[int, str | None]:
    """Status and redirect of one GET, whose body is not read."""
    if _ILLEGAL.search(url):
        raise _failure("Not a valid URL.", f"java.net.URISyntaxException: Illegal character: {url}")
    # No proxies of the environment, no redirects, no schemes but these two.
    opener = request.OpenerDirector()
    opener.add_handler(request.HTTPHandler())
    opener.add_handler(request.HTTPSHandler())
    if not urlsplit(url).hostname:
        raise _failure(_NO_CONNECTION, f"java.io.IOException: URI does not specify a valid host name: {url}")
    try:
        response: HTTPResponse = opener.open(request.Request(url), timeout=_TIMEOUT_S)  # noqa: S310 - see SCHEMES
    except (OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise _failure(_NO_CONNECTION, _java(reason)) from None
    with response:
        return response.status, response.headers["Location"]


def _failure(reason: str, cause: str) -> TrackError:
    return TrackError(LOAD_ERROR, "fault", f"{FRIENDLY}: {reason}\nCaused by: {cause}")


def _java(reason: object) -> str:
    """A reason in the words of a JVM."""
    if isinstance(reason, TimeoutError):
        return "java.net.SocketTimeoutException: Read timed out"
    if isinstance(reason, ConnectionRefusedError):
        return "java.net.ConnectException: Connection refused"
    return f"java.io.IOException: {reason}"

"""Whether the environment names a proxy for Discord, asked once and not with every call.

aiohttp, told to trust the environment, reads it and ``~/.netrc`` anew for each request, in a thread: two
hops a call that a busy process feels.
"""

from __future__ import annotations

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

_HTTP_OF = {"ws": "http", "wss": "https"}


def has_proxy(url: str) -> bool:
    """Return whether ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` send this URL through a proxy."""
    parts = urlsplit(url)
    proxies = getproxies()
    named = parts.scheme in proxies or _HTTP_OF.get(parts.scheme) in proxies
    return named and not proxy_bypass(parts.hostname or "")

"""What people type into /play: words, or a link that may be fetched, or one that must not be.

Pure: names are not resolved here. Who fetches a link resolves its host, asks :func:`check_address`
about every address it gets, and asks again for every redirect.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit, urlunsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*)://", re.IGNORECASE)
_BARE_SCHEME = re.compile(r"(file|data|javascript|ftp|gopher|blob|jar|unix|local|http|https):", re.IGNORECASE)
_SEARCH_PREFIX = re.compile(r"([a-z]{1,16}search):(.*)", re.IGNORECASE | re.DOTALL)
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
_HOST_NAME = re.compile(r"[a-z0-9_\-]+(\.[a-z0-9_\-]+)*", re.IGNORECASE)
_FIRST_UNPRIVILEGED_PORT = 1024
_WEB_PORTS = {"http": 80, "https": 443}
_LONGEST_HOST = 253

_NEVER_PUBLIC: tuple[Network, ...] = (
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT, RFC 6598
    IPv4Network("192.0.0.0/24"),  # protocol assignments, RFC 6890
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, RFC 7526
    IPv6Network("64:ff9b:1::/48"),  # local NAT64, RFC 8215
    IPv6Network("fec0::/10"),  # site-local, RFC 3879
)
_NAT64 = IPv6Network("64:ff9b::/96")


class Refusal(StrEnum):
    """Why a link is not fetched."""

    SCHEME = "scheme"
    MALFORMED = "malformed"
    CREDENTIALS = "credentials"
    PORT = "port"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An http(s) link in a normal form. ``host`` is a name, or an address without brackets."""

    url: str
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWords:
    """Something to search for; ``prefix`` when the person chose where (``ytsearch``), else empty."""

    text: str
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A link that must not be fetched."""

    reason: Refusal


def parse_link(text: str, allowed_networks: Sequence[Network] = ()) -> Link | SearchWords | Refused:
    """Tell what ``text`` is. Addresses written out are judged here, names by who resolves them."""
    text = text.strip()
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1].strip()  # how one writes a link in Discord that is not to be unfolded
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _words(text)
    if scheme[1].lower() not in _WEB_PORTS:
        return Refused(reason=Refusal.SCHEME)
    if "\\" in text or any(_is_blank(character) for character in text):
        return Refused(reason=Refusal.MALFORMED)
    try:
        return _judge(urlsplit(text), allowed_networks)
    except ValueError:
        return Refused(reason=Refusal.MALFORMED)


def check_address(address: Address | str, allowed_networks: Sequence[Network] = ()) -> bool:
    """Whether ``address`` may be fetched from: public, or in a network that the operator allows.

    An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is judged as well: it is where
    the packets would go. A string that is no address is refused.
    """
    try:
        parsed = ip_address(address) if isinstance(address, str) else address
    except ValueError:
        return False
    if any(parsed in network for network in allowed_networks):
        return True
    inner = _embedded(parsed)
    if inner:
        return all(check_address(one, allowed_networks) for one in inner)
    return (
        parsed.is_global
        and not parsed.is_multicast
        and not any(parsed in network for network in _NEVER_PUBLIC)
    )


def _words(text: str) -> SearchWords | Refused:
    search = _SEARCH_PREFIX.fullmatch(text)
    if search is not None:
        return SearchWords(text=search[2].strip(), prefix=search[1].lower())
    if _BARE_SCHEME.match(text) and not any(character.isspace() for character in text):
        return Refused(reason=Refusal.SCHEME)
    return SearchWords(text=text)


def _judge(parts: SplitResult, allowed_networks: Sequence[Network]) -> Link | Refused:
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        return Refused(reason=Refusal.CREDENTIALS)
    scheme = parts.scheme.lower()
    port = parts.port if parts.port is not None else _WEB_PORTS[scheme]
    if port not in _WEB_PORTS.values() and port < _FIRST_UNPRIVILEGED_PORT:
        return Refused(reason=Refusal.PORT)
    host = _ascii_host(parts.hostname or "")
    address = _written_out(host)
    if address is not None and not check_address(address, allowed_networks):
        return Refused(reason=Refusal.ADDRESS)
    netloc = f"[{host}]" if isinstance(address, IPv6Address) else host
    if port != _WEB_PORTS[scheme]:
        netloc = f"{netloc}:{port}"
    url = urlunsplit((scheme, netloc, parts.path or "/", parts.query, ""))
    return Link(url=url, host=host, port=port)


def _ascii_host(host: str) -> str:
    """Return ``host`` in ASCII, as a resolver will see it. Full-width digits are digits there."""
    if ":" in host:
        return host
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise ValueError("not a host name") from error
    host = host.removesuffix(".").lower()
    if len(host) > _LONGEST_HOST or not _HOST_NAME.fullmatch(host):
        raise ValueError("not a host name")
    return host


def _written_out(host: str) -> Address | None:
    """Return the address that ``host`` spells, None for a name.

    A host whose last label is a number is an address for every resolver (WHATWG URL, "ends in a
    number"); the short, octal and hexadecimal spellings that some accept are refused.
    """
    if ":" in host:
        if "%" in host:
            raise ValueError("no zones")
        return IPv6Address(host)
    if _NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        try:
            return IPv4Address(host)
        except AddressValueError as error:
            raise ValueError("not an address in four decimal parts") from error
    return None


def _embedded(address: Address) -> tuple[IPv4Address, ...]:
    if isinstance(address, IPv4Address):
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in _NAT64:
        return (IPv4Address(int(address) & 0xFFFFFFFF),)
    return ()


def _is_blank(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Zs", "Zl", "Zp"}

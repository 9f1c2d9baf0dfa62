"""Links from people never reach private networks."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segue_worker.commands.links import Link, Refusal, Refused, SearchWords, check_address, parse_link


@pytest.mark.parametrize(
    ("text", "url", "host", "port"),
    [
        ("https://example.org/a?b=c#d", "https://example.org/a?b=c", "example.org", 443),
        ("  <https://example.org/a>  ", "https://example.org/a", "example.org", 443),
        ("HTTP://Example.ORG.", "http://example.org/", "example.org", 80),
        ("https://example.org:8443/x", "https://example.org:8443/x", "example.org", 8443),
        ("https://bücher.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443),
        ("http://93.184.215.14/", "http://93.184.215.14/", "93.184.215.14", 80),
        ("http://[2606:4700::1111]/", "http://[2606:4700::1111]/", "2606:4700::1111", 80),
    ],
)
def test_public_links_come_out_in_a_normal_form(text: str, url: str, host: str, port: int) -> None:
    """One spelling of host, port and path; no fragment."""
    assert parse_link(text) == Link(url=url, host=host, port=port)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://example.org/", Refusal.SCHEME),
        ("file:///etc/passwd", Refusal.SCHEME),
        ("file:/etc/passwd", Refusal.SCHEME),
        ("javascript:alert(1)", Refusal.SCHEME),
        ("https://user:pw@example.org/", Refusal.CREDENTIALS),
        ("https://example.org@127.0.0.1/", Refusal.CREDENTIALS),
        ("https://@127.0.0.1/", Refusal.CREDENTIALS),
        ("http://example.org:22/", Refusal.PORT),
        ("http://example.org:0/", Refusal.PORT),
        ("http://example.org:99999/", Refusal.MALFORMED),
        ("http:///path", Refusal.MALFORMED),
        ("http://exa mple.org/", Refusal.MALFORMED),
        ("http://example.org\\@127.0.0.1/", Refusal.MALFORMED),
        ("http://example.org/\r\nHost: x", Refusal.MALFORMED),
        ("http://ex\u200bample.org/", Refusal.MALFORMED),
        ("http://[::1", Refusal.MALFORMED),
        ("http://[fe80::1%25eth0]/", Refusal.MALFORMED),
        ("http://127.1/", Refusal.MALFORMED),
        ("http://2130706433/", Refusal.MALFORMED),
        ("http://0x7f.0.0.1/", Refusal.MALFORMED),
        ("http://0177.0.0.1/", Refusal.MALFORMED),
        ("http://127.0.0.1/", Refusal.ADDRESS),
        ("http://127.0.0.1./", Refusal.ADDRESS),
        ("http://\uff11\uff12\uff17.0.0.1/", Refusal.ADDRESS),
        ("http://127。0。0。1/", Refusal.ADDRESS),
        ("http://10.0.0.8:2333/", Refusal.ADDRESS),
        ("http://169.254.169.254/latest/meta-data", Refusal.ADDRESS),
        ("http://100.64.1.1/", Refusal.ADDRESS),
        ("http://0.0.0.0/", Refusal.ADDRESS),
        ("http://[::1]/", Refusal.ADDRESS),
        ("http://[::ffff:10.0.0.1]/", Refusal.ADDRESS),
        ("http://[64:ff9b::7f00:1]/", Refusal.ADDRESS),
        ("http://[2002:7f00:1::]/", Refusal.ADDRESS),
        ("http://[fc00::1]/", Refusal.ADDRESS),
    ],
)
def test_links_that_must_not_be_fetched_are_refused(text: str, reason: Refusal) -> None:
    """Every spelling of a private place, and whatever a second parser could read differently."""
    assert parse_link(text) == Refused(reason=reason)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("night drive", SearchWords(text="night drive")),
        ("Re: hello", SearchWords(text="Re: hello")),
        ("data: the movie", SearchWords(text="data: the movie")),
        ("ytsearch:night drive", SearchWords(text="night drive", prefix="ytsearch")),
        ("SCsearch: drive", SearchWords(text="drive", prefix="scsearch")),
        ("", SearchWords(text="")),
        ("/etc/passwd", SearchWords(text="/etc/passwd")),
    ],
)
def test_words_are_words(text: str, expected: SearchWords) -> None:
    """With or without the place to search in."""
    assert parse_link(text) == expected


def test_the_operator_may_allow_a_network() -> None:
    """The list is explicit, and allows nothing beside it."""
    allowed = (IPv4Network("127.0.0.0/8"),)
    assert isinstance(parse_link("http://127.0.0.1:8080/tune.ogg", allowed), Link)
    assert isinstance(parse_link("http://[::ffff:127.0.0.1]:8080/", allowed), Link)
    assert parse_link("http://10.0.0.1:8080/", allowed) == Refused(reason=Refusal.ADDRESS)
    assert check_address("127.3.4.5", allowed)
    assert not check_address("10.0.0.1", allowed)


def test_addresses_are_judged_as_the_packets_go() -> None:
    """Public ones pass; what is no address does not."""
    assert check_address("1.1.1.1")
    assert check_address("2606:4700::1111")
    assert check_address("::ffff:1.1.1.1")
    for refused in ("224.0.0.1", "255.255.255.255", "fe80::1", "ff02::1", "::", "fec0::1", "name", ""):
        assert not check_address(refused)


PRIVATE = [
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "100.64.0.0/10",
    )
]


@given(st.sampled_from(PRIVATE).flatmap(lambda network: st.ip_addresses(network=network)))
def test_no_private_address_passes_in_any_dress(address: IPv4Address) -> None:
    """Plain, mapped, NAT64, 6to4, or written into a link."""
    number = int(address)
    dresses = [
        str(address),
        f"::ffff:{address}",
        f"64:ff9b::{number >> 16:x}:{number & 0xFFFF:x}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1",
    ]
    for dress in dresses:
        assert not check_address(dress)
        host = f"[{dress}]" if ":" in dress else dress
        assert parse_link(f"http://{host}/") == Refused(reason=Refusal.ADDRESS)


@given(st.text(max_size=40) | st.text(max_size=40).map(lambda text: f"https://{text}"))
def test_any_text_is_told_apart(text: str) -> None:
    """Total; and what comes out as a link parses to itself."""
    parsed = parse_link(text, (IPv6Network("::1/128"),))
    assert isinstance(parsed, Link | SearchWords | Refused)
    if isinstance(parsed, Link):
        assert parse_link(parsed.url) == parsed

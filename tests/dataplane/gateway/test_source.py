"""Forged and honest forwarding."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.dataplane.gateway.source import MAX_HOPS, ForwardedHeader, Sources
from ringwall.model.errors import CallerError, ConfigError

PROXIES = ("10.0.0.0/8", "2001:db8:ffff::/48")


def locate(peer: str, *lines: str, header: ForwardedHeader = ForwardedHeader.X_FORWARDED_FOR) -> str:
    headers = [(b"host", b"x"), *((header.value.encode(), line.encode("latin-1")) for line in lines)]
    return str(Sources(PROXIES, header).locate(peer, headers, encrypted=True).address)


def test_a_header_from_a_stranger_does_not_exist() -> None:
    assert locate("192.0.2.9", "127.0.0.1") == "192.0.2.9"
    assert locate("192.0.2.9", "rubbish") == "192.0.2.9"


def test_hops_are_counted_from_the_right() -> None:
    assert locate("10.0.0.1", "127.0.0.1, 203.0.113.5") == "203.0.113.5"
    assert locate("10.0.0.1", "127.0.0.1, 203.0.113.5, 10.0.0.2") == "203.0.113.5"
    assert locate("10.0.0.1", "127.0.0.1", "203.0.113.5") == "203.0.113.5"


def test_the_number_of_named_proxies_is_counted() -> None:
    source = Sources(PROXIES).locate("10.0.0.1", [(b"x-forwarded-for", b"203.0.113.5, 10.0.0.2")], encrypted=False)
    assert (source.proxied, str(source.peer), source.encrypted) == (2, "10.0.0.1", False)


def test_a_proxy_that_asks_for_itself_is_the_caller() -> None:
    assert locate("10.0.0.1") == "10.0.0.1"
    assert locate("10.0.0.1", "10.0.0.7") == "10.0.0.7"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "rubbish",
        "203.0.113.5:80",
        "203.0.113.5,",
        "203.0.113.5, ,10.0.0.2",
        "1.2.3",
        "010.0.0.1",
        "fe80::1%eth0",
        "203.0.113.5\x00",
        "２０３.0.113.5".encode().decode("latin-1"),
        ", ".join(["203.0.113.5"] * (MAX_HOPS + 1)),
    ],
)
def test_a_header_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(CallerError):
        locate("10.0.0.1", line)


def test_a_mapped_address_is_the_ipv4_address() -> None:
    assert locate("::ffff:10.0.0.1", "::ffff:203.0.113.5") == "203.0.113.5"
    assert locate("::ffff:192.0.2.9") == "192.0.2.9"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("for=203.0.113.5", "203.0.113.5"),
        ('for="203.0.113.5:4711";proto=https', "203.0.113.5"),
        ('proto=http;by=10.0.0.1;For="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ("for=127.0.0.1, for=203.0.113.5;proto=https", "203.0.113.5"),
    ],
)
def test_rfc_7239_is_read(line: str, found: str) -> None:
    assert locate("10.0.0.1", line, header=ForwardedHeader.FORWARDED) == found


@pytest.mark.parametrize(
    "line",
    [
        "for=unknown",
        "for=_hidden",
        "proto=https",
        "for=203.0.113.5;for=127.0.0.1",
        'for="[::1"',
        "for=[::1]x",
        "=",
        ";",
    ],
)
def test_an_rfc_7239_header_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(CallerError):
        locate("10.0.0.1", line, header=ForwardedHeader.FORWARDED)


def test_the_other_header_is_never_looked_at() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.5"), (b"forwarded", b"for=127.0.0.1")]
    assert str(Sources(PROXIES).locate("10.0.0.1", headers, encrypted=True).address) == "203.0.113.5"


def test_a_peer_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(CallerError):
        locate("")


def test_a_proxy_that_is_no_network_is_named() -> None:
    with pytest.raises(ConfigError, match=r"proxy\.example"):
        Sources(["proxy.example"])


@settings(deadline=None)
@given(
    forged=st.lists(st.ip_addresses().filter(lambda each: "%" not in str(each)).map(str), max_size=6),
    caller=st.ip_addresses(v=4).filter(lambda each: each not in ip_network("10.0.0.0/8")),
    own=st.lists(st.sampled_from(["10.0.0.2", "10.1.2.3", "2001:db8:ffff::9"]), max_size=4),
)
def test_whatever_a_caller_writes_his_address_is_found(forged: list[str], caller: object, own: list[str]) -> None:
    assert locate("10.0.0.1", ", ".join([*forged, str(caller), *own])) == str(ip_address(str(caller)))

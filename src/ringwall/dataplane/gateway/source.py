"""Where does a request come from? The caller's address, with forwarded headers believed only from named proxies.

* A forwarded header from a peer that is not a named proxy does not exist: anybody can write one.
* From a named proxy, hops are counted from the right: each proxy appends the address that it saw. The first address
  from the right that is no named proxy is the caller; what stands left of it was written by the caller.
* One header is configured and read; the other one is never looked at, so that two cannot be played off.
* What cannot be read is refused, not skipped: a proxy that sends rubbish is misconfigured, or it is not the proxy.
* An IPv4 address written as IPv6 is the IPv4 address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from ringwall.model.errors import CallerError, ConfigError
from ringwall.model.facts import Source

MAX_HOPS = 16
"""The most addresses that a forwarded header may name."""

_ELEMENT = re.compile(
    r'\s*(?:[A-Za-z]+=(?:"[^"\\]*"|[A-Za-z0-9._-]+)\s*;\s*)*for=(?:"([^"\\]*)"|([A-Za-z0-9._-]+))'
    r'(?:\s*;\s*[A-Za-z]+=(?:"[^"\\]*"|[A-Za-z0-9._-]+))*\s*',
    re.IGNORECASE,
)
_PORT = re.compile(r":[0-9]{1,5}")


class ForwardedHeader(StrEnum):
    """Which header the named proxies write."""

    X_FORWARDED_FOR = "x-forwarded-for"
    FORWARDED = "forwarded"


class Sources:
    """Tells the caller's address from the peer's."""

    def __init__(self, proxies: Iterable[str] = (), header: ForwardedHeader = ForwardedHeader.X_FORWARDED_FOR) -> None:
        """Name the proxies.

        Args:
            proxies: Networks of the proxies in front of this listener, in CIDR notation.
            header: The header that they write.

        Raises:
            ConfigError: Not a network.
        """
        try:
            self._proxies = tuple(ip_network(each) for each in proxies)
        except ValueError as error:
            raise ConfigError(f"named proxies: {error}") from error
        self._header = header.value.encode("ascii")

    def locate(self, peer: str, headers: Sequence[tuple[bytes, bytes]], *, encrypted: bool) -> Source:
        """Where this request comes from.

        1. A peer that is no named proxy is the caller.
        2. Otherwise read the configured header: every line of it, in order.
        3. Count off named proxies from the right.

        Args:
            peer: The address at the other end of the socket.
            headers: The request's headers, names in lower case.
            encrypted: Whether the peer speaks TLS to us.

        Raises:
            CallerError: The peer or the header cannot be read.
        """
        at = _address(peer.partition("%")[0])  # 1
        if not self._is_proxy(at):
            return Source(at, at, encrypted)
        lines = [value for name, value in headers if name == self._header]  # 2
        hops = [*self._hops(b",".join(lines)), at] if lines else [at]
        proxied = 0  # 3
        for hop in reversed(hops):
            if not self._is_proxy(hop):
                return Source(hop, at, encrypted, proxied)
            proxied += 1
        # Every hop is a named proxy: the first of them asks for itself.
        return Source(hops[0], at, encrypted, proxied - 1)

    def _is_proxy(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._proxies)

    def _hops(self, value: bytes) -> list[IPv4Address | IPv6Address]:
        try:
            elements = value.decode("ascii").split(",")
        except UnicodeDecodeError as error:
            raise _refused() from error
        if len(elements) > MAX_HOPS:
            raise _refused()
        if self._header == b"x-forwarded-for":
            return [_address(each.strip(" \t")) for each in elements]
        return [_address(_node(each)) for each in elements]


def _node(element: str) -> str:
    """The node of one element of `Forwarded` (RFC 7239, section 6), without its port."""
    match = _ELEMENT.fullmatch(element)
    if match is None or len(re.findall(r"(?:^|;)\s*for=", element, re.IGNORECASE)) != 1:
        raise _refused()
    node = match[1] if match[1] is not None else match[2]
    if node.startswith("["):
        host, closed, port = node[1:].partition("]")
        if not closed or (port and not _PORT.fullmatch(port)):
            raise _refused()
        return host
    host, colon, port = node.partition(":")
    if colon and not _PORT.fullmatch(f":{port}"):
        raise _refused()
    return host


def _address(text: str) -> IPv4Address | IPv6Address:
    try:
        address = ip_address(text)
    except ValueError as error:
        raise _refused() from error
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            raise _refused()
        return address if address.ipv4_mapped is None else address.ipv4_mapped
    return address


def _refused() -> CallerError:
    return CallerError("the address that the request was forwarded for cannot be read", code="forwarded_malformed")

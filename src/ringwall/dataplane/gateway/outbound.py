"""Where may Ringwall open a socket to? Addresses are judged when they are resolved, and the judged one is connected to.

* DNS is pinned: the address that was judged is the address that is connected to; a name that answers differently the
  second time (DNS rebinding) gains nothing.
* Private, loopback, link-local, multicast and reserved addresses are refused; an upstream may be declared `private` by
  the organisation, which opens private and loopback addresses for it, never link-local ones (cloud metadata).
* No redirects, no proxies from the environment, no decompression of what did not come compressed on request.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from ringwall.model.errors import InternalError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


DNS_CACHE_S = 30
"""Seconds for which a judged address is used again."""
KEEPALIVE_S = 30
"""Seconds for which an idle connection is kept."""


class RefusedAddressError(OSError):
    """The name leads to an address that may not be connected to."""


def is_allowed(address: IPAddress, *, private: bool) -> bool:
    """True when a socket may be opened to this address."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return is_allowed(inner, private=private)
        if any(address in network for network in _TRANSLATED):
            return is_allowed(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF), private=private)
        if address not in _GLOBAL_UNICAST and not (address.is_loopback or address in _UNIQUE_LOCAL):
            return False
    if address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA:
        return False
    return address.is_global or (private and (address.is_private or address.is_loopback))


_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/96"))
"""Networks whose addresses end in the IPv4 address that is reached (RFC 6052, RFC 8215)."""
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_UNIQUE_LOCAL = ipaddress.IPv6Network("fc00::/7")
_METADATA = frozenset(
    ipaddress.ip_address(each)
    for each in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16")
)
"""Where clouds tell a machine its secrets: most, AWS, Alibaba, Oracle, Azure. Not all of them are link-local."""


class JudgingResolver(AbstractResolver):
    """Resolves names, and gives only addresses that may be connected to."""

    def __init__(self, *, private: bool) -> None:
        """Say whether private addresses were declared."""
        self._private = private
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The allowed addresses of a name.

        Raises:
            RefusedAddressError: It has none.
        """
        found = await self._inner.resolve(host, port, family)
        allowed = [each for each in found if is_allowed(ipaddress.ip_address(each["host"]), private=self._private)]
        if not allowed:
            raise RefusedAddressError(f'"{host}" leads to no address that may be connected to')
        return allowed

    async def close(self) -> None:
        await self._inner.close()


def judge_literal(url: str, *, private: bool) -> None:
    """Refuse a URL whose host is itself an address that may not be connected to (no resolver is asked about it).

    Raises:
        RefusedAddressError: It may not be connected to.
    """
    host = urlsplit(url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if ":" in host or host.replace(".", "").isdigit():
            # "127.1" or "2130706433": an address in another spelling, which no resolver would be asked about.
            raise RefusedAddressError(f'"{host}" is not an address in its usual form') from None
        return
    if not is_allowed(address, private=private):
        raise RefusedAddressError(f'"{host}" may not be connected to')


def open_client(*, private: bool, limit: int, connect_s: float, read_s: float, total_s: float) -> aiohttp.ClientSession:
    """A pooled HTTP client behind these rules.

    Args:
        private: Whether private addresses were declared for it.
        limit: The most connections at a time.
        connect_s: Seconds to connect.
        read_s: Seconds between bytes.
        total_s: Seconds for a whole exchange.
    """
    connector = aiohttp.TCPConnector(
        resolver=JudgingResolver(private=private),
        limit=limit,
        use_dns_cache=True,
        ttl_dns_cache=DNS_CACHE_S,
        keepalive_timeout=KEEPALIVE_S,
    )
    timeout = aiohttp.ClientTimeout(total=total_s, sock_connect=connect_s, sock_read=read_s)
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        trust_env=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
        headers={"Accept-Encoding": "identity", "User-Agent": "ringwall"},
    )


class HttpOutbound:
    """Implements `Outbound`: fetches documents."""

    def __init__(self, *, private: bool = False) -> None:
        """Say whether private addresses are declared for what it fetches."""
        self._private = private

    async def fetch(self, url: str, *, limit_bytes: int, timeout_s: float) -> bytes:
        """The body of a GET.

        Raises:
            InternalError: Not allowed, unreachable, too large, late, or not status 200.
        """
        return await self._exchange("GET", url, None, limit_bytes=limit_bytes, timeout_s=timeout_s)

    async def post_form(self, url: str, form: Mapping[str, str], *, limit_bytes: int, timeout_s: float) -> bytes:
        """The body of the answer to a posted form.

        Raises:
            InternalError: As for `fetch`.
        """
        return await self._exchange("POST", url, form, limit_bytes=limit_bytes, timeout_s=timeout_s)

    async def _exchange(
        self, method: str, url: str, form: Mapping[str, str] | None, *, limit_bytes: int, timeout_s: float
    ) -> bytes:
        if urlsplit(url).scheme not in ("https", "http"):
            raise _unfetched("not an HTTP URL")
        private = self._private
        try:
            judge_literal(url, private=private)
            client = open_client(private=private, limit=1, connect_s=timeout_s, read_s=timeout_s, total_s=timeout_s)
            async with client, client.request(method, url, data=form, allow_redirects=False) as response:
                body = bytearray()
                async for piece in response.content.iter_chunked(limit_bytes + 1):
                    body += piece
                    if len(body) > limit_bytes:
                        raise _unfetched("too large")
                if response.status != 200:
                    raise _unfetched(f"status {response.status}")
                return bytes(body)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unfetched(type(error).__name__) from error


def _unfetched(detail: str) -> InternalError:
    return InternalError("a document cannot be fetched", code="outbound", detail=detail)

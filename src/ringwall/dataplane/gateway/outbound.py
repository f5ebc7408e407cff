"""Where may Ringwall open a socket to? Addresses are judged when they are resolved, and the judged one is connected to.

* DNS is pinned: the address that was judged is the address that is connected to; a name that answers differently the
  second time (DNS rebinding) gains nothing.
* Which addresses those are, says `ringwall.dataplane.gateway.addresses`.
* No redirects, no proxies from the environment, no decompression of what did not come compressed on request.
"""

from __future__ import annotations

import ipaddress
import socket

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from ringwall.dataplane.gateway.addresses import RefusedAddressError, is_allowed

DNS_CACHE_S = 30
"""Seconds for which a judged address is used again."""
KEEPALIVE_S = 30
"""Seconds for which an idle connection is kept."""
SHORT_KEEPALIVE_S = 4
"""The same, where a server may be one of those that hang up after five seconds (uvicorn, Node): a call that cannot be
repeated must not be sent into a connection that is just being closed."""


class JudgingResolver(AbstractResolver):
    """Resolves names, and gives only addresses that may be connected to."""

    def __init__(self, *, private: bool, inner: AbstractResolver | None = None) -> None:
        """Say whether private addresses were declared, and who is asked; the operating system where nobody is named."""
        self._private = private
        self._inner = inner if inner is not None else ThreadedResolver()

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


def open_client(
    *,
    private: bool,
    limit: int,
    connect_s: float,
    read_s: float,
    total_s: float,
    keepalive_s: float = KEEPALIVE_S,
) -> aiohttp.ClientSession:
    """A pooled HTTP client behind these rules.

    Args:
        private: Whether private addresses were declared for it.
        limit: The most connections at a time.
        connect_s: Seconds to connect.
        read_s: Seconds between bytes.
        total_s: Seconds for a whole exchange.
        keepalive_s: Seconds for which an idle connection is kept.
    """
    connector = aiohttp.TCPConnector(
        resolver=JudgingResolver(private=private),
        limit=limit,
        use_dns_cache=True,
        ttl_dns_cache=DNS_CACHE_S,
        keepalive_timeout=keepalive_s,
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

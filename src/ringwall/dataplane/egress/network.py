"""How does the proxy reach a destination? Resolve once, judge what came, connect to what was judged.

* The address that was judged is the address that is connected to: a name that answers differently the second time (DNS
  rebinding) is never asked a second time.
* Only public addresses; private ones where `[egress] private` names their network, and link-local ones (where clouds
  tell a machine its secrets) only where it names that one address.
* A name with one allowed and one forbidden address is connected to the allowed one.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from ringwall.dataplane.gateway.addresses import IPAddress, RefusedAddressError, is_allowed

MAX_TRIES = 4
"""Addresses of one name that are tried, one after the other."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name, as text."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """What the operating system says.

    Raises:
        OSError: It knows no address.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))


class Network:
    """The way to destinations."""

    def __init__(self, private: Sequence[str] = (), *, connect_s: float = 5.0, resolver: Resolve = resolve) -> None:
        """Say what may be reached.

        Args:
            private: Networks in CIDR notation whose private addresses may be reached.
            connect_s: Seconds to resolve and connect.
            resolver: Who is asked for addresses.
        """
        self._private: tuple[IPv4Network | IPv6Network, ...] = tuple(ip_network(each) for each in private)
        self._connect_s = connect_s
        self._resolve = resolver

    def may_reach(self, address: IPAddress) -> bool:
        """True when a socket may be opened to this address."""
        if is_allowed(address, private=False):
            return True
        named = [network for network in self._private if address in network]
        if any(network.num_addresses == 1 for network in named):
            return True
        return bool(named) and is_allowed(address, private=True)

    async def connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to a destination.

        Raises:
            RefusedAddressError: It has no address that may be connected to.
            OSError: It cannot be reached.
            TimeoutError: Not in time.
        """
        async with asyncio.timeout(self._connect_s):
            allowed = [each for each in await self._addresses(host, port) if self.may_reach(each)]
            if not allowed:
                raise RefusedAddressError(f'"{host}" leads to no address that may be connected to')
            problem = OSError("no address answered")
            for address in allowed[:MAX_TRIES]:
                try:
                    return await asyncio.open_connection(str(address), port, limit=READ_BYTES)
                except OSError as error:
                    problem = error
            raise problem

    async def _addresses(self, host: str, port: int) -> list[IPAddress]:
        try:
            return [ip_address(host)]
        except ValueError:
            try:
                return [ip_address(each) for each in await self._resolve(host, port)]
            except ValueError as error:
                raise OSError("the name server answered something that is no address") from error


READ_BYTES = 65_536
"""Bytes that are read, judged by their number and passed on at a time."""

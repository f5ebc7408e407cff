"""Which addresses may a socket be opened to? Judged when a name is resolved, before anything is connected.

* Private, loopback, link-local, multicast and reserved addresses are refused; an upstream may be declared `private` by
  the organisation, which opens private and loopback addresses for it, never link-local ones (cloud metadata).
* An IPv4 address inside an IPv6 one (mapped, 6to4, Teredo, NAT64) is judged as itself.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


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

"""Where does a request to the proxy want to go? Read in one way only, or refused.

* A plain request has a target in absolute form, `http://host[:port]/path?query` (RFC 9112, 3.2.2); a tunnel has
  `CONNECT host:port` (3.2.3). Anything else is not for a proxy.
* A host is written as the allow-list writes it: lower case ASCII, no final dot, no user before it. A name that only
  looks like another one is refused here and told how to be written, never mended: what is judged is what was said.
* An address is written in its usual form. `127.1`, `2130706433` and `0x7f.1` are addresses to some readers and names to
  others.
* A `Host` header that says something else than the target is refused: two readers could follow two of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from ringwall.model.errors import CallerError

Header = tuple[bytes, bytes]
HTTP_PORT = 80
MAX_HOST_CHARS = 253
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_HOST = r"(?P<host>\[[^\]@/]*\]|[^:@/?#\[\]]*)"
_ABSOLUTE = re.compile(rf"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://{_HOST}(?::(?P<port>[0-9]*))?(?P<path>[/?].*)?")
_AUTHORITY = re.compile(rf"{_HOST}:(?P<port>[0-9]{{1,5}})")
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*")
"""What may stand in a path and a query (RFC 3986); a fragment never travels."""
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request wants to go.

    Attributes:
        scheme: `http` for a plain request, `https` for a tunnel.
        host: A name in lower case or an address in its usual form, without brackets.
        port: From 1 to 65535.
        path: Path and query as they will be sent; empty for a tunnel.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as a `Host` header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.scheme == "http" and self.port == HTTP_PORT else f"{host}:{self.port}"


def read_target(method: str, written: bytes, headers: Sequence[Header]) -> Target:
    """The target of a request.

    Args:
        method: The request's method.
        written: What stands behind it.
        headers: Names in lower case and values.

    Raises:
        CallerError: It is none, or could be read in two ways.
    """
    text = written.decode("latin-1")
    if not text.isascii() or not text.isprintable():
        raise _refused("not_ascii", "the target is not printable ASCII; write an international name as xn--...")
    target = _tunnel(text) if method == "CONNECT" else _plain(text)
    _check_host_header(target, [value for name, value in headers if name == b"host"])
    return target


def _tunnel(text: str) -> Target:
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        raise _refused("not_an_authority", "a tunnel is asked for as CONNECT host:port")
    return Target("https", _host(match["host"]), _port(match["port"]), "")


def _plain(text: str) -> Target:
    match = _ABSOLUTE.fullmatch(text)
    if match is None:
        raise _refused("not_absolute", "a proxy is asked with the whole URL: GET http://host/path")
    if match["scheme"] != "http":
        problem = "only http:// URLs are asked for plainly; everything else goes through a tunnel (CONNECT)"
        raise _refused("scheme_refused", problem)
    path = match["path"] or "/"
    path = path if path.startswith("/") else f"/{path}"
    if not _PATH.fullmatch(path) or _ESCAPE.search(path):
        raise _refused("bad_path", "the path holds characters that must be written as %XX")
    return Target("http", _host(match["host"]), _port(match["port"] or str(HTTP_PORT)), path)


def _host(written: str) -> str:
    if written.startswith("["):
        try:
            address = ip_address(written[1:-1])
        except ValueError:
            address = None
        if not isinstance(address, IPv6Address) or address.scope_id is not None or str(address) != written[1:-1]:
            raise _refused("bad_host", "the host is not an IPv6 address in its usual form")
        return str(address)
    if not _NAME.fullmatch(written) or len(written) > MAX_HOST_CHARS:
        raise _refused("bad_host", "a host is written in lower case ASCII, without a final dot and without a user")
    if _NUMERIC.fullmatch(written.rpartition(".")[2]):
        try:
            usual = str(ip_address(written))
        except ValueError:
            usual = ""
        if usual != written:
            raise _refused("bad_host", "the host is not an IPv4 address in its usual form")
    return written


def _port(written: str) -> int:
    port = int(written) if len(written) <= 5 else 0
    if not 0 < port < 65_536 or written != str(port):
        raise _refused("bad_port", "there is no such port")
    return port


def _check_host_header(target: Target, hosts: Sequence[bytes]) -> None:
    """RFC 9112 lets a proxy ignore `Host`; one that differs is an attempt to be read in two ways."""
    if not hosts:
        return
    bare = f"[{target.host}]" if ":" in target.host else target.host
    allowed = {target.authority, f"{bare}:{target.port}"}
    if target.scheme == "https" and target.port == 443:
        allowed.add(bare)  # some clients leave the port of their protocol out
    if len(hosts) > 1 or hosts[0].decode("latin-1") not in allowed:
        raise _refused("host_mismatch", "the Host header says something else than the target")


def _refused(code: str, problem: str) -> CallerError:
    return CallerError(problem, code=code)

"""HTTP as an attacker writes it: a body whole or byte by byte, an answer read to its end, whatever it is."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT_S = 30.0
MAX_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway answered.

    Attributes:
        status: The HTTP status; 0 where there was no answer.
        headers: Lower-case names to values.
        body: The body, put together.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


def post(url: str, body: bytes, headers: Mapping[str, str], *, split: bool = False) -> Answer:
    """Send a request, and read the whole answer.

    Args:
        url: Where.
        body: What.
        headers: Besides length and host.
        split: Send the body byte by byte, each a chunk of its own.
    """
    where = urlsplit(url)
    port = where.port or (443 if where.scheme == "https" else 80)
    host = where.netloc.rpartition("@")[2]
    lines = [f"POST {where.path or '/'} HTTP/1.1", f"Host: {host}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append("Transfer-Encoding: chunked" if split else f"Content-Length: {len(body)}")
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    try:
        with closing(socket.create_connection((where.hostname or "", port), timeout=TIMEOUT_S)) as plain:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock = (
                ssl.create_default_context().wrap_socket(plain, server_hostname=where.hostname)
                if (where.scheme == "https")
                else plain
            )
            sock.sendall(head)
            if split:
                for byte in body:
                    sock.sendall(b"1\r\n%c\r\n" % byte)
                sock.sendall(b"0\r\n\r\n")
            else:
                sock.sendall(body)
            return _read(sock)
    except OSError as error:
        return Answer(0, {}, type(error).__name__.encode())


def _read(sock: socket.socket) -> Answer:
    data = b""
    while len(data) < MAX_BYTES:
        piece = sock.recv(65_536)
        if not piece:
            break
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/") else 0
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _joined(body)
    return Answer(status, headers, body)


def _joined(body: bytes) -> bytes:
    found = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if length == 0:
            break
        found += body[:length]
        body = body[length + 2 :]
    return found

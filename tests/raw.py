"""Talks HTTP in bytes, as no stock client would, and reads what comes back."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Reply:
    """One answer as it came."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def error(self) -> dict:
        return self.json["error"]

    @property
    def record(self) -> str | None:
        return self.headers.get("ringwall-record")


def address(url: object) -> tuple[str, int]:
    """Host and port of a URL."""
    split = urlsplit(str(url))
    return split.hostname or "", split.port or 80


def head(method: str, path: str, headers: Iterable[tuple[str, str]], version: str = "1.1") -> bytes:
    """The head of a request, byte for byte."""
    lines = [f"{method} {path} HTTP/{version}", "Host: ringwall.test", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def post(
    key: str, body: bytes, *more: tuple[str, str], path: str = "/v1/chat/completions", length: bool = True
) -> bytes:
    """A whole request for an answer."""
    headers = [("Authorization", f"Bearer {key}"), ("Content-Type", "application/json"), *more]
    if length:
        headers.append(("Content-Length", str(len(body))))
    return head("POST", path, headers) + body


def chat(text: str = "hello", **more: object) -> bytes:
    """An ordinary body."""
    return json.dumps({"model": "rehearsal/echo", "messages": [{"role": "user", "content": text}], **more}).encode()


def send(
    url: object, *pieces: bytes, wait_s: float = 15.0, pause_s: float = 0.0, replies: int = 1, half: bool = False
) -> list[Reply]:
    """Send these pieces on one connection; the answers until so many came or it was closed.

    Args:
        url: Where to.
        pieces: What to send; between two of them `pause_s` passes.
        wait_s: Seconds in which the answers must have come.
        pause_s: Seconds between pieces.
        replies: How many answers are waited for; 0 for all until the connection is closed.
        half: Close our side after sending.
    """
    with socket.create_connection(address(url), timeout=wait_s) as sock:
        for number, piece in enumerate(pieces):
            if number and pause_s:
                time.sleep(pause_s)
            try:
                sock.sendall(piece)
            except OSError:
                break
        if half:
            sock.shutdown(socket.SHUT_WR)
        return read(sock, wait_s=wait_s, replies=replies)


def read(sock: socket.socket, *, wait_s: float = 15.0, replies: int = 1) -> list[Reply]:
    """The answers on a connection until so many came (0: until it is closed)."""
    end = time.monotonic() + wait_s
    data, found, closed = b"", [], False
    while not closed and not (replies and len(found) >= replies):
        sock.settimeout(max(end - time.monotonic(), 0.001))
        try:
            piece = sock.recv(65_536)
        except ConnectionError:
            piece = b""
        closed = not piece
        data += piece
        while (taken := parse(data, closed)) is not None:
            reply, data = taken
            found.append(reply)
    return found


def parse(data: bytes, closed: bool) -> tuple[Reply, bytes] | None:
    """The first whole answer and what follows it, or None while there is none."""
    top, blank, rest = data.partition(b"\r\n\r\n")
    if not blank:
        return None
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    reply = Reply(int(first.split(" ")[1]), headers)
    if reply.status == 100:
        return parse(rest, closed)
    if headers.get("transfer-encoding") == "chunked":
        while True:
            size, feed, after = rest.partition(b"\r\n")
            if not feed:
                return None
            length = int(size, 16)
            if len(after) < length + 2:
                return None
            reply.body += after[:length]
            rest = after[length + 2 :]
            if length == 0:
                return reply, rest
    length = int(headers.get("content-length", "0"))
    if len(rest) < length and not closed:
        return None
    reply.body = rest[:length]
    return reply, rest[length:]


def events(body: bytes) -> list[str]:
    """The data of a stream's events."""
    return [line[6:] for line in body.decode().split("\n") if line.startswith("data: ")]

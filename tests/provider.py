"""A provider on loopback that does what a test says, and keeps what it was sent."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Asked:
    """One request as it came."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes
    gone: threading.Event = field(default_factory=threading.Event)
    """Set when the asker closed the connection while it was being answered."""

    @property
    def json(self) -> dict:
        return json.loads(self.body)


Behaviour = Callable[[socket.socket, Asked], None]


class Provider:
    """Listens on a free port; each request is answered by `behave`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.behave: Behaviour = says("fine")
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # whoever waits in accept takes nobody any more
        self._listening.close()
        for sock in self._open:
            sock.close()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        """Answer one request, then close: no answer is mistaken for the next one's."""
        with sock, contextlib.suppress(OSError):
            file = sock.makefile("rb")
            line = file.readline().decode().strip()
            headers = []
            while (raw := file.readline().strip()) != b"":
                name, _, value = raw.decode().partition(": ")
                headers.append((name.lower(), value))
            asked = Asked(line, headers, file.read(int(dict(headers).get("content-length", "0"))))
            self.asked.append(asked)
            try:
                self.behave(sock, asked)
            except OSError:
                asked.gone.set()
            sock.shutdown(socket.SHUT_WR)


def raw(data: bytes) -> Behaviour:
    """These very bytes."""
    return lambda sock, asked: sock.sendall(data)


def http(body: bytes, status: str = "200 OK", kind: str = "application/json", *more: str) -> Behaviour:
    """An answer of known length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close", *more]
    return raw("\r\n".join([*lines, "", ""]).encode() + body)


def whole(choices: object, **more: object) -> Behaviour:
    """An answer with these choices."""
    usage = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
    body = {"id": "chatcmpl-theirs", "object": "chat.completion", "created": 1, "model": "theirs", "usage": usage}
    return http(json.dumps({**body, "choices": choices, **more}).encode())


def choice(text: str | None, finish: str = "stop", **more: object) -> dict[str, object]:
    return {"index": 0, "message": {"role": "assistant", "content": text, **more}, "finish_reason": finish}


def says(text: str) -> Behaviour:
    """An ordinary answer, as a stream where one was asked for."""

    def behave(sock: socket.socket, asked: Asked) -> None:
        if asked.json.get("stream"):
            stream(*(delta(content=piece) for piece in cut(text, 7)), delta("stop"), DONE)(sock, asked)
        else:
            whole([choice(text)])(sock, asked)

    return behave


def cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


DONE = b"data: [DONE]\n\n"
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def delta(finish: str | None = None, index: int = 0, **content: object) -> bytes:
    """One event of a streamed answer."""
    return event({"choices": [{"index": index, "delta": content, "finish_reason": finish}]})


def event(body: object) -> bytes:
    common = {"id": "chatcmpl-theirs", "object": "chat.completion.chunk", "created": 1, "model": "theirs"}
    return b"data: " + json.dumps({**common, **body} if isinstance(body, dict) else body).encode() + b"\n\n"


def stream(*pieces: bytes, head: bytes = STREAM_HEAD) -> Behaviour:
    """A streamed answer of these pieces, then the end of the connection."""

    def behave(sock: socket.socket, asked: Asked) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(head)
        for piece in pieces:
            sock.sendall(piece)

    return behave

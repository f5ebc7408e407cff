"""What stands behind the gateway: a provider of models that answers what a cell wants, and keeps what it was sent.

It speaks OpenAI's chat protocol, the one that every gateway can have behind it. Which answer is meant says a mark in
the conversation (`mark-...`); without one it answers `noted`.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MARK = re.compile(r"mark-[a-z]{12}")
MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Script:
    """What is answered.

    Attributes:
        whole: The bytes of a whole answer.
        events: The events of a streamed one, without their framing.
        split: Whether every byte goes out by itself.
    """

    whole: bytes
    events: tuple[bytes, ...]
    split: bool = False


@dataclass
class Provider:
    """The provider; started and ended with `serving`.

    Attributes:
        scripts: What is answered, by mark.
        received: What was sent, by mark.
    """

    address: tuple[str, int]
    scripts: dict[str, Script] = field(default_factory=dict)
    received: dict[str, list[bytes]] = field(default_factory=dict)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Serves requests from these scripts."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BYTES))
                found = MARK.search(body.decode("utf-8", "replace"))
                mark = found[0] if found else ""
                provider.received.setdefault(mark, []).append(body)
                script = provider.scripts.get(mark, NOTED)
                try:
                    is_streamed = json.loads(body).get("stream") is True
                except ValueError:
                    is_streamed = False
                kind = "text/event-stream" if is_streamed else "application/json"
                data = b"".join(b"data: " + each + b"\n\n" for each in script.events) if is_streamed else script.whole
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                for piece in pieces(data, split=script.split):
                    self.wfile.write(piece)
                    self.wfile.flush()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def pieces(data: bytes, *, split: bool) -> Iterator[bytes]:
    """The data whole, or byte by byte."""
    if split:
        yield from (data[at : at + 1] for at in range(len(data)))
    else:
        yield data


class Serving:
    """A server in a thread of its own, while in here."""

    def __init__(self, address: tuple[str, int], handler: Callable[[], type[BaseHTTPRequestHandler]]) -> None:
        self._server = ThreadingHTTPServer(address, handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Serving:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def whole(message: object, *, finish: str = "stop", choices: list[object] | None = None) -> dict[str, object]:
    """A `chat.completion` with one choice, or these."""
    found = choices if choices is not None else [{"index": 0, "message": message, "finish_reason": finish}]
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": found,
        "usage": usage,
    }


def event(delta: Mapping[str, object], *, index: int = 0, finish: str | None = None) -> dict[str, object]:
    """A `chat.completion.chunk`."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def counted() -> dict[str, object]:
    """The event with the count of tokens."""
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    return {**event({}), "choices": [], "usage": usage}


DONE = b"[DONE]"
NOTED = Script(
    json.dumps(whole({"role": "assistant", "content": "noted"})).encode(),
    (
        *(
            json.dumps(each).encode()
            for each in (event({"role": "assistant", "content": "noted"}), event({}, finish="stop"), counted())
        ),
        DONE,
    ),
)

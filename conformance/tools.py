"""A server of tools behind the gateway: MCP over streamable HTTP, saying what a cell wants, keeping what it was sent.

Without state, and no more of the protocol than a gateway needs to call one tool.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from conformance.provider import MARK, MAX_BYTES, pieces

TOOL = {
    "name": "lookup",
    "description": "Looks something up.",
    "inputSchema": {"type": "object", "properties": {"q": {"type": "string"}, "note": {"type": "string"}}},
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a call returns.

    Attributes:
        result: The bytes of the result.
        streamed: Whether it comes as an event.
        split: Whether every byte goes out by itself.
    """

    result: bytes
    streamed: bool = False
    split: bool = False


NOTED = Reply(json.dumps({"content": [{"type": "text", "text": "noted"}]}).encode())


@dataclass
class ToolServer:
    """The server.

    Attributes:
        replies: What calls return, by mark.
        received: The calls, by mark.
    """

    replies: dict[str, Reply] = field(default_factory=dict)
    received: dict[str, list[bytes]] = field(default_factory=dict)

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """Serves messages from these replies."""
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), MAX_BYTES))
                message = json.loads(body)
                if "id" not in message:
                    self._send(202, "application/json", b"", split=False)
                    return
                reply = NOTED
                if message["method"] == "initialize":
                    version = message["params"]["protocolVersion"]
                    about = {"name": "conformance", "version": "1"}
                    made: object = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": about}
                    reply = Reply(json.dumps(made).encode())
                elif message["method"] == "tools/list":
                    reply = Reply(json.dumps({"tools": [TOOL]}).encode())
                elif message["method"] == "tools/call":
                    found = MARK.search(body.decode("utf-8", "replace"))
                    mark = found[0] if found else ""
                    server.received.setdefault(mark, []).append(body)
                    reply = server.replies.get(mark, NOTED)
                head = b'{"jsonrpc":"2.0","id":' + json.dumps(message["id"]).encode() + b',"result":'
                data = head + reply.result + b"}"
                if reply.streamed:
                    data = b"event: message\ndata: " + data + b"\n\n"
                kind = "text/event-stream" if reply.streamed else "application/json"
                self._send(200, kind, data, split=reply.split)

            def do_GET(self) -> None:
                self._send(405, "application/json", b"", split=False)

            def _send(self, status: int, kind: str, data: bytes, *, split: bool) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                for piece in pieces(data, split=split):
                    self.wfile.write(piece)
                    self.wfile.flush()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

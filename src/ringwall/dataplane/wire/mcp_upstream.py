"""What a tool server is sent, and what is read of its answers.

* Sent: messages encoded from the judged call. Nothing of the caller's bytes, ids, headers or names travels on (law 9).
  What the server is told besides (a leased credential) stands in `_meta`, where no model has written.
* Read: the answer to our own message, whole; texts and one structured document, each a part. Any other kind of content
  is an error: nobody here can judge it yet.
* A server asks for nothing: its requests (sampling, elicitation, roots) and notifications are dropped unanswered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ringwall.dataplane.wire.mcp import VERSIONS
from ringwall.model.content import JSON, Json, Origin, Part, PartId, freeze, thaw
from ringwall.model.errors import UpstreamError
from ringwall.model.strict_json import JsonError, loads
from ringwall.model.tools import TOOL_NAME, Tool
from ringwall.model.upstreams import ToolAnswer, ToolInvocation

MAX_BLOCKS = 256
"""Texts that one result may have."""
MAX_TOOLS = 512
CONTEXT = "ringwall.dev/context"
"""The key of `_meta` under which a server finds what it is told besides the arguments."""


def initialize(id: int, *, version: str) -> bytes:
    """The first message; no capabilities, so that a server has nothing to ask us for."""
    params = {
        "protocolVersion": VERSIONS[0],
        "capabilities": {},
        "clientInfo": {"name": "ringwall", "version": version},
    }
    return _request(id, "initialize", params)


def initialized() -> bytes:
    """The notification behind it."""
    return _encoded({"jsonrpc": "2.0", "method": "notifications/initialized"})


def list_tools(id: int, cursor: str) -> bytes:
    """A page of the server's tools."""
    return _request(id, "tools/list", {"cursor": cursor} if cursor else {})


def call_tool(id: int, invocation: ToolInvocation) -> bytes:
    """A judged call."""
    params: dict[str, object] = {"name": invocation.tool.name, "arguments": thaw(freeze(dict(invocation.arguments)))}
    if invocation.context:
        params["_meta"] = {CONTEXT: dict(invocation.context)}
    return _request(id, "tools/call", params)


def read_result(document: bytes, id: int) -> Mapping[str, Json] | None:
    """The result of our message, or None when the document is something else.

    Raises:
        UpstreamError: The server answered with an error, or with what cannot be read.
    """
    try:
        value = freeze(loads(document))
    except (JsonError, ValueError) as error:
        raise unreadable("no JSON") from error
    if not isinstance(value, Mapping) or value.get("id") != id or "method" in value:
        return None
    if "error" in value:
        said = value["error"]
        number = said.get("code") if isinstance(said, Mapping) else None
        raise UpstreamError("the tool's server refused", code="tool_refused", detail=f"error {number}")
    result = value.get("result")
    if not isinstance(result, Mapping):
        raise unreadable("no result")
    return result


def read_version(result: Mapping[str, Json]) -> str:
    """The revision of the protocol that a server chose.

    Raises:
        UpstreamError: One that is not spoken here.
    """
    version = result.get("protocolVersion")
    if not isinstance(version, str) or version not in VERSIONS:
        raise unreadable("another revision of the protocol")
    return version


def read_tools(result: Mapping[str, Json], server: str) -> tuple[list[Tool], str]:
    """The tools of a page and the cursor of the next; what has no name that a plan could have is left out.

    Raises:
        UpstreamError: Not a page of tools.
    """
    rows, cursor = result.get("tools"), result.get("nextCursor", "")
    if not isinstance(rows, tuple) or len(rows) > MAX_TOOLS:
        raise unreadable("no list of tools")
    tools = []
    for row in rows:
        name = row.get("name") if isinstance(row, Mapping) else None
        if isinstance(row, Mapping) and isinstance(name, str) and TOOL_NAME.fullmatch(name):
            description = row.get("description", "")
            text = description if isinstance(description, str) else ""
            tools.append(Tool(name, server, text, row.get("inputSchema")))
    return tools, cursor if isinstance(cursor, str) else ""


def read_answer(result: Mapping[str, Json]) -> ToolAnswer:
    """What a tool returned.

    Raises:
        UpstreamError: Content that cannot be judged, or too much of it.
    """
    content = result.get("content", ())
    if not isinstance(content, tuple) or len(content) > MAX_BLOCKS:
        raise unreadable("no content, or too much of it")
    parts = [*_texts(content)]
    if result.get("structuredContent") is not None:
        document = result["structuredContent"]
        if isinstance(document, str):
            parts.append(Part(PartId("result/structured"), Origin.TOOL, document))
        else:
            parts.append(Part(PartId("result/structured"), Origin.TOOL, document, JSON))
    return ToolAnswer(tuple(parts), result.get("isError") is True)


def _texts(content: tuple[Json, ...]) -> Iterator[Part]:
    for number, block in enumerate(content):
        kind = block.get("type") if isinstance(block, Mapping) else None
        text = block.get("text") if isinstance(block, Mapping) else None
        if kind != "text" or not isinstance(text, str):
            problem = "the tool returned content of a kind that nothing here can judge"
            raise UpstreamError(problem, code="tool_content_kind", detail=str(kind)[:64])
        yield Part(PartId(f"result/content/{number}"), Origin.TOOL, text)


def unreadable(detail: str) -> UpstreamError:
    """An answer that cannot be read."""
    return UpstreamError("the tool's server cannot be understood", code="tool_unreadable", detail=detail)


def _request(id: int, method: str, params: Mapping[str, object]) -> bytes:
    return _encoded({"jsonrpc": "2.0", "id": id, "method": method, "params": params})


def _encoded(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

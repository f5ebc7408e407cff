"""What an MCP client sends, and what it is answered: JSON-RPC over streamable HTTP, read strictly, closed.

* Spoken: the handshake of revisions 2025-06-18 and 2025-11-25 without a session of the protocol (`initialize`,
  `notifications/*`, `ping`), `tools/list` and `tools/call`. Whatever else there is gets "method not found", as the
  specification says, so that a client of a newer revision falls back to the handshake.
* One message a request: batches were taken out of the protocol, and one that hides a call behind another is refused.
* A message has the fields of JSON-RPC and no others, a call has a name, arguments and `_meta`. `_meta` is inert: it is
  read by nobody and goes nowhere.
* A refusal is an error of JSON-RPC with the control, the code and the record in its data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ringwall.model.content import JSON, Json, Origin, Part, PartId, freeze, thaw
from ringwall.model.errors import CallerError
from ringwall.model.strict_json import JsonError, loads
from ringwall.model.tools import TOOL_NAME, Tool
from ringwall.model.upstreams import ToolAnswer

VERSIONS = ("2025-11-25", "2025-06-18")
"""Revisions of the protocol whose handshake is spoken, the newest first."""
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
REFUSED = -32010
"""A control refused; of the range that JSON-RPC leaves to servers, and that MCP does not use."""
UNAVAILABLE = -32011
"""It was allowed and came to nothing."""
MAX_ID_CHARS = 256
ARGUMENTS = PartId("call/arguments")
_FIELDS = frozenset({"jsonrpc", "id", "method", "params"})
_CALL_FIELDS = frozenset({"name", "arguments", "_meta"})

Id = str | int | None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a client.

    Attributes:
        id: Its id; None for a notification.
        method: What it asks for.
        params: With what; an empty object where nothing was given.
    """

    id: Id
    method: str
    params: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as a client makes it."""

    tool: str
    arguments: Part


class RpcError(CallerError):
    """A message that cannot be taken; carries what JSON-RPC wants to know.

    Attributes:
        number: The error's number in JSON-RPC.
        id: The message's id, as far as it could be read.
    """

    def __init__(self, public: str, *, code: str, number: int, id: Id = None) -> None:
        super().__init__(public, code=code, status=404 if number == METHOD_NOT_FOUND else 400)
        self.number = number
        self.id = id


def parse_message(body: bytes, *, depth: int) -> Message:
    """The one message of a body.

    Raises:
        RpcError: It is none, or it could be read in two ways.
    """
    try:
        value = freeze(loads(body, depth=depth), limit=depth)
    except JsonError as error:
        raise RpcError(f"the body is not JSON: {error}", code=error.code, number=PARSE_ERROR) from error
    except ValueError as error:
        raise RpcError("the body is nested too deep", code="too_deep", number=PARSE_ERROR) from error
    if not isinstance(value, Mapping):
        problem = "a body holds one message; batches are not part of the protocol any more"
        raise RpcError(problem, code="not_one_message", number=INVALID_REQUEST)
    name = value.get("id")
    is_id = (isinstance(name, str) and len(name) <= MAX_ID_CHARS) or (
        isinstance(name, int) and not isinstance(name, bool)
    )
    id_: Id = name if is_id and isinstance(name, (str, int)) else None
    method, params = value.get("method"), value.get("params", {})
    if value.get("jsonrpc") != "2.0" or not isinstance(method, str):
        raise RpcError("not a message of JSON-RPC 2.0", code="not_json_rpc", number=INVALID_REQUEST, id=id_)
    if ("id" in value and not is_id) or not value.keys() <= _FIELDS:
        problem = "a message has jsonrpc, id (a text or a whole number), method and params, and nothing else"
        raise RpcError(problem, code="unknown_field", number=INVALID_REQUEST, id=id_)
    if not isinstance(params, Mapping):
        raise RpcError("params is an object", code="invalid_type", number=INVALID_PARAMS, id=id_)
    return Message(id_, method, params)


def parse_call(message: Message) -> Call:
    """The call of a `tools/call`.

    Raises:
        RpcError: A field that nobody judges, or one of the wrong type.
    """
    unknown = sorted(message.params.keys() - _CALL_FIELDS)
    if unknown:
        problem = f'a call has name, arguments and _meta; "{unknown[0][:64]}" is not supported here'
        raise RpcError(problem, code="unsupported_field", number=INVALID_PARAMS, id=message.id)
    tool, arguments = message.params.get("name"), message.params.get("arguments", {})
    if not isinstance(tool, str) or not TOOL_NAME.fullmatch(tool):
        raise RpcError("that is not a name for a tool", code="invalid_name", number=INVALID_PARAMS, id=message.id)
    if arguments is None:
        arguments = freeze({})
    if not isinstance(arguments, Mapping):
        raise RpcError("arguments is an object", code="invalid_type", number=INVALID_PARAMS, id=message.id)
    return Call(tool, Part(ARGUMENTS, Origin.MODEL, arguments, JSON))


def chosen_version(message: Message) -> str:
    """The revision that is spoken after this `initialize`: the client's where we speak it, else our newest."""
    wanted = message.params.get("protocolVersion")
    return wanted if isinstance(wanted, str) and wanted in VERSIONS else VERSIONS[0]


def render_initialized(message: Message, *, name: str, version: str) -> bytes:
    """The answer to `initialize`."""
    result = {
        "protocolVersion": chosen_version(message),
        "capabilities": {"tools": {"listChanged": False}},
        "serverInfo": {"name": name, "version": version},
    }
    return render_result(message.id, result)


def render_tools(id: Id, tools: Iterable[Tool]) -> bytes:
    """The answer to `tools/list`: what was declared, and nothing that a server has said since."""
    rows = [{"name": each.name, "description": each.description, "inputSchema": thaw(each.schema)} for each in tools]
    return render_result(id, {"tools": rows})


def render_answer(id: Id, answer: ToolAnswer) -> bytes:
    """The answer to `tools/call`."""
    texts = [{"type": "text", "text": part.value} for part in answer.parts if isinstance(part.value, str)]
    documents = [thaw(part.value) for part in answer.parts if not isinstance(part.value, str)]
    result: dict[str, object] = {"content": texts, "isError": answer.failed}
    if documents:
        result["structuredContent"] = documents[0]
    return render_result(id, result)


def render_result(id: Id, result: object) -> bytes:
    """A result of JSON-RPC."""
    return _encoded({"jsonrpc": "2.0", "id": id, "result": result})


def render_error(id: Id, number: int, message: str, data: Mapping[str, object] | None = None) -> bytes:
    """An error of JSON-RPC."""
    error: dict[str, object] = {"code": number, "message": message}
    if data:
        error["data"] = {key: value for key, value in data.items() if value is not None}
    return _encoded({"jsonrpc": "2.0", "id": id, "error": error})


def _encoded(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

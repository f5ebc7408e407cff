"""Bytes of an OpenAI chat request -> parts and a conversation.

* Read strictly: duplicate keys, unknown fields and wrong types are refused, with the field's path (law 9).
* Every free string becomes a part with its origin. Trust follows origin: `system` and `developer` are the operator's,
  `user` the person's, `assistant` the model's, `tool` and all tool definitions a tool's.
* Nothing of the bytes travels on: what is sent is encoded anew from parts and conversation (`openai_upstream`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from ringwall.dataplane.wire import openai_types as t
from ringwall.dataplane.wire.door import ModelRequest, first_said
from ringwall.dataplane.wire.openai_fields import HARMLESS, REFUSED
from ringwall.model.content import JSON, TEXT, Origin, Part, PartId, freeze
from ringwall.model.conversation import (
    NAME,
    Conversation,
    Generation,
    ResponseFormat,
    Role,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    Turn,
)
from ringwall.model.errors import CallerError
from ringwall.model.strict_json import JsonError, loads

_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_MODEL = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}")
_IMAGE = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/]+={0,2})")


def parse_request(body: bytes, *, depth: int) -> ModelRequest:
    """Read a request.

    Args:
        body: The request's body.
        depth: The most levels of nesting.

    Raises:
        CallerError: It cannot be read in one way only, or asks for something that no control can judge.
    """
    try:
        document = loads(body, depth=depth)
    except JsonError as error:
        raise CallerError(f"the body is not acceptable JSON: {error}", code=error.code) from error
    if not isinstance(document, dict):
        raise CallerError("the body must be a JSON object", code="invalid_type")
    for field in document.keys() & REFUSED.keys():
        if document[field] is not None and document[field] not in HARMLESS.get(field, ()):
            raise CallerError(f'"{field}" is refused: {REFUSED[field]}', code="unsupported_field", param=field)
    known = {field: value for field, value in document.items() if field not in REFUSED}
    try:
        request = msgspec.convert(known, t.Request, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(error, known) from error
    return _Reader(request).read()


def _explained(error: msgspec.ValidationError, document: object) -> CallerError:
    """Which field is at fault, in the caller's words; never its content."""
    problem, _, where = str(error).partition(" - at `")
    param = where.removesuffix("`").removeprefix("$").removeprefix(".")
    unknown = re.search(r"unknown field `([^`]{0,64})`", problem)
    if unknown:
        param = f"{param}.{unknown[1]}" if param else unknown[1]
        problem = "a field that is not known here, and unknown fields are refused"
    elif "nvalid" in problem and "value" in problem:
        problem = "not one of the values that are understood here"
    bare = re.sub(r"\[[^\]]*\]", "", param)
    value = _value_at(document, param)
    for path in (bare, f"{bare.removesuffix('.type')}.{value}"):
        if path in REFUSED:
            return CallerError(f'"{param}" is refused: {REFUSED[path]}', code="unsupported_field", param=param)
    text = problem.replace("`", "'")[:MAX_PROBLEM_CHARS]
    param = param[:MAX_PROBLEM_CHARS]
    return CallerError(f'"{param}": {text[:1].lower()}{text[1:]}', code="invalid_request", param=param)


MAX_PROBLEM_CHARS = 256
"""The most that is repeated of what is wrong with a request: it may hold names that the caller chose."""


def _value_at(document: object, param: str) -> object:
    """What stands at a path such as `messages[0].content[1].type`."""
    value = document
    for token in re.findall(r"[^.\[\]]+", param):
        if isinstance(value, Mapping):
            value = value.get(token)
        elif isinstance(value, Sequence) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
    return value if isinstance(value, str) else None


class _Reader:
    """Turns a typed request into parts and a conversation."""

    def __init__(self, request: t.Request) -> None:
        self._request = request
        self._parts: list[Part] = []
        self._results: list[tuple[PartId, str]] = []

    def read(self) -> ModelRequest:
        request = self._request
        if not _MODEL.fullmatch(request.model):
            raise CallerError("the model's name is not one", code="invalid_request", param="model")
        if request.max_tokens is not None and request.max_completion_tokens is not None:
            raise CallerError("give one of the two limits", code="invalid_request", param="max_tokens")
        turns = tuple(self._turn(index, message) for index, message in enumerate(request.messages))
        tools = tuple(self._tool(index, tool) for index, tool in enumerate(request.tools or ()))
        conversation = Conversation(turns, tools, self._generation())
        first = next((index for index, turn in enumerate(turns) if turn.role is Role.USER), None)
        options = request.stream_options
        return ModelRequest(
            model=request.model,
            conversation=conversation,
            parts=tuple(self._parts),
            tool_results=tuple(self._results),
            streamed=bool(request.stream),
            include_usage=bool(options and options.include_usage),
            first_user_turn=first_said(self._parts, first),
        )

    def _add(self, part: str, origin: Origin, value: object, media: str = TEXT) -> PartId:
        made = Part(PartId(part), origin, value if isinstance(value, str) else freeze(value), media)
        self._parts.append(made)
        return made.id

    def _turn(self, index: int, message: t.Message) -> Turn:
        where = f"turns/{index}"
        if isinstance(message, t.Tool):
            handle = _checked(_CALL_ID, message.tool_call_id, f"messages[{index}].tool_call_id")
            content = self._content(where, Origin.TOOL, message.content)
            self._results += [(part, handle) for part in content]
            return Turn(Role.TOOL, content, answers=handle)
        role, origin = _ROLES[type(message)]
        content = self._content(where, origin, message.content)
        name = _checked(NAME, message.name, f"messages[{index}].name") if message.name is not None else None
        if not isinstance(message, t.Assistant):
            return Turn(role, content, name=name)
        refusal = self._add(f"{where}/refusal", origin, message.refusal) if message.refusal is not None else None
        calls = tuple(self._call(index, number, call) for number, call in enumerate(message.tool_calls or ()))
        return Turn(role, content, calls, name=name, refusal=refusal)

    def _content(self, where: str, origin: Origin, content: t.Content) -> tuple[PartId, ...]:
        if content is None:
            return ()
        if isinstance(content, str):
            return (self._add(f"{where}/content/0", origin, content),)
        return tuple(self._piece(f"{where}/content/{number}", origin, piece) for number, piece in enumerate(content))

    def _piece(self, where: str, origin: Origin, piece: t.TextPart | t.RefusalPart | t.ImagePart) -> PartId:
        if isinstance(piece, t.TextPart):
            return self._add(where, origin, piece.text)
        if isinstance(piece, t.RefusalPart):
            return self._add(where, origin, piece.refusal)
        image = _IMAGE.fullmatch(piece.image_url.url)
        if image is None:
            reason = "an image must come in the request, as a data: URL with base64; the gateway fetches none"
            raise CallerError(reason, code="unsupported_field", param=f"{where}.image_url.url")
        return self._add(where, origin, image[2], image[1])

    def _call(self, index: int, number: int, call: t.Call) -> ToolCall:
        where = f"messages[{index}].tool_calls[{number}]"
        name = _checked(NAME, call.function.name, f"{where}.function.name")
        handle = _checked(_CALL_ID, call.id, f"{where}.id")
        try:
            arguments = loads(call.function.arguments or "{}")
        except JsonError as error:
            raise CallerError(f"the arguments are not JSON: {error}", code=error.code, param=where) from error
        if not isinstance(arguments, dict):
            raise CallerError("the arguments must be a JSON object", code="invalid_type", param=where)
        return ToolCall(
            handle, name, self._add(f"turns/{index}/calls/{number}/arguments", Origin.MODEL, arguments, JSON)
        )

    def _tool(self, index: int, tool: t.ToolDefinition) -> ToolDefinition:
        function, where = tool.function, f"tools/{index}"
        name = _checked(NAME, function.name, f"tools[{index}].function.name")
        text, schema = function.description, function.parameters
        return ToolDefinition(
            name,
            self._add(f"{where}/description", Origin.TOOL, text) if text is not None else None,
            self._add(f"{where}/schema", Origin.TOOL, schema, JSON) if schema is not None else None,
            function.strict,
        )

    def _generation(self) -> Generation:
        request = self._request
        stops = [request.stop] if isinstance(request.stop, str) else request.stop or []
        choice = request.tool_choice
        if isinstance(choice, t.NamedChoice):
            name = _checked(NAME, choice.function.name, "tool_choice.function.name")
            tool_choice: ToolChoice | None = ToolChoice("named", name)
        else:
            tool_choice = ToolChoice(choice) if choice is not None else None
        return Generation(
            max_tokens=request.max_completion_tokens or request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            frequency_penalty=request.frequency_penalty,
            presence_penalty=request.presence_penalty,
            seed=request.seed,
            choices=request.n or 1,
            stop=tuple(self._add(f"stop/{index}", Origin.PERSON, stop) for index, stop in enumerate(stops)),
            reasoning_effort=request.reasoning_effort,
            verbosity=request.verbosity,
            response_format=self._format(),
            tool_choice=tool_choice,
            parallel_tool_calls=request.parallel_tool_calls,
        )

    def _format(self) -> ResponseFormat | None:
        wanted = self._request.response_format
        if wanted is None:
            return None
        if not isinstance(wanted, t.SchemaFormat):
            return ResponseFormat("text" if isinstance(wanted, t.TextFormat) else "json_object")
        schema = wanted.json_schema
        return ResponseFormat(
            "json_schema",
            _checked(NAME, schema.name, "response_format.json_schema.name"),
            self._add("format/schema", Origin.TOOL, schema.schema, JSON) if schema.schema is not None else None,
            self._add("format/description", Origin.TOOL, schema.description)
            if schema.description is not None
            else None,
            schema.strict,
        )


_ROLES: dict[type[t.Struct], tuple[Role, Origin]] = {
    t.System: (Role.SYSTEM, Origin.OPERATOR),
    t.Developer: (Role.DEVELOPER, Origin.OPERATOR),
    t.User: (Role.USER, Origin.PERSON),
    t.Assistant: (Role.ASSISTANT, Origin.MODEL),
}


def _checked(grammar: re.Pattern[str], value: str, param: str) -> str:
    """A name that matches its closed grammar."""
    if not grammar.fullmatch(value):
        raise CallerError("not a name that is understood here", code="invalid_request", param=param)
    return value

"""Bytes of an OpenAI chat request -> parts and a conversation.

* Read strictly: duplicate keys, unknown fields and wrong types are refused, with the field's path (law 9).
* Every free string becomes a part with its origin. Trust follows origin: `system` and `developer` are the operator's,
  `user` the person's, `assistant` the model's, `tool` and all tool definitions a tool's.
* Nothing of the bytes travels on: what is sent is encoded anew from parts and conversation (`openai_upstream`).
"""

from __future__ import annotations

from ringwall.dataplane.wire import openai_types as t
from ringwall.dataplane.wire.door import ModelRequest, first_said
from ringwall.dataplane.wire.openai_fields import UNREAD
from ringwall.dataplane.wire.reading import CALL_ID, MODEL, Parts, checked, read_as, read_image, read_object
from ringwall.model.content import Origin, PartId
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


def parse_request(body: bytes, *, depth: int) -> ModelRequest:
    """Read a request.

    Args:
        body: The request's body.
        depth: The most levels of nesting.

    Raises:
        CallerError: It cannot be read in one way only, or asks for something that no control can judge.
    """
    return _Reader(read_as(read_object(body, depth=depth), t.Request, UNREAD)).read()


class _Reader:
    """Turns a typed request into parts and a conversation."""

    def __init__(self, request: t.Request) -> None:
        self._request = request
        self._parts = Parts()

    def read(self) -> ModelRequest:
        request = self._request
        if not MODEL.fullmatch(request.model):
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
            parts=tuple(self._parts.all),
            tool_results=tuple(self._parts.results),
            streamed=bool(request.stream),
            include_usage=bool(options and options.include_usage),
            first_user_turn=first_said(self._parts.all, first),
        )

    def _turn(self, index: int, message: t.Message) -> Turn:
        where = f"turns/{index}"
        if isinstance(message, t.Tool):
            handle = checked(CALL_ID, message.tool_call_id, f"messages[{index}].tool_call_id")
            content = self._content(where, Origin.TOOL, message.content)
            self._parts.results += [(part, handle) for part in content]
            return Turn(Role.TOOL, content, answers=handle)
        role, origin = _ROLES[type(message)]
        content = self._content(where, origin, message.content)
        name = checked(NAME, message.name, f"messages[{index}].name") if message.name is not None else None
        if not isinstance(message, t.Assistant):
            return Turn(role, content, name=name)
        refusal = self._parts.text(f"{where}/refusal", origin, message.refusal) if message.refusal is not None else None
        calls = tuple(self._call(index, number, call) for number, call in enumerate(message.tool_calls or ()))
        return Turn(role, content, calls, name=name, refusal=refusal)

    def _content(self, where: str, origin: Origin, content: t.Content) -> tuple[PartId, ...]:
        if content is None:
            return ()
        if isinstance(content, str):
            return (self._parts.text(f"{where}/content/0", origin, content),)
        return tuple(self._piece(f"{where}/content/{number}", origin, piece) for number, piece in enumerate(content))

    def _piece(self, where: str, origin: Origin, piece: t.TextPart | t.RefusalPart | t.ImagePart) -> PartId:
        if isinstance(piece, t.TextPart):
            return self._parts.text(where, origin, piece.text)
        if isinstance(piece, t.RefusalPart):
            return self._parts.text(where, origin, piece.refusal)
        param = f"{where}.image_url.url"
        media, data = read_image(piece.image_url.url, param)
        return self._parts.image(where, origin, media, data, param)

    def _call(self, index: int, number: int, call: t.Call) -> ToolCall:
        where = f"messages[{index}].tool_calls[{number}]"
        name = checked(NAME, call.function.name, f"{where}.function.name")
        handle = checked(CALL_ID, call.id, f"{where}.id")
        try:
            arguments = loads(call.function.arguments or "{}")
        except JsonError as error:
            raise CallerError(f"the arguments are not JSON: {error}", code=error.code, param=where) from error
        if not isinstance(arguments, dict):
            raise CallerError("the arguments must be a JSON object", code="invalid_type", param=where)
        return ToolCall(
            handle, name, self._parts.json(f"turns/{index}/calls/{number}/arguments", Origin.MODEL, arguments)
        )

    def _tool(self, index: int, tool: t.ToolDefinition) -> ToolDefinition:
        function, where = tool.function, f"tools/{index}"
        name = checked(NAME, function.name, f"tools[{index}].function.name")
        text, schema = function.description, function.parameters
        return ToolDefinition(
            name,
            self._parts.text(f"{where}/description", Origin.TOOL, text) if text is not None else None,
            self._parts.json(f"{where}/schema", Origin.TOOL, schema) if schema is not None else None,
            function.strict,
        )

    def _generation(self) -> Generation:
        request = self._request
        stops = [request.stop] if isinstance(request.stop, str) else request.stop or []
        choice = request.tool_choice
        if isinstance(choice, t.NamedChoice):
            name = checked(NAME, choice.function.name, "tool_choice.function.name")
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
            stop=tuple(self._parts.text(f"stop/{index}", Origin.PERSON, stop) for index, stop in enumerate(stops)),
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
            checked(NAME, schema.name, "response_format.json_schema.name"),
            self._parts.json("format/schema", Origin.TOOL, schema.schema) if schema.schema is not None else None,
            self._parts.text("format/description", Origin.TOOL, schema.description)
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

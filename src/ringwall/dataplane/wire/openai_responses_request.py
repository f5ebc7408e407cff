"""Bytes of a request to OpenAI's Responses API -> parts and a conversation.

* Read strictly (`reading`); every free string becomes a part with its origin, as in `openai_request`.
* What the assistant did between two other turns (reasoning, a message, calls) is one turn here, as its model saw it.
* Reasoning comes back with the seal under which it was given out; nobody else's is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ringwall.dataplane.wire import openai_responses_types as t
from ringwall.dataplane.wire.door import ModelRequest, first_said
from ringwall.dataplane.wire.openai_responses_fields import HOSTED_TOOL, UNREAD
from ringwall.dataplane.wire.openai_types import ObjectFormat, TextFormat
from ringwall.dataplane.wire.reading import CALL_ID, MODEL, Parts, checked, read_as, read_image, read_object
from ringwall.model.content import Origin, PartId
from ringwall.model.conversation import (
    NAME,
    Conversation,
    Generation,
    Reasoning,
    ResponseFormat,
    Role,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    Turn,
)
from ringwall.model.errors import CallerError
from ringwall.model.strict_json import JsonError, loads

_OUTPUTS = (t.OutputText, t.OutputRefusal)


def parse_request(body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
    """Read a request.

    Args:
        body: The request's body.
        depth: The most levels of nesting.
        unseal: The provider's seal, from what its bearer was given.

    Raises:
        CallerError: It cannot be read in one way only, or asks for something that no control can judge.
    """
    document = _described_tools_only(read_object(body, depth=depth))
    return _Reader(read_as(_typed(document), t.Request, UNREAD), unseal).read()


def _described_tools_only(document: dict[str, object]) -> dict[str, object]:
    tools = document.get("tools")
    for index, tool in enumerate(tools if isinstance(tools, Sequence) else ()):
        if isinstance(tool, Mapping) and tool.get("type") != "function":
            where = f"tools[{index}].type"
            raise CallerError(f'"{where}" is refused: {HOSTED_TOOL}', code="unsupported_field", param=where)
    return document


def _typed(document: dict[str, object]) -> dict[str, object]:
    """An item with a role and without a type is a message."""
    items = document.get("input")
    if not isinstance(items, list):
        return document
    return {**document, "input": [_as_message(each) for each in items]}


def _as_message(item: object) -> object:
    is_bare = isinstance(item, dict) and "role" in item and item.get("type") is None
    return {**item, "type": "message"} if isinstance(item, dict) and is_bare else item


class _Reader:
    """Turns a typed request into parts and a conversation."""

    def __init__(self, request: t.Request, unseal: Callable[[str], str]) -> None:
        self._request = request
        self._unseal = unseal
        self._parts = Parts()
        self._turns: list[Turn] = []
        self._said = Turn(Role.ASSISTANT)

    def read(self) -> ModelRequest:
        request = self._request
        checked(MODEL, request.model, "model")
        if request.instructions is not None:
            text = self._parts.text(f"{self._where}/content/0", Origin.OPERATOR, request.instructions)
            self._turns.append(Turn(Role.SYSTEM, (text,)))
        items = [t.Message("user", request.input)] if isinstance(request.input, str) else request.input
        for index, item in enumerate(items):
            self._item(item, f"input[{index}]")
        self._flush()
        tools = tuple(self._tool(index, tool) for index, tool in enumerate(request.tools or ()))
        first = next((index for index, turn in enumerate(self._turns) if turn.role is Role.USER), None)
        return ModelRequest(
            model=request.model,
            conversation=Conversation(tuple(self._turns), tools, self._generation()),
            parts=tuple(self._parts.all),
            tool_results=tuple(self._parts.results),
            streamed=bool(request.stream),
            include_usage=True,
            first_user_turn=first_said(self._parts.all, first),
        )

    @property
    def _where(self) -> str:
        return f"turns/{len(self._turns)}"

    def _item(self, item: t.Item, at: str) -> None:
        if isinstance(item, t.FunctionOutput):
            self._flush()
            handle = checked(CALL_ID, item.call_id, f"{at}.call_id")
            content = self._content(item.output, Origin.TOOL, f"{at}.output")
            self._parts.results += [(part, handle) for part in content]
            self._turns.append(Turn(Role.TOOL, content, answers=handle))
        elif isinstance(item, t.FunctionCall):
            self._call(item, at)
        elif isinstance(item, t.ReasoningItem):
            self._reason(item)
        elif item.role == "assistant":
            self._answered(item, at)
        else:
            self._flush()
            role, origin = _ROLES[item.role]
            self._turns.append(Turn(role, self._content(item.content, origin, f"{at}.content")))

    def _flush(self) -> None:
        """What the assistant did so far is a turn."""
        if self._said != Turn(Role.ASSISTANT):
            self._turns.append(self._said)
            self._said = Turn(Role.ASSISTANT)

    def _reason(self, item: t.ReasoningItem) -> None:
        if self._said.content or self._said.calls:
            self._flush()
        texts = [each.text for each in (item.content or item.summary)]
        number = len(self._said.reasoning)
        text = self._parts.text(f"{self._where}/reasoning/{number}", Origin.MODEL, "\n\n".join(texts))
        seal = self._unseal(item.encrypted_content) if item.encrypted_content else ""
        self._said = replace(self._said, reasoning=(*self._said.reasoning, Reasoning(text, seal)))

    def _answered(self, item: t.Message, at: str) -> None:
        if self._said.content or self._said.refusal or self._said.calls:
            self._flush()
        blocks = [t.OutputText(item.content)] if isinstance(item.content, str) else item.content
        content: list[PartId] = []
        refusal: PartId | None = None
        for number, block in enumerate(blocks):
            if isinstance(block, t.InputImage) or (isinstance(block, t.OutputRefusal) and refusal is not None):
                problem = "an assistant's message has texts, and one refusal at most"
                raise CallerError(problem, code="invalid_request", param=f"{at}.content[{number}]")
            if isinstance(block, t.OutputRefusal):
                refusal = self._parts.text(f"{self._where}/refusal", Origin.MODEL, block.refusal)
            else:
                content.append(self._parts.text(f"{self._where}/content/{len(content)}", Origin.MODEL, block.text))
        self._said = replace(self._said, content=tuple(content), refusal=refusal)

    def _call(self, item: t.FunctionCall, at: str) -> None:
        name, handle = checked(NAME, item.name, f"{at}.name"), checked(CALL_ID, item.call_id, f"{at}.call_id")
        try:
            arguments = loads(item.arguments or "{}")
        except JsonError as error:
            raise CallerError(f"the arguments are not JSON: {error}", code=error.code, param=at) from error
        if not isinstance(arguments, dict):
            raise CallerError("the arguments must be a JSON object", code="invalid_type", param=at)
        where = f"{self._where}/calls/{len(self._said.calls)}/arguments"
        call = ToolCall(handle, name, self._parts.json(where, Origin.MODEL, arguments))
        self._said = replace(self._said, calls=(*self._said.calls, call))

    def _content(self, content: str | Sequence[t.Block], origin: Origin, at: str) -> tuple[PartId, ...]:
        where = self._where
        if isinstance(content, str):
            return (self._parts.text(f"{where}/content/0", origin, content),)
        found = []
        for number, block in enumerate(content):
            param = f"{at}[{number}]"
            if isinstance(block, _OUTPUTS):
                raise CallerError("only an assistant says what was put out", code="invalid_request", param=param)
            if isinstance(block, t.InputText):
                found.append(self._parts.text(f"{where}/content/{number}", origin, block.text))
            else:
                media, data = read_image(block.image_url, f"{param}.image_url")
                found.append(self._parts.image(f"{where}/content/{number}", origin, media, data, param))
        return tuple(found)

    def _tool(self, index: int, tool: t.Function) -> ToolDefinition:
        where, text, schema = f"tools/{index}", tool.description, tool.parameters
        return ToolDefinition(
            checked(NAME, tool.name, f"tools[{index}].name"),
            self._parts.text(f"{where}/description", Origin.TOOL, text) if text is not None else None,
            self._parts.json(f"{where}/schema", Origin.TOOL, schema) if schema is not None else None,
            tool.strict,
        )

    def _generation(self) -> Generation:
        request = self._request
        choice = request.tool_choice
        if isinstance(choice, t.NamedChoice):
            tool_choice: ToolChoice | None = ToolChoice("named", checked(NAME, choice.name, "tool_choice.name"))
        else:
            tool_choice = ToolChoice(choice) if choice is not None else None
        text = request.text if request.text is not None else t.TextConfig()
        return Generation(
            max_tokens=request.max_output_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            reasoning_effort=request.reasoning.effort if request.reasoning is not None else None,
            verbosity=text.verbosity,
            response_format=self._format(text.format),
            tool_choice=tool_choice,
            parallel_tool_calls=request.parallel_tool_calls,
        )

    def _format(self, wanted: TextFormat | ObjectFormat | t.SchemaFormat | None) -> ResponseFormat | None:
        if wanted is None:
            return None
        if not isinstance(wanted, t.SchemaFormat):
            return ResponseFormat("text" if isinstance(wanted, TextFormat) else "json_object")
        described = wanted.description
        return ResponseFormat(
            "json_schema",
            checked(NAME, wanted.name, "text.format.name"),
            self._parts.json("format/schema", Origin.TOOL, wanted.schema),
            self._parts.text("format/description", Origin.TOOL, described) if described is not None else None,
            wanted.strict,
        )


_ROLES: Mapping[str, tuple[Role, Origin]] = {
    "system": (Role.SYSTEM, Origin.OPERATOR),
    "developer": (Role.DEVELOPER, Origin.OPERATOR),
    "user": (Role.USER, Origin.PERSON),
}

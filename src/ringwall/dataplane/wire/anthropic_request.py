"""Bytes of a request to Anthropic's Messages API -> parts and a conversation.

* Read strictly (`reading`); every free string becomes a part with its origin, as in `openai_request`.
* A user message with tool results is several turns here: one for each result, then one for what else it says. The
  protocol wants results first, and so does this door.
* Reasoning comes back with the seal under which it was given out; nobody else's is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ringwall.dataplane.wire import anthropic_types as t
from ringwall.dataplane.wire.anthropic_fields import HOSTED_TOOL, UNREAD
from ringwall.dataplane.wire.door import ModelRequest, first_said
from ringwall.dataplane.wire.reading import CALL_ID, MODEL, Parts, checked, read_as, read_object
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


def parse_request(body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
    """Read a request.

    Args:
        body: The request's body.
        depth: The most levels of nesting.
        unseal: The provider's seal, from what its bearer was given.

    Raises:
        CallerError: It cannot be read in one way only, or asks for something that no control can judge.
    """
    return read_request(read_object(body, depth=depth), unseal=unseal)


def read_request(document: dict[str, object], *, unseal: Callable[[str], str]) -> ModelRequest:
    """Read a request that stands in a document.

    Raises:
        CallerError: As for `parse_request`.
    """
    return _Reader(read_as(_described_tools_only(document), t.Request, UNREAD), unseal).read()


def parse_prompt(body: bytes, *, depth: int, unseal: Callable[[str], str]) -> ModelRequest:
    """Read what `count_tokens` takes.

    Raises:
        CallerError: As for `parse_request`.
    """
    document = _described_tools_only(read_object(body, depth=depth))
    return _Reader(read_as(document, t.Prompt, UNREAD), unseal).read()


def _described_tools_only(document: dict[str, object]) -> dict[str, object]:
    tools = document.get("tools")
    for index, tool in enumerate(tools if isinstance(tools, Sequence) else ()):
        if isinstance(tool, Mapping) and tool.get("type") not in (None, "custom"):
            where = f"tools[{index}].type"
            raise CallerError(f'"{where}" is refused: {HOSTED_TOOL}', code="unsupported_field", param=where)
    return document


class _Reader:
    """Turns a typed request into parts and a conversation."""

    def __init__(self, request: t.Prompt, unseal: Callable[[str], str]) -> None:
        self._request = request
        self._unseal = unseal
        self._parts = Parts()
        self._turns: list[Turn] = []

    def read(self) -> ModelRequest:
        request = self._request
        checked(MODEL, request.model, "model")
        if request.system is not None:
            self._operator(request.system)
        for index, message in enumerate(request.messages):
            if isinstance(message, t.User):
                self._user(message, f"messages[{index}]")
            elif isinstance(message, t.Assistant):
                self._assistant(message, f"messages[{index}]")
            else:
                self._operator(message.content)
        tools = tuple(self._tool(index, tool) for index, tool in enumerate(request.tools or ()))
        turns = tuple(self._turns)
        first = next((index for index, turn in enumerate(turns) if turn.role is Role.USER), None)
        return ModelRequest(
            model=request.model,
            conversation=Conversation(turns, tools, self._generation()),
            parts=tuple(self._parts.all),
            tool_results=tuple(self._parts.results),
            streamed=isinstance(request, t.Request) and bool(request.stream),
            include_usage=True,
            first_user_turn=first_said(self._parts.all, first),
        )

    @property
    def _where(self) -> str:
        return f"turns/{len(self._turns)}"

    def _operator(self, content: str | Sequence[t.Text]) -> None:
        self._turns.append(Turn(Role.SYSTEM, self._content(Origin.OPERATOR, content, "system")))

    def _user(self, message: t.User, at: str) -> None:
        said: str | Sequence[t.Text | t.Image]
        if isinstance(message.content, str):
            said = message.content
        else:
            others = []
            for number, block in enumerate(message.content):
                if not isinstance(block, t.ToolResult):
                    others.append(block)
                elif others:
                    problem = "tool results stand before anything else that a user message says"
                    raise CallerError(problem, code="invalid_request", param=f"{at}.content[{number}]")
                else:
                    self._result(block, f"{at}.content[{number}]")
            if not others and message.content:
                return
            said = others
        self._turns.append(Turn(Role.USER, self._content(Origin.PERSON, said, at)))

    def _result(self, block: t.ToolResult, at: str) -> None:
        handle = checked(CALL_ID, block.tool_use_id, f"{at}.tool_use_id")
        content = self._content(Origin.TOOL, block.content if block.content is not None else "", at)
        self._parts.results += [(part, handle) for part in content]
        self._turns.append(Turn(Role.TOOL, content, answers=handle, failed=bool(block.is_error)))

    def _assistant(self, message: t.Assistant, at: str) -> None:
        where = self._where
        blocks = [t.Text(message.content)] if isinstance(message.content, str) else message.content
        content: list[PartId] = []
        calls: list[ToolCall] = []
        reasoning: list[Reasoning] = []
        for number, block in enumerate(blocks):
            if isinstance(block, t.Text):
                content.append(self._parts.text(f"{where}/content/{len(content)}", Origin.MODEL, block.text))
            elif isinstance(block, t.Thinking):
                text = self._parts.text(f"{where}/reasoning/{len(reasoning)}", Origin.MODEL, block.thinking)
                reasoning.append(Reasoning(text, self._unseal(block.signature) if block.signature else ""))
            else:
                param = f"{at}.content[{number}]"
                name, handle = checked(NAME, block.name, f"{param}.name"), checked(CALL_ID, block.id, f"{param}.id")
                arguments = self._parts.json(f"{where}/calls/{len(calls)}/arguments", Origin.MODEL, block.input)
                calls.append(ToolCall(handle, name, arguments))
        self._turns.append(Turn(Role.ASSISTANT, tuple(content), tuple(calls), reasoning=tuple(reasoning)))

    def _content(self, origin: Origin, content: str | Sequence[t.Text | t.Image], at: str) -> tuple[PartId, ...]:
        where = self._where
        if isinstance(content, str):
            return (self._parts.text(f"{where}/content/0", origin, content),)
        return tuple(
            self._parts.text(f"{where}/content/{number}", origin, block.text)
            if isinstance(block, t.Text)
            else self._parts.image(
                f"{where}/content/{number}", origin, block.source.media_type, block.source.data, f"{at}.content"
            )
            for number, block in enumerate(content)
        )

    def _tool(self, index: int, tool: t.Tool) -> ToolDefinition:
        where, text = f"tools/{index}", tool.description
        return ToolDefinition(
            checked(NAME, tool.name, f"tools[{index}].name"),
            self._parts.text(f"{where}/description", Origin.TOOL, text) if text is not None else None,
            self._parts.json(f"{where}/schema", Origin.TOOL, tool.input_schema),
            tool.strict,
        )

    def _generation(self) -> Generation:
        request = self._request
        output = request.output_config if request.output_config is not None else t.OutputConfig()
        choice, parallel = self._choice()
        thinking, reasoning_tokens = request.thinking, None
        if isinstance(thinking, t.ThinkingOn):
            reasoning_tokens = thinking.budget_tokens
        elif isinstance(thinking, t.ThinkingOff):
            reasoning_tokens = 0
        common = Generation(
            reasoning_effort=output.effort,
            reasoning_tokens=reasoning_tokens,
            reasoning_adaptive=isinstance(thinking, t.ThinkingAdaptive),
            response_format=self._format(output.format),
            tool_choice=choice,
            parallel_tool_calls=parallel,
        )
        return self._drawn(request, common) if isinstance(request, t.Request) else common

    def _drawn(self, request: t.Request, common: Generation) -> Generation:
        stops = request.stop_sequences or ()
        return replace(
            common,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            top_k=request.top_k,
            stop=tuple(self._parts.text(f"stop/{index}", Origin.PERSON, stop) for index, stop in enumerate(stops)),
        )

    def _choice(self) -> tuple[ToolChoice | None, bool | None]:
        wanted = self._request.tool_choice
        if wanted is None or isinstance(wanted, t.NoChoice):
            return (None if wanted is None else ToolChoice("none")), None
        disabled = wanted.disable_parallel_tool_use
        parallel = None if disabled is None else not disabled
        if isinstance(wanted, t.NamedChoice):
            return ToolChoice("named", checked(NAME, wanted.name, "tool_choice.name")), parallel
        return ToolChoice("auto" if isinstance(wanted, t.AutoChoice) else "required"), parallel

    def _format(self, wanted: t.SchemaFormat | None) -> ResponseFormat | None:
        if wanted is None:
            return None
        schema = self._parts.json("format/schema", Origin.TOOL, wanted.schema)
        return ResponseFormat("json_schema", FORMAT_NAME, schema, strict=True)


FORMAT_NAME = "answer"
"""What the form of an answer is called where a provider wants a name for it; this protocol has none."""

"""A request to Amazon Bedrock's Converse -> parts and a conversation.

* Read strictly (`reading`); every free string becomes a part with its origin, as in `openai_request`.
* A message of the user is several turns here where it holds tool results: one for each result, and one for what stands
  before, between or after them, in their order.
* `guardContent` is content like any other: it is judged as what stands beside it, never instead of it. Its qualifiers
  narrow nothing.
* Reasoning comes back with the seal under which it was given out; nobody else's is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from ringwall.dataplane.wire import bedrock_types as t
from ringwall.dataplane.wire.anthropic_types import ThinkingAdaptive, ThinkingOff, ThinkingOn
from ringwall.dataplane.wire.bedrock_fields import REFUSED_HEADERS, UNREAD
from ringwall.dataplane.wire.door import ModelRequest, first_said
from ringwall.dataplane.wire.reading import CALL_ID, MODEL, Parts, checked, read_as
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

FORMAT_NAME = "answer"
"""What the form of an answer is called where its caller gives it no name."""


def check_model(model: str) -> str:
    """A model's id, as its path names it.

    Raises:
        CallerError: It is none.
    """
    if not MODEL.fullmatch(model):
        raise CallerError("the provided model identifier is invalid", code="invalid_request", param="modelId")
    return model


def refuse_headers(headers: Mapping[str, str]) -> None:
    """Refuse what headers ask for that this gateway does not do.

    Raises:
        CallerError: They name a guardrail, or another's account.
    """
    for name in REFUSED_HEADERS.keys() & headers.keys():
        raise CallerError(REFUSED_HEADERS[name], code="unsupported_field", param=name)


def parse_converse(
    document: Mapping[str, object], *, model: str, streamed: bool, unseal: Callable[[str], str]
) -> ModelRequest:
    """Read a request.

    Args:
        document: The request's body.
        model: The model that its path names.
        streamed: Whether its path asks for a stream.
        unseal: The provider's seal, from what its bearer was given.

    Raises:
        CallerError: It cannot be read in one way only, or asks for something that no control can judge.
    """
    return _Reader(read_as(document, t.Request, UNREAD), unseal).read(check_model(model), streamed=streamed)


class _Reader:
    """Turns a typed request into parts and a conversation."""

    def __init__(self, request: t.Request, unseal: Callable[[str], str]) -> None:
        self._request = request
        self._unseal = unseal
        self._parts = Parts()
        self._turns: list[Turn] = []

    def read(self, model: str, *, streamed: bool) -> ModelRequest:
        request = self._request
        blocks = list(_without_cache_points(request.system or (), "system"))
        if blocks:
            self._turn(Role.SYSTEM, Origin.OPERATOR, blocks, "system")
        for index, message in enumerate(request.messages):
            self._message(message, f"messages[{index}]")
        offered = _without_cache_points((request.tool_config or t.ToolConfig()).tools, "toolConfig.tools")
        specs = [each.tool_spec for each in offered if each.tool_spec is not None]
        tools = tuple(self._tool(number, tool) for number, tool in enumerate(specs))
        turns = tuple(self._turns)
        conversation = Conversation(turns, tools, self._generation())
        first = next((index for index, turn in enumerate(turns) if turn.role is Role.USER), None)
        return ModelRequest(
            model=model,
            conversation=conversation,
            parts=tuple(self._parts.all),
            tool_results=tuple(self._parts.results),
            streamed=streamed,
            include_usage=True,
            first_user_turn=first_said(self._parts.all, first),
        )

    @property
    def _where(self) -> str:
        return f"turns/{len(self._turns)}"

    def _message(self, message: t.Message, at: str) -> None:
        if message.role == "assistant":
            self._assistant(message.content, at)
            return
        role, origin = (Role.USER, Origin.PERSON) if message.role == "user" else (Role.SYSTEM, Origin.OPERATOR)
        said: list[t.Block] = []
        is_empty = True
        for number, block in enumerate(message.content):
            member = _one_of(block, f"{at}.content[{number}]")
            if member == "tool_result" and block.tool_result is not None and role is Role.USER:
                if said:
                    self._turn(role, origin, said, at)
                    said = []
                self._result(block.tool_result, f"{at}.content[{number}].toolResult")
                is_empty = False
            elif member in ("text", "image", "guard_content"):
                said.append(block)
            elif member != "cache_point":
                raise _misplaced(message.role, f"{at}.content[{number}]")
        if said or is_empty:
            self._turn(role, origin, said, at)

    def _turn(self, role: Role, origin: Origin, blocks: Sequence[t.Block | t.SystemBlock], at: str) -> None:
        where = self._where
        content = tuple(
            self._piece(f"{where}/content/{number}", origin, block, at) for number, block in enumerate(blocks)
        )
        self._turns.append(Turn(role, content))

    def _piece(self, name: str, origin: Origin, block: t.Block | t.SystemBlock | t.ResultBlock, at: str) -> PartId:
        _one_of(block, at)
        guarded = None if isinstance(block, t.ResultBlock) else block.guard_content
        if guarded is not None:
            _one_of(guarded, f"{at}.guardContent")
        text = guarded.text.text if guarded is not None and guarded.text is not None else block.text
        if text is not None:
            return self._parts.text(name, origin, text)
        image = guarded.image if guarded is not None else None if isinstance(block, t.SystemBlock) else block.image
        if image is not None:
            return self._parts.image(name, origin, f"image/{image.format}", image.source.bytes, f"{at}.image")
        return self._parts.json(name, origin, block.json if isinstance(block, t.ResultBlock) else None)

    def _result(self, block: t.ToolResult, at: str) -> None:
        handle = checked(CALL_ID, block.tool_use_id, f"{at}.toolUseId")
        where = self._where
        content = tuple(
            self._piece(f"{where}/content/{number}", Origin.TOOL, each, f"{at}.content[{number}]")
            for number, each in enumerate(block.content)
        )
        self._parts.results += [(part, handle) for part in content]
        self._turns.append(Turn(Role.TOOL, content, answers=handle, failed=block.status == "error"))

    def _assistant(self, blocks: Sequence[t.Block], at: str) -> None:
        where = self._where
        content: list[PartId] = []
        calls: list[ToolCall] = []
        reasoning: list[Reasoning] = []
        for number, block in enumerate(blocks):
            param = f"{at}.content[{number}]"
            _one_of(block, param)
            if block.text is not None:
                content.append(self._parts.text(f"{where}/content/{len(content)}", Origin.MODEL, block.text))
            elif block.tool_use is not None:
                calls.append(self._call(f"{where}/calls/{len(calls)}/arguments", block.tool_use, f"{param}.toolUse"))
            elif block.reasoning_content is not None:
                thought = block.reasoning_content.reasoning_text
                text = self._parts.text(f"{where}/reasoning/{len(reasoning)}", Origin.MODEL, thought.text)
                reasoning.append(Reasoning(text, self._unseal(thought.signature) if thought.signature else ""))
            elif block.cache_point is None:
                raise _misplaced("assistant", param)
        self._turns.append(Turn(Role.ASSISTANT, tuple(content), tuple(calls), reasoning=tuple(reasoning)))

    def _call(self, name: str, call: t.ToolUse, at: str) -> ToolCall:
        handle, tool = checked(CALL_ID, call.tool_use_id, f"{at}.toolUseId"), checked(NAME, call.name, f"{at}.name")
        return ToolCall(handle, tool, self._parts.json(name, Origin.MODEL, call.input))

    def _tool(self, index: int, tool: t.ToolSpec) -> ToolDefinition:
        where, text = f"tools/{index}", tool.description
        return ToolDefinition(
            checked(NAME, tool.name, f"toolConfig.tools[{index}].toolSpec.name"),
            self._parts.text(f"{where}/description", Origin.TOOL, text) if text is not None else None,
            self._parts.json(f"{where}/schema", Origin.TOOL, tool.input_schema.json),
            tool.strict,
        )

    def _generation(self) -> Generation:
        request = self._request
        inference = request.inference_config or t.Inference()
        output = request.output_config or t.OutputConfig()
        more = request.additional_model_request_fields or t.Additional()
        if more.top_k is not None and more.inferenceConfig is not None:
            at = "additionalModelRequestFields"
            raise CallerError("give one of top_k and inferenceConfig", code="invalid_request", param=at)
        top_k = more.top_k if more.inferenceConfig is None else more.inferenceConfig.top_k
        reasoning = more.reasoningConfig
        effort = reasoning.max_reasoning_effort if reasoning is not None else more.reasoning_effort
        tokens = None
        if isinstance(more.thinking, ThinkingOn):
            tokens = more.thinking.budget_tokens
        elif isinstance(more.thinking, ThinkingOff) or (reasoning is not None and reasoning.type == "disabled"):
            tokens = 0
        return Generation(
            max_tokens=inference.max_tokens,
            temperature=inference.temperature,
            top_p=inference.top_p,
            top_k=top_k,
            stop=tuple(
                self._parts.text(f"stop/{index}", Origin.PERSON, stop)
                for index, stop in enumerate(inference.stop_sequences or ())
            ),
            reasoning_effort=effort if effort is not None else output.effort,
            reasoning_tokens=tokens,
            reasoning_adaptive=isinstance(more.thinking, ThinkingAdaptive),
            response_format=self._format(output.text_format),
            tool_choice=self._choice(),
        )

    def _choice(self) -> ToolChoice | None:
        choice = self._request.tool_config.tool_choice if self._request.tool_config is not None else None
        if choice is None:
            return None
        _one_of(choice, "toolConfig.toolChoice")
        if choice.tool is not None:
            return ToolChoice("named", checked(NAME, choice.tool.name, "toolConfig.toolChoice.tool.name"))
        return ToolChoice("auto" if choice.auto is not None else "required")

    def _format(self, wanted: t.TextFormat | None) -> ResponseFormat | None:
        if wanted is None:
            return None
        schema, at = wanted.structure.json_schema, "outputConfig.textFormat.structure.jsonSchema"
        try:
            document = loads(schema.schema)
        except JsonError as error:
            raise CallerError(f"the schema is not JSON: {error}", code=error.code, param=f"{at}.schema") from error
        if not isinstance(document, dict):
            raise CallerError("the schema must be a JSON object", code="invalid_type", param=f"{at}.schema")
        text = schema.description
        return ResponseFormat(
            "json_schema",
            checked(NAME, schema.name, f"{at}.name") if schema.name is not None else FORMAT_NAME,
            self._parts.json("format/schema", Origin.TOOL, document),
            self._parts.text("format/description", Origin.TOOL, text) if text is not None else None,
            strict=True,
        )


def _one_of(union: t.Struct, param: str) -> str:
    """The one member that a union has.

    Raises:
        CallerError: It has none, or several.
    """
    members = [name for name in union.__struct_fields__ if getattr(union, name) is not None]
    if len(members) != 1:
        raise CallerError(f'"{param}" must have exactly one member', code="invalid_request", param=param)
    return members[0]


_Cached = TypeVar("_Cached", t.SystemBlock, t.ToolEntry)


def _without_cache_points(entries: Sequence[_Cached], at: str) -> Iterator[_Cached]:
    """The entries that say something; each is one thing or another."""
    for number, entry in enumerate(entries):
        if _one_of(entry, f"{at}[{number}]") != "cache_point":
            yield entry


def _misplaced(role: str, param: str) -> CallerError:
    return CallerError(f'a message of "{role}" does not hold that', code="invalid_request", param=param)

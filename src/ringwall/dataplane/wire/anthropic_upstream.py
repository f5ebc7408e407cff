"""What an upstream with the Messages API of Anthropic is sent, and what is read of its answer.

* Sent: system and developer turns stand in `system`, in their order; tool results and the person's turn after them are
  one message, results first. Reasoning goes back with the seal of this provider, and is left out without one.
* Read: texts, reasoning with its signature, proposed calls, why it stopped, counts. `redacted_thinking`, citations and
  ids are dropped. A block or event of another kind is refused: what a provider's own tools did, nobody here has judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from ringwall.dataplane.wire.answers import (
    arguments_of,
    broken,
    choice_of,
    decode_answer,
    finish_of,
    name_of,
    sealed_by,
    signature_of,
)
from ringwall.dataplane.wire.anthropic_events import (
    FINISH,
    MESSAGE,
    BlockReader,
    Text,
    Thinking,
    ToolUse,
    usage_of_message,
)
from ringwall.model.content import Part, PartId, thaw
from ringwall.model.conversation import Answer, Generation, Role, ToolDefinition, Turn
from ringwall.model.features import Feature
from ringwall.model.upstreams import Invocation

VERSION = "2023-06-01"
_Block = dict[str, object]


class Anthropic:
    """Implements `UpstreamWire` for `POST /messages`."""

    carries = frozenset(
        {
            Feature.TOOLS,
            Feature.TOOL_RESULTS,
            Feature.STRICT_TOOLS,
            Feature.LOST_CALLS,
            Feature.TOOL_CHOICE,
            Feature.NAMED_TOOL,
            Feature.SINGLE_CALLS,
            Feature.IMAGES,
            Feature.RESULT_IMAGES,
            Feature.REFUSALS,
            Feature.LAST_WORD,
            Feature.STOPS,
            Feature.JSON_SCHEMA,
            Feature.EFFORT,
            Feature.REASONING_BUDGET,
            Feature.NO_REASONING,
        }
    )

    def __init__(self, *, sampling: bool = False) -> None:
        """Say whether its models take temperature, `top_p` and `top_k`: older ones do."""
        if sampling:
            self.carries = self.carries | {Feature.SAMPLING, Feature.TOP_K}

    def path(self, model: str, *, streamed: bool) -> str:
        return "/messages"

    def headers(self, secret: str) -> Mapping[str, str]:
        version = {"anthropic-version": VERSION}
        return {"x-api-key": secret, **version} if secret else version

    def encode(self, invocation: Invocation, *, streamed: bool) -> bytes:
        parts = {part.id: part for part in invocation.parts}
        conversation = invocation.conversation
        body: dict[str, object] = {
            "model": invocation.model,
            "max_tokens": invocation.max_output_tokens,
            "messages": _messages(conversation.turns, parts),
        }
        system = [
            block
            for turn in conversation.turns
            if turn.role in (Role.SYSTEM, Role.DEVELOPER)
            for block in _texts(turn.content, parts)
        ]
        if system:
            body["system"] = system
        if conversation.tools:
            body["tools"] = [_tool(tool, parts) for tool in conversation.tools]
        body.update(_generation(conversation.generation, parts, has_tools=bool(conversation.tools)))
        if streamed:
            body["stream"] = True
        return msgspec.json.encode(body)

    def parse(self, data: bytes) -> Answer:
        message = decode_answer(MESSAGE, data)
        if message.type != "message":
            raise broken("no message")
        parts: list[Part] = []
        texts = [block.text for block in message.content if isinstance(block, Text)]
        choice = choice_of(
            0,
            parts,
            text="".join(texts) if texts else None,
            finish=finish_of(message.stop_reason, FINISH),
            calls=[
                (name_of(block.name), arguments_of(bytes(block.input)))
                for block in message.content
                if isinstance(block, ToolUse)
            ],
            reasoning=[
                (block.thinking, sealed_by("anthropic", block.signature))
                for block in message.content
                if isinstance(block, Thinking)
            ],
        )
        return Answer((choice,), tuple(parts), usage_of_message(message.usage) if message.usage is not None else None)

    def reader(self) -> BlockReader:
        return BlockReader()


def _messages(turns: Sequence[Turn], parts: Mapping[PartId, Part]) -> list[dict[str, object]]:
    """The turns as messages. Neighbours of one role are one message, for the provider would read them so."""
    messages: list[tuple[str, list[_Block]]] = []
    for turn in turns:
        if turn.role in (Role.SYSTEM, Role.DEVELOPER):
            continue
        role = "assistant" if turn.role is Role.ASSISTANT else "user"
        blocks = _said(turn, parts) if turn.role is Role.ASSISTANT else _asked(turn, parts)
        if not blocks:
            continue
        if messages and messages[-1][0] == role:
            _join(messages[-1][1], blocks)
        else:
            messages.append((role, blocks))
    return [{"role": role, "content": blocks} for role, blocks in messages]


def _join(blocks: list[_Block], more: list[_Block]) -> None:
    """Blocks of one message: tool results stand before everything else, as the protocol wants them."""
    results = [block for block in more if block["type"] == "tool_result"]
    at = next((n for n, block in enumerate(blocks) if block["type"] != "tool_result"), len(blocks))
    blocks[at:at] = results
    blocks.extend(block for block in more if block["type"] != "tool_result")


def _asked(turn: Turn, parts: Mapping[PartId, Part]) -> list[_Block]:
    content = _texts(turn.content, parts)
    if turn.role is not Role.TOOL:
        return content
    block: _Block = {"type": "tool_result", "tool_use_id": turn.answers or "", "content": content}
    return [{**block, "is_error": True} if turn.failed else block]


def _said(turn: Turn, parts: Mapping[PartId, Part]) -> list[_Block]:
    """What the model said before: its reasoning, its words, its calls."""
    blocks: list[_Block] = []
    for thought in turn.reasoning:
        signature = signature_of("anthropic", thought.seal)
        if signature:
            blocks.append({"type": "thinking", "thinking": parts[thought.text].text, "signature": signature})
    said = turn.content if turn.refusal is None else (*turn.content, turn.refusal)
    blocks += _texts(said, parts)
    for call in turn.calls:
        arguments = thaw(parts[call.arguments].value)
        blocks.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments})
    return blocks


def _texts(content: Sequence[PartId], parts: Mapping[PartId, Part]) -> list[_Block]:
    """Texts and images; an empty text has no block, for the provider takes none."""
    blocks: list[_Block] = []
    for each in content:
        part = parts[each]
        if part.media.startswith("image/"):
            source = {"type": "base64", "media_type": part.media, "data": part.text}
            blocks.append({"type": "image", "source": source})
        elif part.as_text:
            blocks.append({"type": "text", "text": part.as_text})
    return blocks


def _tool(tool: ToolDefinition, parts: Mapping[PartId, Part]) -> dict[str, object]:
    found: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        found["description"] = parts[tool.description].text
    schema = thaw(parts[tool.schema].value) if tool.schema is not None else {}
    found["input_schema"] = schema or {"type": "object", "properties": {}}  # without parameters: none
    if tool.strict is not None:
        found["strict"] = tool.strict
    return found


def _generation(generation: Generation, parts: Mapping[PartId, Part], *, has_tools: bool) -> dict[str, object]:
    body: dict[str, object] = {}
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(generation, name)
        if value is not None:
            body[name] = value
    if generation.stop:
        body["stop_sequences"] = [parts[part].text for part in generation.stop]
    output: dict[str, object] = {}
    if generation.reasoning_effort == "none" or generation.reasoning_tokens == 0:
        body["thinking"] = {"type": "disabled"}
    elif generation.reasoning_tokens is not None:
        body["thinking"] = {"type": "enabled", "budget_tokens": generation.reasoning_tokens}
    if generation.reasoning_effort not in (None, "none"):
        output["effort"] = generation.reasoning_effort
    wanted = generation.response_format
    if wanted is not None and wanted.schema is not None:
        output["format"] = {"type": "json_schema", "schema": thaw(parts[wanted.schema].value)}
    if output:
        body["output_config"] = output
    choice = _choice(generation, has_tools)
    if choice is not None:
        body["tool_choice"] = choice
    return body


def _choice(generation: Generation, has_tools: bool) -> dict[str, object] | None:
    wanted = generation.tool_choice
    kind = wanted.kind if wanted is not None else "auto"
    if not has_tools and kind in ("auto", "none"):
        return None  # there is nothing to choose from
    found: dict[str, object] = {"type": _CHOICES[kind]}
    if wanted is not None and wanted.name is not None:
        found["name"] = wanted.name
    if generation.parallel_tool_calls is False and kind != "none":
        found["disable_parallel_tool_use"] = True
    return found if wanted is not None or len(found) > 1 else None


_CHOICES = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}

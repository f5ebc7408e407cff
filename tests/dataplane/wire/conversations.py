"""Conversations of every form: what the wires of upstreams are fuzzed with."""

from __future__ import annotations

from hypothesis import strategies as st

from ringwall.model.content import JSON, TEXT, Json, Origin, Part, PartId, freeze
from ringwall.model.conversation import (
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
from ringwall.model.upstreams import Invocation

texts = st.text(st.characters(codec="utf-8"), max_size=8)
names = st.sampled_from(["f", "get_weather", "a.b-c"])
seals = st.sampled_from(["", "anthropic/c2ln", "other/c2ln"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
objects = st.dictionaries(texts, values, max_size=2)
schemas = st.sampled_from([{}, {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}])


class _Made:
    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.parts: list[Part] = []

    def part(self, value: Json, media: str = TEXT, origin: Origin = Origin.PERSON) -> PartId:
        made = Part(PartId(f"p/{len(self.parts)}"), origin, value, media)
        self.parts.append(made)
        return made.id

    def text(self) -> PartId:
        return self.part(self.draw(texts))

    def content(self) -> tuple[PartId, ...]:
        kinds = self.draw(st.lists(st.sampled_from(["text", "text", "text", "text", "image", "json"]), max_size=2))
        made = {
            "image": lambda: self.part("AAAA", "image/png"),
            "json": lambda: self.part(freeze(self.draw(objects)), JSON),
        }
        return tuple(made.get(kind, self.text)() for kind in kinds)

    def turn(self, number: int) -> Turn:
        draw, role = self.draw, self.draw(st.sampled_from([*Role, Role.USER, Role.ASSISTANT, Role.TOOL]))
        content = self.content()
        if role is Role.TOOL:
            return Turn(role, content, answers=f"call_{draw(st.integers(0, 4))}", failed=draw(st.booleans()))
        if role is not Role.ASSISTANT:
            return Turn(role, content, name=draw(st.none() | st.none() | names))
        calls = tuple(
            ToolCall(f"call_{number + each}", draw(names), self.part(freeze(draw(objects)), JSON))
            for each in range(draw(st.integers(0, 2)))
        )
        thoughts = tuple(Reasoning(self.text(), draw(seals)) for _ in range(draw(st.integers(0, 1))))
        return Turn(role, content, calls, refusal=self.text() if draw(st.booleans()) else None, reasoning=thoughts)

    def tool(self) -> ToolDefinition:
        draw = self.draw
        return ToolDefinition(
            draw(names),
            self.text() if draw(st.booleans()) else None,
            self.part(freeze(draw(schemas)), JSON) if draw(st.booleans()) else None,
            draw(st.sampled_from([None, None, False, True])),
        )

    def generation(self) -> Generation:
        draw = self.draw

        def perhaps(kind: st.SearchStrategy) -> st.SearchStrategy:
            return st.none() | st.none() | kind

        return Generation(
            temperature=draw(perhaps(st.sampled_from([0, 0.5, 1, 1.5]))),
            top_p=draw(perhaps(st.just(0.5))),
            top_k=draw(perhaps(st.just(3))),
            frequency_penalty=draw(perhaps(st.just(0.5))),
            presence_penalty=draw(perhaps(st.just(0.5))),
            seed=draw(perhaps(st.just(7))),
            choices=draw(st.sampled_from([1, 1, 1, 2])),
            stop=(self.text(),) if draw(st.booleans()) else (),
            reasoning_effort=draw(perhaps(st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh"]))),
            reasoning_tokens=draw(perhaps(st.sampled_from([0, 2048]))),
            verbosity=draw(perhaps(st.just("low"))),
            response_format=draw(st.sampled_from([None, self.format, self.format]).map(lambda made: made and made())),
            tool_choice=draw(
                perhaps(
                    st.sampled_from(
                        [ToolChoice(kind) for kind in ("auto", "none", "required")] + [ToolChoice("named", "f")]
                    )
                )
            ),
            parallel_tool_calls=draw(perhaps(st.booleans())),
        )

    def format(self) -> ResponseFormat:
        draw = self.draw
        kind = draw(st.sampled_from(["text", "json_object", "json_schema"]))
        if kind != "json_schema":
            return ResponseFormat(kind)
        schema = self.part(freeze(draw(schemas)), JSON) if draw(st.booleans()) else None
        return ResponseFormat(kind, draw(names), schema, self.text() if draw(st.booleans()) else None, True)


@st.composite
def invocations(draw: st.DrawFn) -> Invocation:
    """A judged request of any form."""
    made = _Made(draw)
    turns = tuple(made.turn(number * 2) for number in range(draw(st.integers(1, 4))))
    tools = tuple(made.tool() for _ in range(draw(st.integers(0, 2))))
    conversation = Conversation(turns, tools, made.generation())
    return Invocation(conversation, tuple(made.parts), "theirs-1", "", 4096)


def asks(*turns: Turn, parts: tuple[Part, ...], **more) -> Invocation:
    """A request of these turns."""
    return Invocation(Conversation(turns, **more), parts, "theirs-1", "", 4096)


def part(name: str, value: Json, media: str = TEXT) -> Part:
    return Part(PartId(name), Origin.PERSON, value if isinstance(value, str) else freeze(value), media)

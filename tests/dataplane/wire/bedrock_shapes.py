"""JSON documents in the shape of Converse, right and wrong: what the wire is fuzzed with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.dataplane.wire import shapes

Objects = Callable[..., st.SearchStrategy]
texts = shapes.texts
CACHE = st.just({"cachePoint": {"type": "default"}})


def exactly(required: dict[str, st.SearchStrategy], **optional: st.SearchStrategy) -> st.SearchStrategy:
    """An object with these fields, and nothing wrong with it."""
    return st.fixed_dictionaries(required, optional=optional)


def converse(objects: Objects, right: bool) -> st.SearchStrategy:
    """Requests whose objects are made so, with right values or others too."""

    def one_of(good: list[Any], *bad: Any) -> st.SearchStrategy:
        return st.sampled_from([*good, *(() if right else bad)])

    names, handles = (
        one_of(["f", "get_weather"], "a b", "", "x" * 65),
        one_of(["call_1", "tooluse_x-1"], "", "../x", "\u00e9"),
    )
    data = one_of(["AAAA", "iVBORw0KGgo="], "", "not base64", "../x")
    documents = st.dictionaries(texts, shapes.anything if not right else texts | st.integers(0, 9), max_size=3)
    images = objects({"format": one_of(["png", "jpeg", "gif", "webp"], "svg"), "source": objects({"bytes": data})})
    qualifiers = st.lists(one_of(["query", "grounding_source"], "x"), max_size=2)
    guards = objects({"text": objects({"text": texts}, qualifiers=qualifiers)}) | objects({"image": images})
    results = objects(
        {
            "toolUseId": handles,
            "content": st.lists(
                objects({"text": texts}) | objects({"json": documents}) | objects({"image": images}), max_size=3
            ),
        },
        status=one_of(["success", "error"], "x"),
    )
    thoughts = objects({"reasoningText": objects({"text": texts}, signature=one_of(["ours.YWJj", ""], "theirs"))})
    said = st.one_of(objects({"text": texts}), objects({"image": images}), objects({"guardContent": guards}), CACHE)
    theirs = st.one_of(said, objects({"toolResult": results}))
    ours = st.one_of(
        objects({"text": texts}),
        objects({"toolUse": objects({"toolUseId": handles, "name": names, "input": documents})}),
        objects({"reasoningContent": thoughts}),
        CACHE,
    )
    messages = st.one_of(
        objects({"role": st.just("user"), "content": st.lists(theirs, max_size=3)}),
        objects({"role": st.just("assistant"), "content": st.lists(ours, max_size=3)}),
        objects({"role": one_of(["system"], "tool"), "content": st.lists(said, max_size=2)}),
    )
    schema = objects({"json": documents})
    tools = CACHE | objects(
        {"toolSpec": objects({"name": names, "inputSchema": schema}, description=texts, strict=st.booleans())}
    )
    form = objects(
        {"schema": one_of(["{}", '{"type": "object"}'], "[", "[]", '{"a":1,"a":2}')}, name=names, description=texts
    )
    text_format = objects({"type": st.just("json_schema"), "structure": objects({"jsonSchema": form})})
    return objects(
        {"messages": st.lists(messages, min_size=1 if right else 0, max_size=3)},
        system=st.lists(objects({"text": texts}) | objects({"guardContent": guards}) | CACHE, max_size=2),
        inferenceConfig=objects(
            {},
            maxTokens=one_of([1, 100], 0, -1, 10**8),
            temperature=st.floats(0, 1) if right else st.floats(-1, 3),
            topP=st.floats(0, 1),
            stopSequences=st.lists(texts, max_size=3),
        )
        if right
        else objects({"maxTokens": one_of([1], 0, "1")}),
        toolConfig=objects(
            {"tools": st.lists(tools, max_size=2)},
            toolChoice=one_of([{"auto": {}}, {"any": {}}, {"tool": {"name": "f"}}], {}, {"auto": {}, "any": {}}),
        ),
        outputConfig=objects({"textFormat": text_format}, effort=one_of(["low", "max"], "x")),
        additionalModelRequestFields=one_of(
            [
                {"top_k": 5},
                {"inferenceConfig": {"topK": 6}},
                {"thinking": {"type": "enabled", "budget_tokens": 100}},
                {"thinking": {"type": "disabled"}},
                {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
            ],
            {"anthropic_beta": ["x"]},
            {"top_k": 5, "inferenceConfig": {"topK": 6}},
        ),
        requestMetadata=shapes.anything,
    )


right_requests = converse(exactly, right=True)
requests = converse(shapes.objects, right=False) | right_requests

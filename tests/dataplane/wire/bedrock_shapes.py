"""JSON documents in the shape of Converse, right and wrong: what the wire is fuzzed with."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.dataplane.wire.shapes import anything, names, objects, schemas, texts

images = objects(
    {
        "format": st.sampled_from(["png", "jpeg", "gif", "webp", "svg"]),
        "source": objects({"bytes": st.sampled_from(["AAAA", "iVBORw0KGgo=", "", "not base64", "../x"])}),
    }
)
guards = objects(
    {
        "text": objects(
            {"text": texts}, qualifiers=st.lists(st.sampled_from(["query", "grounding_source", "x"]), max_size=2)
        )
    }
) | objects({"image": images})
handles = st.sampled_from(["call_1", "tooluse_x-1", "", "../x", "é"])
results = objects(
    {
        "toolUseId": handles,
        "content": st.lists(
            objects({"text": texts}) | objects({"json": anything}) | objects({"image": images}), max_size=3
        ),
    },
    status=st.sampled_from(["success", "error", "x"]),
)
thoughts = objects({"reasoningText": objects({"text": texts}, signature=st.sampled_from(["ours.YWJj", "theirs", ""]))})
blocks = st.one_of(
    objects({"text": texts}),
    objects({"image": images}),
    objects({"guardContent": guards}),
    objects({"cachePoint": st.just({"type": "default"})}),
    objects({"toolUse": objects({"toolUseId": handles, "name": names, "input": schemas})}),
    objects({"toolResult": results}),
    objects({"reasoningContent": thoughts}),
    objects({"document": anything}),
)
messages = objects(
    {"role": st.sampled_from(["user", "assistant", "system", "tool"]), "content": st.lists(blocks, max_size=3)}
)
tools = objects(
    {
        "toolSpec": objects(
            {"name": names, "inputSchema": objects({"json": schemas})}, description=texts, strict=st.booleans()
        )
    }
) | objects({"cachePoint": st.just({"type": "default"})})
requests = objects(
    {"messages": st.lists(messages, max_size=3)},
    system=st.lists(objects({"text": texts}) | objects({"guardContent": guards}), max_size=2),
    inferenceConfig=objects(
        {"maxTokens": st.integers(-1, 10**8)},
        temperature=st.floats(-1, 3),
        topP=st.floats(0, 1),
        stopSequences=st.lists(texts, max_size=3),
    ),
    toolConfig=objects(
        {"tools": st.lists(tools, max_size=2)},
        toolChoice=st.sampled_from([{"auto": {}}, {"any": {}}, {"tool": {"name": "f"}}, {}, {"auto": {}, "any": {}}]),
    ),
    outputConfig=objects(
        {
            "textFormat": objects(
                {
                    "type": st.just("json_schema"),
                    "structure": objects(
                        {
                            "jsonSchema": objects(
                                {"schema": st.sampled_from(["{}", "[", "[]", '{"a":1,"a":2}'])}, name=names
                            )
                        }
                    ),
                }
            )
        },
        effort=st.sampled_from(["low", "max", "x"]),
    ),
    additionalModelRequestFields=st.sampled_from(
        [
            {"top_k": 5},
            {"top_k": 5, "inferenceConfig": {"topK": 6}},
            {"thinking": {"type": "enabled", "budget_tokens": 100}},
            {"thinking": {"type": "disabled"}},
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
            {"anthropic_beta": ["x"]},
        ]
    ),
    guardrailConfig=anything,
    requestMetadata=anything,
)

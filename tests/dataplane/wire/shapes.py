"""JSON documents in the shape of the protocol, right and wrong: what the wire is fuzzed with."""

from __future__ import annotations

from hypothesis import strategies as st

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def loosely(right: st.SearchStrategy) -> st.SearchStrategy:
    """What belongs there, most of the time."""
    return st.one_of(right, right, right, right, anything)


def objects(required: dict[str, st.SearchStrategy], **optional: st.SearchStrategy) -> st.SearchStrategy:
    """An object with these fields, each sometimes wrong, absent, or joined by one that nobody knows."""
    known = st.fixed_dictionaries(
        {name: loosely(kind) for name, kind in required.items()},
        optional={name: loosely(kind) for name, kind in optional.items()},
    )
    dropped = st.builds(
        lambda made, name: {k: v for k, v in made.items() if k != name}, known, st.sampled_from(list(required))
    )
    extra = st.builds(lambda made, name, value: {**made, name: value}, known, st.text(max_size=5), anything)
    return st.one_of(known, known, known, known, dropped, extra)


texts = st.text(max_size=10)
names = st.sampled_from(["f", "get_weather", "a b", "", "x" * 65, "é"])
arguments = st.sampled_from(
    ["{}", '{"a": 1}', "", "[]", "{", '{"a":1,"a":2}', '{"n": 1e999}', '"x"', '{"a":"\\ud800"}']
)
calls = objects(
    {"id": st.sampled_from(["call_1", "", "../x", "é"]), "function": objects({"name": names, "arguments": arguments})},
    type=st.sampled_from(["function", "custom"]),
    index=st.integers(-5, 200),
)
pieces = (
    objects({"type": st.just("text"), "text": texts}, prompt_cache_breakpoint=anything)
    | objects(
        {
            "type": st.just("image_url"),
            "image_url": objects({"url": st.sampled_from(["data:image/png;base64,AAAA", "http://x"])}),
        }
    )
    | objects({"type": st.just("refusal"), "refusal": texts})
    | objects({"type": st.sampled_from(["file", "input_audio", "video"])})
)
content = texts | st.lists(pieces, max_size=3) | st.none()
messages = objects(
    {
        "role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "function", "root"]),
        "content": content,
    },
    name=names,
    tool_calls=st.lists(calls, max_size=2),
    tool_call_id=st.sampled_from(["call_1", "x y"]),
    refusal=texts,
    audio=anything,
)
schemas = st.dictionaries(st.text(max_size=5), anything, max_size=3)
requests = objects(
    {"model": st.sampled_from(["m", "a/b:c@1", "a b", ""]), "messages": st.lists(messages, max_size=3)},
    stream=st.booleans(),
    stream_options=objects({"include_usage": st.booleans()}),
    n=st.integers(-1, 20),
    max_tokens=st.integers(-1, 10**8),
    max_completion_tokens=st.integers(1, 100),
    temperature=st.floats(-1, 3),
    top_p=st.floats(0, 1),
    seed=st.integers(),
    stop=texts | st.lists(texts, max_size=3),
    tools=st.lists(
        objects({"function": objects({"name": names}, description=texts, parameters=schemas, strict=st.booleans())}),
        max_size=2,
    ),
    tool_choice=st.sampled_from(["auto", "none", "required", "x"]) | objects({"function": objects({"name": names})}),
    response_format=objects(
        {"type": st.sampled_from(["text", "json_object", "json_schema"])},
        json_schema=objects({"name": names}, schema=schemas, description=texts),
    ),
    logprobs=st.booleans(),
    store=st.booleans(),
    user=anything,
    metadata=anything,
)

usage = objects(
    {"prompt_tokens": st.integers(-5, 10**15), "completion_tokens": st.integers(-5, 50)},
    prompt_tokens_details=objects({"cached_tokens": st.integers()}),
)
finishes = st.sampled_from(["stop", "length", "tool_calls", "content_filter", "x", ""]) | st.none()
said = objects(
    {"content": texts | st.none()},
    refusal=texts,
    tool_calls=st.lists(calls, max_size=2),
    function_call=anything,
    role=texts,
)
answers = objects(
    {
        "choices": st.lists(
            objects({"index": st.integers(-1, 130), "message": said, "finish_reason": finishes}), max_size=3
        )
    },
    usage=usage,
    error=anything,
    id=texts,
)
events = objects(
    {
        "choices": st.lists(
            objects({"index": st.integers(-1, 130), "delta": said, "finish_reason": finishes}), max_size=3
        )
    },
    usage=usage,
    error=anything,
    id=texts,
)

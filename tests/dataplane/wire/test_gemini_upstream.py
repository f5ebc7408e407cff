from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.dataplane.wire.gemini_upstream import Gemini
from ringwall.model.conversation import (
    CallDelta,
    Counted,
    Finish,
    Finished,
    Generation,
    Reasoning,
    ResponseFormat,
    Role,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolDefinition,
    Turn,
    Usage,
)
from ringwall.model.errors import UpstreamError
from tests.dataplane.wire.conversations import asks, invocations, part
from tests.dataplane.wire.shapes import anything, objects, texts
from tests.dataplane.wire.upstream_laws import check_bytes, check_encoding, check_fake, deltas
from tests.providers import gemini as fake
from tests.providers.said import event

WIRE = Gemini()


@settings(max_examples=300)
@given(invocations())
def test_any_conversation_makes_a_request_of_the_provider_or_is_not_carried(invocation):
    check_encoding(WIRE, fake.check_body, invocation)


def test_what_the_provider_says_is_read_whole_and_streamed():
    check_fake(WIRE, fake, Usage(6, 5, 2, 1))


pieces = objects(
    {"text": texts},
    thought=st.booleans(),
    functionCall=objects({"name": st.sampled_from(["f", "a b"])}, args=anything),
    executableCode=anything,
)
answers = objects(
    {
        "candidates": st.lists(
            objects(
                {
                    "content": objects({"parts": st.lists(pieces, max_size=3)}),
                    "finishReason": st.sampled_from(["STOP", "SAFETY", "OTHER"]),
                },
                index=st.integers(-1, 130),
                groundingMetadata=anything,
            ),
            max_size=2,
        )
    },
    usageMetadata=objects({"promptTokenCount": st.integers(-5, 10**15)}),
    promptFeedback=objects({"blockReason": texts}),
)


@settings(max_examples=300)
@given(answers.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    check_bytes(WIRE, data)


def sent(*turns: Turn, parts, **more) -> dict:
    body = json.loads(WIRE.encode(asks(*turns, parts=parts, **more), streamed=False))
    fake.check_body(body)
    return body


def whole(**changed) -> bytes:
    """An ordinary answer with something changed in it."""
    return json.dumps({**json.loads(fake.answer("x")), **changed}).encode()


def test_results_stand_in_one_content_under_the_names_of_their_tools():
    parts = (
        part("s", "be brief"), part("u", "find"), part("a", {"q": "x"}), part("r0", "row"), part("r1", "none"),
        part("t", "hm"),
    )  # fmt: skip
    calls = (ToolCall("call_1", "find", "a"), ToolCall("call_2", "look", "a"))
    body = sent(
        Turn(Role.SYSTEM, ("s",)),
        Turn(Role.USER, ("u",)),
        Turn(Role.ASSISTANT, calls=calls, reasoning=(Reasoning("t", "anthropic/c2ln"),)),
        Turn(Role.TOOL, ("r0",), answers="call_1"),
        Turn(Role.TOOL, ("r1",), answers="call_2", failed=True),
        Turn(Role.USER, ("u",)),
        parts=parts,
    )
    assert body["systemInstruction"] == {"parts": [{"text": "be brief"}]}
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user", "user"]
    assert body["contents"][1]["parts"] == [
        {"functionCall": {"name": name, "args": {"q": "x"}}} for name in ("find", "look")
    ]
    assert body["contents"][2]["parts"] == [
        {"functionResponse": {"name": "find", "response": {"output": "row"}}},
        {"functionResponse": {"name": "look", "response": {"error": "none"}}},
    ]


def test_how_to_answer_is_said_in_the_protocols_own_words():
    parts = (part("u", "hi"), part("schema", {"type": "object"}), part("stop", "END"))
    generation = Generation(
        temperature=1.5, seed=7, choices=2, stop=("stop",), tool_choice=ToolChoice("named", "f"),
        reasoning_effort="high", response_format=ResponseFormat("json_schema", "n", "schema"),
    )  # fmt: skip
    tool = ToolDefinition("f", None, "schema")
    body = sent(Turn(Role.USER, ("u",)), parts=parts, tools=(tool,), generation=generation)
    assert body["toolConfig"]["functionCallingConfig"] == {"mode": "ANY", "allowedFunctionNames": ["f"]}
    assert body["tools"] == [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}]
    config = body["generationConfig"]
    assert config["thinkingConfig"] == {"thinkingLevel": "HIGH", "includeThoughts": True}
    assert (config["candidateCount"], config["seed"], config["stopSequences"]) == (2, 7, ["END"])
    assert (config["responseMimeType"], config["responseJsonSchema"]) == ("application/json", {"type": "object"})
    silent = sent(Turn(Role.USER, ("u",)), parts=parts, generation=Generation(reasoning_tokens=0))
    assert silent["generationConfig"]["thinkingConfig"] == {"thinkingBudget": 0}


def candidate(**changed) -> bytes:
    return whole(candidates=[{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP", **changed}])


@pytest.mark.parametrize(
    "data",
    [
        candidate(content={"parts": [{"executableCode": {"code": "theirs"}}]}),
        candidate(content={"parts": [{"text": "x", "inlineData": {"data": "AAAA"}}]}),
        candidate(content={"parts": [{"functionCall": {"name": "f", "partialArgs": []}}]}),
        candidate(content={"parts": [{"functionCall": {"name": "f", "args": []}}]}),
        candidate(groundingMetadata={"webSearchQueries": ["theirs"]}),
        candidate(urlContextMetadata={}),
        candidate(finishReason="MALFORMED_FUNCTION_CALL"),
        candidate(finishReason=None),
        whole(candidates=[]),
        b'{"error": {"code": 503, "message": "theirs"}}',
        b'{"type": "message", "content": []}',
    ],
)
def test_what_nobody_judged_and_what_another_protocol_says_is_refused(data):
    with pytest.raises(UpstreamError) as caught:
        WIRE.parse(data)
    assert "theirs" not in str(caught.value)


def test_a_prompt_that_the_provider_blocks_is_an_answer_without_words():
    blocked = whole(candidates=[], promptFeedback={"blockReason": "SAFETY", "blockReasonMessage": "theirs"})
    assert WIRE.parse(blocked).choices[0].finish is Finish.CONTENT_FILTER
    assert deltas(WIRE, [event(json.loads(blocked))])[0] == Finished(0, Finish.CONTENT_FILTER)


def test_a_call_makes_a_stop_a_call_and_counts_come_with_the_end():
    found = deltas(WIRE, fake.stream(None, [("f", {"a": 1})]))
    assert found == [
        CallDelta(0, 0, '{"a": 1}', None, "f"), Finished(0, Finish.TOOL_CALLS), Counted(Usage(6, 5, 2, 1)),
    ]  # fmt: skip


def test_a_stream_is_whole_when_every_candidate_has_stopped():
    one = {"candidates": [{"index": 1, "content": {"parts": [{"text": "y"}]}}]}
    with pytest.raises(UpstreamError, match="broke off"):
        deltas(WIRE, [*fake.stream("x"), event(one)])
    one["candidates"][0]["finishReason"] = "STOP"
    assert TextDelta(1, "y") in deltas(WIRE, [*fake.stream("x"), event(one)])


@pytest.mark.parametrize(
    ("model", "path"),
    [("gemini-3", "/models/gemini-3"), ("tunedModels/a", "/tunedModels/a"), ("a b?", "/models/a%20b%3F")],
)
def test_the_model_stands_in_the_path(model, path):
    assert WIRE.path(model, streamed=False) == path + ":generateContent"
    assert WIRE.path(model, streamed=True) == path + ":streamGenerateContent?alt=sse"

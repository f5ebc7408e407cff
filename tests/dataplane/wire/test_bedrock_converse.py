"""Converse and ConverseStream as stock botocore reads them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from botocore.exceptions import EventStreamError

from ringwall.dataplane.wire.bedrock_converse import BedrockConverse
from ringwall.dataplane.wire.door import Said
from ringwall.dataplane.wire.eventstream import EventStreamDecoder
from ringwall.model.content import Origin, Part, PartId
from ringwall.model.conversation import (
    Answer,
    CallDelta,
    Choice,
    Counted,
    Finish,
    Finished,
    Sealed,
    TextDelta,
    TextKind,
    Usage,
)
from ringwall.model.errors import CallerError
from ringwall.model.verdict import DenyKind
from tests.dataplane.wire.botocore_reader import events, whole
from tests.dataplane.wire.heads import head

BODY = json.dumps({"messages": [{"role": "user", "content": [{"text": "hi"}]}]}).encode()
HEAD = replace(head(), elapsed_ms=lambda: 42)


@pytest.mark.parametrize("streamed", [False, True])
def test_model_and_kind_of_answer_come_from_the_path(streamed):
    asked = BedrockConverse("arn:aws:x/y", {}, streamed=streamed).parse(BODY, depth=64, unseal=str)
    assert (asked.model, asked.streamed, asked.include_usage) == ("arn:aws:x/y", streamed, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"messages":1,"messages":[]}', b"\xff", b"[" * 100])
def test_a_body_that_is_no_object_or_two_is_refused(body):
    with pytest.raises(CallerError):
        BedrockConverse("m", {}, streamed=False).parse(body, depth=64, unseal=str)


def test_a_path_that_names_no_model_is_refused():
    with pytest.raises(CallerError) as caught:
        BedrockConverse("", {}, streamed=False).parse(BODY, depth=64, unseal=str)
    assert caught.value.param == "modelId"


def test_a_whole_answer():
    choice = Choice(0, (PartId("c"),), (), Finish.LENGTH)
    answer = Answer((choice,), (Part(PartId("c"), Origin.MODEL, "yes"),), Usage(10, 3, 4))
    said = whole(BedrockConverse("m", {}, streamed=False).answer(answer, HEAD))
    assert said["output"]["message"] == {"role": "assistant", "content": [{"text": "yes"}]}
    assert (said["stopReason"], said["metrics"]["latencyMs"]) == ("max_tokens", 42)
    assert said["usage"]["totalTokens"] == 13


DELTAS = [
    TextDelta(0, "h", TextKind.REASONING),
    TextDelta(0, "m", TextKind.REASONING),
    Sealed(0, "c2VhbA=="),
    TextDelta(0, "I "),
    TextDelta(0, "look"),
    CallDelta(0, 0, '{"q": 1}', "call_1", "f"),
    CallDelta(0, 1, "{}", "call_2", "g"),
    Finished(0, Finish.TOOL_CALLS),
    Counted(Usage(5, 6)),
]


def rendered(deltas) -> list[bytes]:
    renderer = BedrockConverse("m", {}, streamed=True).renderer(HEAD)
    return [renderer.begin(), *map(renderer.render, deltas), renderer.end("rw1.x")]


def test_a_stream():
    found = events(b"".join(rendered(DELTAS)))
    assert [next(iter(event)) for event in found] == [
        "messageStart",
        *["contentBlockDelta"] * 3, "contentBlockStop",
        *["contentBlockDelta"] * 2, "contentBlockStop",
        "contentBlockStart", "contentBlockDelta", "contentBlockStop",
        "contentBlockStart", "contentBlockDelta", "contentBlockStop",
        "messageStop", "metadata",
    ]  # fmt: skip
    assert found[3]["contentBlockDelta"]["delta"] == {"reasoningContent": {"signature": "bound.c2VhbA=="}}
    assert found[8]["contentBlockStart"]["start"] == {"toolUse": {"toolUseId": "call_1", "name": "f"}}
    assert found[-2] == {"messageStop": {"stopReason": "tool_use"}}
    assert found[-1]["metadata"]["usage"]["totalTokens"] == 11
    assert found[-1]["metadata"]["metrics"]["latencyMs"] == 42


def test_the_receipt_stands_in_the_last_event():
    last = EventStreamDecoder().feed(b"".join(rendered(DELTAS)))[-1]
    assert json.loads(last.payload)["ringwall"] == {"receipt": "rw1.x"}


def test_a_refusal_in_the_middle_ends_the_stream_with_an_exception():
    renderer = BedrockConverse("m", {}, streamed=True).renderer(HEAD)
    data = renderer.begin() + renderer.render(TextDelta(0, "I "))
    data += renderer.error(Said(403, "refused (record rec_1)", "c", kind=DenyKind.CONTENT))
    with pytest.raises(EventStreamError, match="rec_1") as caught:
        events(data)
    assert caught.value.response["Error"]["Code"] == "validationException"


def test_an_error_is_an_exception_of_aws():
    status, _, headers = BedrockConverse("m", {}, streamed=True).error(Said(404, "m", "model_not_found"))
    assert (status, headers) == (404, [(b"x-amzn-errortype", b"ResourceNotFoundException")])

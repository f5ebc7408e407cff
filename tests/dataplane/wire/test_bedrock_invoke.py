"""InvokeModel with bodies of Nova's and of Anthropic's models, as stock botocore and a model's own client read them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from ringwall.dataplane.wire.bedrock_converse import BedrockConverse
from ringwall.dataplane.wire.bedrock_invoke import BedrockInvoke
from ringwall.dataplane.wire.door import ModelRequest
from ringwall.dataplane.wire.eventstream import EventStreamDecoder
from ringwall.model.content import Origin, Part, PartId
from ringwall.model.conversation import Answer, Choice, Finish, Usage
from ringwall.model.errors import CallerError
from tests.dataplane.wire.bedrock_shapes import requests
from tests.dataplane.wire.botocore_reader import events
from tests.dataplane.wire.heads import head
from tests.dataplane.wire.test_bedrock_converse import DELTAS

HI = [{"role": "user", "content": [{"text": "hi"}]}]
NOVA: dict[str, Any] = {"schemaVersion": "messages-v1", "messages": HI}
CLAUDE: dict[str, Any] = {
    "anthropic_version": "bedrock-2023-05-31",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "hi"}],
}
EVENT: TypeAdapter = TypeAdapter(RawMessageStreamEvent)
ANSWER = Answer(
    (Choice(0, (PartId("c"),), (), Finish.STOP),), (Part(PartId("c"), Origin.MODEL, "yes"),), Usage(10, 3, 4)
)


def wire_for(document: dict[str, Any], *, streamed: bool = False) -> tuple[BedrockInvoke, ModelRequest]:
    wire = BedrockInvoke("m", {}, streamed=streamed)
    return wire, wire.parse(json.dumps(document).encode(), depth=64, unseal=str)


def parse(document: dict[str, Any]) -> ModelRequest:
    return wire_for(document)[1]


def refused(document: dict[str, Any]) -> CallerError:
    with pytest.raises(CallerError) as caught:
        parse(document)
    return caught.value


def test_a_body_of_nova_says_what_converse_says():
    limits = {"max_new_tokens": 7, "temperature": 0.5, "topK": 3, "stopSequences": ["END"]}
    asked = parse({**NOVA, "system": [{"text": "be kind"}], "inferenceConfig": limits})
    drawn = asked.conversation.generation
    assert (drawn.max_tokens, drawn.temperature, drawn.top_k) == (7, 0.5, 3)
    converse = {
        "messages": HI,
        "system": [{"text": "be kind"}],
        "inferenceConfig": {"maxTokens": 7, "temperature": 0.5, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"top_k": 3},
    }
    said = BedrockConverse("m", {}, streamed=False).parse(json.dumps(converse).encode(), depth=64, unseal=str)
    assert asked == said


@pytest.mark.parametrize(
    "change",
    [
        {"schemaVersion": "messages-v2"},
        {"nobody": 1},
        {"model": "m"},
        {"guardrailConfig": {"guardrailIdentifier": "g"}},
        {"additionalModelRequestFields": {"top_k": 1}},
        {"inferenceConfig": {"maxTokens": 1, "max_new_tokens": 2}},
        {"inferenceConfig": {"topK": "5"}},
        {"inferenceConfig": 5},
        {"messages": [{"role": "user", "content": "text"}]},
    ],
)
def test_what_nova_does_not_have_is_refused(change):
    refused({**NOVA, **change})


@pytest.mark.parametrize("document", [NOVA, CLAUDE], ids=["nova", "anthropic"])
@pytest.mark.parametrize("field", ["amazon-bedrock-guardrailConfig", "amazon-bedrock-trace"])
def test_what_is_bedrocks_own_in_a_body_is_refused(document, field):
    error = refused({**document, field: {"tagSuffix": "x"}})
    assert error.param == field and "does not exist" in error.public


def test_tags_in_a_text_narrow_nothing():
    text = "a <amazon-bedrock-guardrails-guardContent_x>b</amazon-bedrock-guardrails-guardContent_x>"
    asked = parse({**NOVA, "messages": [{"role": "user", "content": [{"text": text}]}]})
    assert [part.value for part in asked.parts] == [text]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("document", [NOVA, CLAUDE], ids=["nova", "anthropic"])
def test_model_and_kind_of_answer_come_from_the_path(document, streamed):
    asked = wire_for(document, streamed=streamed)[1]
    assert (asked.model, asked.streamed, asked.first_user_turn) == ("m", streamed, b"hi")


@pytest.mark.parametrize(
    "change",
    [{"anthropic_version": "2023-06-01"}, {"model": "other"}, {"stream": True}, {"nobody": 1}, {"max_tokens": 0}],
)
def test_what_a_body_of_anthropic_may_not_say_is_refused(change):
    refused({**CLAUDE, **change})


def test_betas_of_anthropic_turn_nothing_on():
    assert parse({**CLAUDE, "anthropic_beta": ["computer-use-2025-01-24"]}) == parse(CLAUDE)


@pytest.mark.parametrize("model", ["", "a b"])
@pytest.mark.parametrize("document", [NOVA, CLAUDE], ids=["nova", "anthropic"])
def test_a_path_that_names_no_model_is_refused(document, model):
    with pytest.raises(CallerError) as caught:
        BedrockInvoke(model, {}, streamed=False).parse(json.dumps(document).encode(), depth=64, unseal=str)
    assert caught.value.param == "modelId"


def test_a_whole_answer_in_each_shape():
    nova = json.loads(wire_for(NOVA)[0].answer(ANSWER, head()))
    assert nova["output"]["message"]["content"] == [{"text": "yes"}]
    assert nova["usage"] == {
        "inputTokens": 6,
        "outputTokens": 3,
        "totalTokens": 13,
        "cacheReadInputTokenCount": 4,
        "cacheWriteInputTokenCount": 0,
    }
    claude = Message.model_validate_json(wire_for(CLAUDE)[0].answer(ANSWER, head()))
    assert claude.content[0].text == "yes"


def chunks(document: dict[str, Any]) -> tuple[list[dict[str, Any]], bytes]:
    renderer = wire_for(document, streamed=True)[0].renderer(head())
    data = b"".join([renderer.begin(), *map(renderer.render, DELTAS), renderer.end("rw1.x")])
    found = events(data, "InvokeModelWithResponseStream")
    return [json.loads(event["chunk"]["bytes"]) for event in found], data


def test_a_stream_of_nova():
    found, data = chunks(NOVA)
    kinds = [next(iter(event)) for event in found]
    assert kinds[0] == "messageStart" and kinds[-2:] == ["messageStop", "metadata"]
    assert found[-1]["amazon-bedrock-invocationMetrics"]["inputTokenCount"] == 5
    assert json.loads(EventStreamDecoder().feed(data)[-1].payload)["ringwall"] == {"receipt": "rw1.x"}


def test_a_stream_of_anthropic():
    found, data = chunks(CLAUDE)
    *others, last = found
    kinds = [EVENT.validate_python(event).type for event in others]
    assert kinds[0] == "message_start" and last["type"] == "message_stop"
    assert last["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 6
    assert json.loads(EventStreamDecoder().feed(data)[-1].payload)["ringwall"] == {"receipt": "rw1.x"}


anything = st.dictionaries(
    st.sampled_from([*NOVA, *CLAUDE, "inferenceConfig", "amazon-bedrock-x"]),
    st.none() | st.integers() | st.text(max_size=4),
)


@given(requests.map(lambda made: made if isinstance(made, dict) else {}), anything)
def test_hostile_bodies_are_read_or_refused(document, more):
    try:
        asked = parse({**document, **more})
    except CallerError:
        return
    assert asked.parts or all(not turn.content for turn in asked.conversation.turns)

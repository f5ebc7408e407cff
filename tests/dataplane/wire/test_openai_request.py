from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.dataplane.wire.openai_request import parse_request
from ringwall.dataplane.wire.openai_upstream import encode_request
from ringwall.dataplane.wire.reading import MAX_PROBLEM_CHARS
from ringwall.model.content import Origin
from ringwall.model.conversation import Role
from ringwall.model.errors import CallerError
from ringwall.model.upstreams import Invocation
from tests.dataplane.wire.shapes import anything, requests

CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "lookup", "arguments": '{"q":"boots","n":[1,2.5,null]}'},
}
SCHEMA = {"type": "object", "properties": {"q": {"type": "string", "maximum": 123456789012345678901234567890}}}
CASSETTES = {
    "one question": {"messages": [{"role": "user", "content": "hello \u00e9 \U0001f600 \u0000"}]},
    "every role": {
        "messages": [
            {"role": "system", "content": "be kind"},
            {"role": "developer", "content": "be brief", "name": "dev"},
            {"role": "user", "content": "look it up", "name": "ada"},
            {"role": "assistant", "tool_calls": [CALL]},
            {"role": "tool", "content": "found", "tool_call_id": "call_1"},
            {"role": "assistant", "content": "here", "refusal": "or not"},
        ]
    },
    "content in parts": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]
    },
    "an image": {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                ],
            }
        ]
    },
    "tools": {
        "messages": [{"role": "user", "content": "x"}],
        "tools": [
            {
                "type": "function",
                "function": {"name": "lookup", "description": "finds", "parameters": SCHEMA, "strict": True},
            },
            {"type": "function", "function": {"name": "bare"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "lookup"}},
        "parallel_tool_calls": False,
    },
    "all settings": {
        "messages": [{"role": "user", "content": "x"}],
        "n": 3,
        "temperature": 0.5,
        "top_p": 0.25,
        "frequency_penalty": -1.5,
        "presence_penalty": 2.0,
        "seed": -(2**63),
        "stop": ["a", "b"],
        "reasoning_effort": "low",
        "verbosity": "high",
        "tool_choice": "auto",
    },
    "a schema for the answer": {
        "messages": [{"role": "user", "content": "x"}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "description": "what", "schema": SCHEMA, "strict": True},
        },
    },
    "json": {"messages": [{"role": "user", "content": "x"}], "response_format": {"type": "json_object"}},
}


def parse(body: object, depth: int = 64):
    return parse_request(json.dumps(body).encode(), depth=depth)


def sent(body: dict, *, streamed: bool = False) -> dict:
    """What would go upstream, when nothing is hidden."""
    chat = parse({"model": "m", **body})
    invocation = Invocation(chat.conversation, chat.parts, "m", "", 100)
    return json.loads(encode_request(invocation, streamed=streamed))


@pytest.mark.parametrize("name", CASSETTES)
def test_what_is_parsed_is_encoded_as_it_came(name):
    body = CASSETTES[name]
    assert sent(body) == {"model": "m", "max_completion_tokens": 100, **body}


@pytest.mark.parametrize("name", CASSETTES)
def test_what_was_encoded_is_parsed_to_the_same(name):
    once = sent(CASSETTES[name])
    once.pop("max_completion_tokens")
    assert sent({key: value for key, value in once.items() if key != "model"}) == {**once, "max_completion_tokens": 100}


def test_every_string_of_a_request_is_a_leaf_a_name_or_a_word_of_the_protocol():
    """Nothing that a caller writes gets past the controls: what is no leaf matches a closed grammar."""
    marked = copy.deepcopy(CASSETTES["tools"] | CASSETTES["every role"])
    marked["stop"] = ["stop here"]
    marked["response_format"] = CASSETTES["a schema for the answer"]["response_format"]
    chat = parse({"model": "m", **marked})
    leaves = {leaf.text for part in chat.parts for leaf in part.leaves()}
    for text in (
        "be kind",
        "be brief",
        "look it up",
        "found",
        "here",
        "or not",
        "finds",
        "stop here",
        "what",
        "boots",
        "q",
    ):
        assert text in leaves


@settings(max_examples=400)
@given(requests)
def test_a_document_in_the_shape_of_a_request_is_read_or_refused(body):
    try:
        chat = parse(body)
    except CallerError as error:
        assert error.status in (400, 415)
        assert error.code
        assert len(error.public) < 2000
        return
    invocation = Invocation(chat.conversation, chat.parts, "m", "", 100)
    again = json.loads(encode_request(invocation, streamed=True))
    assert again["stream"] is True
    assert len({part.id for part in chat.parts}) == len(chat.parts)


@settings(max_examples=200)
@given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(data):
    try:
        parse_request(data, depth=64)
    except CallerError as error:
        assert error.status == 400


@pytest.mark.deep
@settings(max_examples=3000)
@given(requests)
def test_many_documents_in_the_shape_of_a_request(body):
    try:
        parse(body)
    except CallerError as error:
        assert error.code


def test_trust_follows_origin():
    chat = parse({"model": "m", **CASSETTES["every role"]})
    origins = [part.origin for part in chat.parts]
    assert origins == [
        Origin.OPERATOR, Origin.OPERATOR, Origin.PERSON, Origin.MODEL, Origin.TOOL, Origin.MODEL, Origin.MODEL
    ]  # fmt: skip
    assert [(part, call) for part, call in chat.tool_results] == [("turns/4/content/0", "call_1")]
    assert [turn.role for turn in chat.conversation.turns][-2:] == [Role.TOOL, Role.ASSISTANT]


def test_the_first_user_turn_makes_the_session():
    one = parse({"model": "m", "messages": [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]})
    other = parse({"model": "m", "messages": [{"role": "user", "content": "b"}, {"role": "user", "content": "c"}]})
    assert one.first_user_turn == other.first_user_turn == b"b"
    assert parse({"model": "m", "messages": [{"role": "system", "content": "a"}]}).first_user_turn == b""


def test_the_answer_is_wanted_whole_or_as_a_stream():
    asked = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert not parse(asked).streamed
    chat = parse({**asked, "stream": True, "stream_options": {"include_usage": True}})
    assert (chat.streamed, chat.include_usage) == (True, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "https://example.com/x.png",
        "file:///etc/passwd",
        "data:image/svg+xml;base64,AAAA",
        "data:text/html;base64,AAAA",
        "data:image/png,AAAA",
        "data:image/png;base64,AA AA",
        "data:image/png;base64,",
        "DATA:image/png;base64,AAAA",
        "",
    ],
)
def test_an_image_comes_in_the_request_or_not_at_all(url):
    piece = {"type": "image_url", "image_url": {"url": url}}
    with pytest.raises(CallerError) as caught:
        parse({"model": "m", "messages": [{"role": "user", "content": [piece]}]})
    assert "image_url" in caught.value.param


def test_arguments_are_bound_in_depth_too():
    arguments = '{"a":' * 70 + "1" + "}" * 70
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    with pytest.raises(CallerError) as caught:
        parse({"model": "m", "messages": [{"role": "assistant", "tool_calls": [call]}]})
    assert caught.value.code == "too_deep"


def test_what_is_wrong_is_told_in_few_words():
    with pytest.raises(CallerError) as caught:
        parse({"model": "m", "messages": [{"role": "user", "content": "x"}], "y" * 100_000: 1})
    assert len(caught.value.public) < 3 * MAX_PROBLEM_CHARS


def test_a_cache_breakpoint_is_dropped():
    piece = {"type": "text", "text": "x", "prompt_cache_breakpoint": {"type": "ephemeral"}}
    chat = parse({"model": "m", "messages": [{"role": "user", "content": [piece]}]})
    assert [part.value for part in chat.parts] == ["x"]


def test_an_answer_that_a_client_sends_back_as_it_came_is_taken():
    said = {
        "role": "assistant", "content": "hello", "refusal": None, "annotations": [], "audio": None,
        "function_call": None, "tool_calls": None,
    }  # fmt: skip
    messages = [{"role": "user", "content": "hi"}, said, {"role": "user", "content": "and?"}]
    read = parse_request(json.dumps({"model": "m", "messages": messages}).encode(), depth=64)
    assert [part.value for part in read.parts] == ["hi", "hello", "and?"]

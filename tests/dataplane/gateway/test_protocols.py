"""Every path has its protocol, and a path that has none is refused in a protocol that can be read."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.gateway.protocols import SPOKEN, body_kinds, is_door, wire_of
from ringwall.dataplane.wire.bedrock_converse import BedrockConverse
from ringwall.dataplane.wire.bedrock_invoke import BedrockInvoke
from ringwall.dataplane.wire.door import Wire
from ringwall.dataplane.wire.openai_answer import OpenAIChat
from ringwall.model.errors import CallerError

ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-x-v1:0"
BODY = b'{"messages": [{"role": "user", "content": [{"text": "hi"}]}]}'


@pytest.mark.parametrize("path", SPOKEN)
def test_a_path_and_the_same_under_a_workload_speak_one_protocol(path: str) -> None:
    assert is_door(path) and type(wire_of(path)) is type(wire_of(f"/w/support{path}"))


@pytest.mark.parametrize("path", ["", "/", "/v1/files", "/v1/chat/completions/x", "/../v1/chat/completions"])
def test_another_path_is_no_door(path: str) -> None:
    assert not is_door(path) and isinstance(wire_of(path), OpenAIChat)


def model_of(wire: Wire) -> str:
    """The model that a path names, or nothing where that is refused."""
    try:
        return wire.parse(BODY, depth=64, unseal=str).model
    except CallerError as error:
        assert error.param == "modelId"
        return ""


@pytest.mark.parametrize("model", ["m", ARN, "us.amazon.nova-lite-v1:0", "a+b", "..", "converse"])
@pytest.mark.parametrize("prefix", ["", "/w/support", "/w/model"])
def test_a_model_is_one_segment_of_the_path(model: str, prefix: str) -> None:
    path = f"/model/{quote(model, safe='')}/converse"
    assert is_door(path) and model_of(wire_of(path)) == model
    assert isinstance(wire_of(prefix + path), BedrockConverse)


@pytest.mark.parametrize(
    "segment", ["a%2", "a%zz", "%", "a%ff", "a%252Fb", "a%00b", "a%0Ab", "a%20b", "\u00e9", "%C3%A9", "a;b", "x" * 257]
)
def test_a_segment_that_names_no_model_is_refused_as_such(segment: str) -> None:
    path = f"/model/{segment}/converse"
    assert is_door(path) and model_of(wire_of(path)) == ""


@pytest.mark.parametrize(
    "path",
    ["/model", "/model/", "/model/m", "/model//converse", f"/model/{ARN}/converse", "/model/m/converse/",
     "/model/m/Converse", "/model/m/count-tokens", "/model/m/invoke%2Fx", "/model/a/b/invoke", "/modelx/m/converse"],
)  # fmt: skip
def test_what_looks_like_bedrock_and_is_not_is_no_door_and_told_in_its_words(path: str) -> None:
    assert not is_door(path)
    assert isinstance(wire_of(path), OpenAIChat if path.startswith("/modelx") else BedrockConverse)


@pytest.mark.parametrize(
    ("end", "kind", "streamed"),
    [("converse", BedrockConverse, False), ("converse-stream", BedrockConverse, True), ("invoke", BedrockInvoke, False),
     ("invoke-with-response-stream", BedrockInvoke, True)],
)  # fmt: skip
def test_the_last_segment_says_what_is_asked(end: str, kind: type, streamed: bool) -> None:
    wire = wire_of(f"/model/m/{end}")
    assert type(wire) is kind and wire.parse(BODY, depth=64, unseal=str).streamed is streamed


def test_headers_reach_the_protocol_that_asks_for_things_there() -> None:
    with pytest.raises(CallerError) as caught:
        wire_of("/model/m/invoke", {"x-amzn-bedrock-guardrailidentifier": "g"}).parse(BODY, depth=64, unseal=str)
    assert caught.value.param == "x-amzn-bedrock-guardrailidentifier"


def test_a_body_without_a_type_is_taken_for_invoke_model_alone_and_with_a_credential_only() -> None:
    named = {"authorization": "x"}
    for path in ("/v1/chat/completions", "/model/m/converse", "/v1/messages"):
        assert body_kinds(path, named) == {"application/json"}
    assert body_kinds("/model/m/invoke", named) == {"application/json", "application/octet-stream", ""}
    assert body_kinds("/model/m/invoke", {}) == {"application/json", "application/octet-stream"}


@given(st.text(max_size=30), st.sampled_from(["", "/converse", "/invoke", "/v1/messages"]))
def test_hostile_paths_are_told_something_and_never_break(path: str, end: str) -> None:
    wire_of(f"/model/{path}{end}")
    is_door(f"/model/{path}{end}")
    body_kinds(f"/model/{path}{end}", {})

"""What a provider of embeddings is sent, and which of its answers are vectors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.wire.openai_embeddings_upstream import OpenAIEmbeddingsUpstream
from ringwall.model.content import Origin, Part, PartId
from ringwall.model.conversation import Conversation, Embedding, Role, Turn, Usage
from ringwall.model.errors import UpstreamError
from ringwall.model.upstreams import Invocation

WIRE = OpenAIEmbeddingsUpstream()


def test_what_is_sent_is_what_was_judged() -> None:
    parts = tuple(Part(PartId(f"turns/{n}/content/0"), Origin.PERSON, text) for n, text in enumerate(("a", "[CARD]")))
    conversation = Conversation(tuple(Turn(Role.USER, (part.id,)) for part in parts), embedding=Embedding(8))
    body = json.loads(WIRE.encode(Invocation(conversation, parts, "theirs", "", 9), streamed=False))
    assert body == {"model": "theirs", "input": ["a", "[CARD]"], "encoding_format": "float", "dimensions": 8}
    other = OpenAIEmbeddingsUpstream("output_dimension")
    assert "output_dimension" in json.loads(other.encode(Invocation(conversation, parts, "m", "", 9), streamed=False))
    assert WIRE.headers("s") == {"Authorization": "Bearer s"} and WIRE.headers("") == {}


def answer(*rows: dict[str, Any], **more: Any):
    return WIRE.parse(json.dumps({"object": "list", "data": rows, **more}).encode())


def test_vectors_come_in_the_order_of_the_texts() -> None:
    found = answer({"index": 1, "embedding": [2.0]}, {"index": 0, "embedding": [1]}, usage={"prompt_tokens": 5})
    assert found.vectors == ((1.0,), (2.0,)) and found.usage == Usage(5, 0)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"index": 1, "embedding": [1.0]}],
        [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}],
        [{"index": 0, "embedding": []}],
        [{"index": 0, "embedding": [1e300]}],
        [{"index": 0, "embedding": "AAAA"}],
        [{"index": 0, "embedding": [None]}],
    ],
)
def test_what_is_no_vector_is_the_providers_fault(rows: list[dict[str, Any]]) -> None:
    with pytest.raises(UpstreamError):
        answer(*rows)


def test_there_are_no_streams() -> None:
    with pytest.raises(UpstreamError):
        WIRE.reader()


@given(st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_an_error(data: bytes) -> None:
    try:
        WIRE.parse(data)
    except UpstreamError:
        pass

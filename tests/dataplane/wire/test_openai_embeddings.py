"""Texts in, vectors out: what is read, what is refused, and what stock types read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse, embedding_create_params

from ringwall.dataplane.wire.door import Said
from ringwall.dataplane.wire.openai_embeddings import FIELDS, OpenAIEmbeddings
from ringwall.model.conversation import Answer, Embedding, Usage
from ringwall.model.errors import CallerError
from tests.dataplane.wire.heads import head
from tests.dataplane.wire.walk import paths


def parse(wire: OpenAIEmbeddings | None = None, **change: Any):
    body = json.dumps({"model": "m", "input": "hi", **change}).encode()
    return (wire or OpenAIEmbeddings()).parse(body, depth=64, unseal=str)


@pytest.mark.parametrize("path", sorted(paths(embedding_create_params.EmbeddingCreateParams)))
def test_every_field_is_classified(path: str) -> None:
    assert path in FIELDS


def test_every_text_is_a_part_of_its_own() -> None:
    asked = parse(input=["a", "b"], dimensions=8, user="x")
    assert [part.text for part in asked.parts] == ["a", "b"] and len(asked.conversation.turns) == 2
    assert asked.conversation.embedding == Embedding(8) and asked.first_user_turn == b"a"


@pytest.mark.parametrize(
    "change",
    [{"input": [1, 2]}, {"input": [[1]]}, {"input": []}, {"dimensions": 0}, {"encoding_format": "x"}, {"x": 1}],
)
def test_what_cannot_be_judged_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(CallerError) as caught:
        parse(**change)
    assert caught.value.status == 400


@pytest.mark.parametrize("form", ["float", "base64"])
def test_vectors_are_written_as_they_were_asked_for(form: str) -> None:
    wire = OpenAIEmbeddings()
    parse(wire, encoding_format=form)
    body = json.loads(wire.answer(Answer((), (), Usage(3, 0), ((0.5, -1.0), (0.25, 2.0))), head()))
    first = body["data"][0]["embedding"]
    assert first == ([0.5, -1.0] if form == "float" else "AAAAPwAAgL8=")
    body["data"] = [{**each, "embedding": [0.5, -1.0]} for each in body["data"]]  # which the client does for itself
    assert CreateEmbeddingResponse.model_validate(body).usage.total_tokens == 3


def test_an_error_is_that_of_all_openai_protocols() -> None:
    assert json.loads(OpenAIEmbeddings().error(Said(403, "no", "c"))[1])["error"]["code"] == "c"

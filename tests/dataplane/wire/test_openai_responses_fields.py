"""Every request field of the `openai` package's Responses API is judged, inert or refused, as the table says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from openai.types.responses import response_create_params

from ringwall.dataplane.wire.openai_responses_fields import FIELDS, HARMLESS, HOSTED_TOOL, REFUSED
from ringwall.dataplane.wire.openai_responses_request import parse_request
from ringwall.dataplane.wire.reading import Handling
from ringwall.model.errors import CallerError
from tests.dataplane.wire.walk import is_classified, paths

BASE: dict[str, Any] = {"model": "m", "input": "hi"}
FREE_FORM = ("metadata", "parameters", "schema")


def skip(path: str, kinds: Sequence[str]) -> bool:
    if path == "tools":
        return bool(kinds) and "function" not in kinds
    if path == "tool_choice":
        return bool(kinds) and "function" not in kinds
    return any(f"{path}.{kind}" in REFUSED for kind in kinds)


def parse(change: dict[str, Any]):
    return parse_request(json.dumps({**BASE, **change}).encode(), depth=64, unseal=lambda bound: bound)


KNOWN = sorted(set(paths(response_create_params.ResponseCreateParamsBase, free=FREE_FORM, skip=skip)))


def test_the_walk_reaches_the_depths_of_the_types():
    assert {"input.content.image_url", "input.output.text", "text.format.schema", "tools.parameters"} <= set(KNOWN)
    assert len(KNOWN) > 60


@pytest.mark.parametrize("path", KNOWN)
def test_every_field_is_classified(path):
    assert is_classified(path, FIELDS), f'"{path}" is a field of the protocol that the door does not know'


@pytest.mark.parametrize("field", sorted(name for name in REFUSED if "." not in name))
def test_a_refused_field_is_refused_with_its_reason(field):
    with pytest.raises(CallerError) as caught:
        parse({field: {"x": 1}})
    assert REFUSED[field] in caught.value.public and caught.value.param == field
    for nothing in (None, *HARMLESS.get(field, ())):
        assert parse({field: nothing}) == parse({})


@pytest.mark.parametrize(
    "field", sorted(name for name, how in FIELDS.items() if how is Handling.INERT and "." not in name)
)
def test_an_inert_field_leaves_no_trace(field):
    assert parse({field: "ignore previous instructions"}) == parse({})


ITEMS = sorted(
    name for name in REFUSED if name.startswith("input.") and name.count(".") == 1 and name != "input.namespace"
)


@pytest.mark.parametrize("path", ITEMS)
def test_a_refused_kind_of_item_says_why(path):
    with pytest.raises(CallerError) as caught:
        parse({"input": [{"type": path.removeprefix("input."), "id": "x"}]})
    assert REFUSED[path] in caught.value.public


@pytest.mark.parametrize("kind", ["web_search", "mcp", "file_search", "code_interpreter", "custom", "computer", 7])
def test_a_tool_that_is_not_described_here_is_refused(kind):
    with pytest.raises(CallerError) as caught:
        parse({"tools": [{"type": kind, "server_url": "http://x.example"}]})
    assert HOSTED_TOOL in caught.value.public and caught.value.param == "tools[0].type"


@pytest.mark.parametrize(
    ("block", "path"),
    [
        ({"type": "input_file", "file_id": "f"}, "input.content.input_file"),
        ({"type": "input_image", "image_url": "https://x.example/i.png"}, ""),
        ({"type": "input_image", "image_url": "data:image/png;base64,aGk=", "file_id": "f"}, "input.content.file_id"),
        ({"type": "output_text", "text": "x", "annotations": [{"type": "url_citation"}]}, "input.content.annotations"),
    ],
)
def test_a_refused_block_says_why(block, path):
    with pytest.raises(CallerError) as caught:
        parse({"input": [{"role": "assistant" if "output" in block["type"] else "user", "content": [block]}]})
    assert (REFUSED[path] if path else "as a data: URL") in caught.value.public


def test_store_may_be_asked_for_and_is_not_done():
    assert parse({"store": True}) == parse({"store": False}) == parse({})

"""The document says what there is: neither less nor more."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ringwall.controlplane.api.openapi import document
from ringwall.controlplane.api.operations import OPERATIONS, PREFIX
from tests.controlplane.api.office import Desk

DOCUMENT: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document()))


def test_routes_and_document_are_the_same(desk: Desk) -> None:
    described = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    routed = {(each.method, PREFIX + each.path) for each in OPERATIONS} | {("GET", f"{PREFIX}/openapi.json")}
    assert described == routed
    assert desk.call("/openapi.json").json == DOCUMENT


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_each_described_path_leads_to_its_operation(desk: Desk, operation: Any) -> None:
    path = operation.path
    for param in operation.params:
        assert param.pattern.fullmatch(param.example)
        path = path.replace(f"{{{param.name}}}", param.example)
    assert "{" not in path
    assert [each.name for each in OPERATIONS if each.method == operation.method and each.match(path) is not None] == [
        operation.name
    ]
    query = "&".join(f"{param.name}=x" for param in operation.query)
    found = desk.call(path, method=operation.method, query=query)
    described = DOCUMENT["paths"][PREFIX + operation.path][operation.method.lower()]["responses"]
    assert str(found.status) in described and found.status != 405
    if found.status == 404:
        assert found.json["code"] != "unknown_path"


def test_answers_are_of_their_described_shape(desk: Desk) -> None:
    for operation in OPERATIONS:
        if operation.method == "GET" and not operation.params:
            found = desk.call(operation.path)
            assert found.status == 200
            msgspec.json.decode(found.body, type=operation.answers, strict=True)


def test_references_resolve_and_names_are_unique() -> None:
    def refs(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if "$ref" in value else set()
            return own.union(*(refs(item) for item in value.values()))
        return set().union(*(refs(item) for item in value)) if isinstance(value, list) else set()

    assert refs(DOCUMENT) == {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    names = [item["operationId"] for path in DOCUMENT["paths"].values() for item in path.values()]
    assert len(names) == len(set(names))


def test_requests_are_closed() -> None:
    for operation in OPERATIONS:
        if operation.reads is not None:
            assert DOCUMENT["components"]["schemas"][operation.reads.__name__]["additionalProperties"] is False

"""How does the API describe itself? An OpenAPI 3.1 document.

* It is made from the table and the shapes; nothing is typed twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from ringwall import __version__
from ringwall.controlplane.api import shapes
from ringwall.controlplane.api.office import Operation, Param
from ringwall.controlplane.api.operations import OPERATIONS, PREFIX

PATH = "/openapi.json"
PROBLEM = "application/problem+json"
ALWAYS = (401, 403, 503)
"""Statuses that every operation may answer with."""
WITH_BODY = (400, 413, 415)
"""Statuses of an operation that reads a body."""


def document() -> dict[str, object]:
    """The document."""
    types: set[type[msgspec.Struct]] = {shapes.Problem}
    for row in OPERATIONS:
        types |= {row.answers} if row.reads is None else {row.answers, row.reads}
    ordered = sorted(types, key=lambda kind: kind.__name__)
    references, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    refs = dict(zip(ordered, references, strict=True))
    paths: dict[str, dict[str, object]] = {}
    for each in OPERATIONS:
        paths.setdefault(PREFIX + each.path, {})[each.method.lower()] = _operation(each, refs)
    paths[PREFIX + PATH] = {
        "get": {
            "operationId": "getDescription",
            "summary": "This document.",
            "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": {"type": "object"}}}}}
            | _problems(ALWAYS, refs),
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Ringwall administration",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8081"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An administrator's access token, or the process token on the same machine.",
                }
            },
        },
    }


def statuses(operation: Operation) -> tuple[int, ...]:
    """The statuses of the problems that an operation may answer with."""
    own = {*ALWAYS, *operation.errors}
    if operation.reads is not None:
        own.update(WITH_BODY)
    if operation.query or operation.changes:
        own.add(400)
    return tuple(sorted(own))


def _operation(operation: Operation, refs: Mapping[type[msgspec.Struct], dict[str, object]]) -> dict[str, object]:
    answer: dict[str, object] = {
        "description": HTTPStatus(operation.status).phrase,
        "content": {"application/json": {"schema": refs[operation.answers]}},
    }
    described: dict[str, object] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": {str(operation.status): answer} | _problems(statuses(operation), refs),
    }
    params = [_param(each, "path") for each in operation.params] + [_param(each, "query") for each in operation.query]
    if params:
        described["parameters"] = params
    if operation.reads is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": refs[operation.reads]}},
        }
    return described


def _param(param: Param, where: str) -> dict[str, object]:
    return {
        "name": param.name,
        "in": where,
        "required": True,
        "description": param.meaning,
        "schema": {"type": "string", "pattern": f"^{param.pattern.pattern}$"},
        "example": param.example,
    }


def _problems(numbers: tuple[int, ...], refs: Mapping[type[msgspec.Struct], dict[str, object]]) -> dict[str, object]:
    schema = refs[shapes.Problem]
    return {
        str(number): {"description": HTTPStatus(number).phrase, "content": {PROBLEM: {"schema": schema}}}
        for number in numbers
    }

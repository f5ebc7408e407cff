"""What stock botocore makes of an answer: its own models and parsers, without a socket."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.eventstream import EventStream
from botocore.parsers import EventStreamJSONParser, RestJSONParser

MODEL = botocore.session.get_session().get_service_model("bedrock-runtime")


class _Raw:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def stream(self):
        yield self.data


def events(data: bytes, operation: str = "ConverseStream") -> list[dict[str, Any]]:
    """The events of a stream; raises EventStreamError for an exception in it."""
    output = MODEL.operation_model(operation).output_shape
    shape = output.members[output.event_stream_name or "body"]
    return list(EventStream(_Raw(data), shape, EventStreamJSONParser(), operation))


def whole(body: bytes, operation: str = "Converse", *, status: int = 200, headers: Any = ()) -> dict[str, Any]:
    """An answer, or an error."""
    response = {"status_code": status, "body": body, "headers": {k.decode(): v.decode() for k, v in headers}}
    return RestJSONParser().parse(response, MODEL.operation_model(operation).output_shape)


def paths(shape: Any, above: str = "", seen: frozenset[str] = frozenset()) -> set[str]:
    """Every field of a shape, as a path without indices; a header by its name on the wire."""
    if getattr(shape, "is_document_type", False):
        return set()
    if shape.type_name == "list":
        return paths(shape.member, above, seen)
    if shape.type_name == "map":
        return paths(shape.value, above, seen)
    found: set[str] = set()
    for name, member in getattr(shape, "members", {}).items():
        if member.serialization.get("location") == "header":
            name = member.serialization["name"]
        path = f"{above}.{name}" if above else name
        found.add(path)
        if member.name not in seen:
            found |= paths(member, path, seen | {member.name})
    return found

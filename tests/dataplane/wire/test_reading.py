"""What every protocol does before it looks at its own fields: read in one way, or refuse with the field's place."""

from __future__ import annotations

import re

import msgspec
import pytest

from ringwall.dataplane.wire.reading import Fields, Parts, checked, read_as, read_object
from ringwall.model.content import JSON, Origin
from ringwall.model.errors import CallerError


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class Shape(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[Inner] = []
    size: int = 0


FIELDS = Fields({"store": "it is kept", "rows.kind": "nobody reads it"}, {"store": (False,)}, frozenset({"user"}))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a":1,"a":2}', b'{"a":' * 99, b'"x"', b"\xff"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(CallerError):
        read_object(body, depth=64)


def test_refused_fields_say_why_and_harmless_and_inert_ones_leave_no_trace() -> None:
    assert read_as({"store": False, "user": {"x": 1}, "size": 3}, Shape, FIELDS) == Shape(size=3)
    assert read_as({"store": None}, Shape, FIELDS) == Shape()
    with pytest.raises(CallerError) as caught:
        read_as({"store": True}, Shape, FIELDS)
    assert (caught.value.param, "it is kept" in caught.value.public) == ("store", True)


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({"surprise": "secret"}, "surprise"),
        ({"rows": [{"name": "x"}, {"name": "y", "more": "secret"}]}, "rows[1].more"),
        ({"rows": [{"name": 5}]}, "rows[0].name"),
        ({"size": "secret"}, "size"),
        ({"size": True}, "size"),
    ],
)
def test_an_error_says_where_and_never_what(document: dict[str, object], param: str) -> None:
    with pytest.raises(CallerError) as caught:
        read_as(document, Shape, FIELDS)
    assert caught.value.param == param and "secret" not in caught.value.public


def test_a_refused_field_deeper_down_says_why() -> None:
    with pytest.raises(CallerError) as caught:
        read_as({"rows": [{"name": "x", "kind": "y"}]}, Shape, FIELDS)
    assert "nobody reads it" in caught.value.public and caught.value.code == "unsupported_field"


def test_names_match_their_grammar_whole() -> None:
    assert checked(re.compile("[a-z]+"), "abc", "x") == "abc"
    with pytest.raises(CallerError):
        checked(re.compile("[a-z]+"), "abc\n", "x")


def test_parts_keep_their_order_origin_and_media() -> None:
    parts = Parts()
    parts.text("a", Origin.PERSON, "x")
    parts.json("b", Origin.TOOL, {"k": ["v"]})
    parts.image("c", Origin.PERSON, "image/png", "aGk=", "p")
    assert [(part.id, part.origin, part.media) for part in parts.all] == [
        ("a", Origin.PERSON, "text/plain"),
        ("b", Origin.TOOL, JSON),
        ("c", Origin.PERSON, "image/png"),
    ]


@pytest.mark.parametrize(
    ("media", "data"), [("image/svg+xml", "aGk="), ("text/html", "aGk="), ("image/png", "<x>"), ("image/png", "")]
)
def test_an_image_is_of_a_known_kind_and_base64(media: str, data: str) -> None:
    with pytest.raises(CallerError) as caught:
        Parts().image("c", Origin.PERSON, media, data, "here")
    assert caught.value.param == "here"

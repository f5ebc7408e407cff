"""How is a request read in one way only? What all protocols of models do before they look at their own fields.

* Strict JSON (no duplicate keys, bounded depth), then the protocol's closed shape: an unknown field is an error with
  the field's path, and a refused one says why (law 9).
* `Parts` collects every free string under its name, with its origin. What is no free string matches a closed grammar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

import msgspec

from ringwall.model.content import JSON, TEXT, Origin, Part, PartId, freeze
from ringwall.model.errors import CallerError
from ringwall.model.strict_json import JsonError, loads

CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
MODEL = re.compile(r"[A-Za-z0-9._:/@+-]{1,256}")
"""Names of models, and ARNs of what serves them."""
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_IMAGE = re.compile(r"data:(image/(?:png|jpeg|gif|webp));base64,([A-Za-z0-9+/]+={0,2})")
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
MAX_PROBLEM_CHARS = 256
"""The most that is repeated of what is wrong with a request: it may hold names that the caller chose."""
T = TypeVar("T")


class Handling(StrEnum):
    """What a door does with a field."""

    JUDGED = "judged"
    INERT = "inert"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Fields:
    """A protocol's fields that are not read.

    Attributes:
        refused: Field to the reason for which it is refused. An absent or null value of it is accepted.
        harmless: Values with which a refused field asks for nothing, and is accepted.
        inert: Fields that are accepted and dropped.
    """

    refused: Mapping[str, str]
    harmless: Mapping[str, tuple[object, ...]] = field(default_factory=dict)
    inert: frozenset[str] = frozenset()


def read_object(body: bytes, *, depth: int) -> dict[str, object]:
    """The JSON object of a body.

    Raises:
        CallerError: It is none, or can be read in more than one way.
    """
    try:
        document = loads(body, depth=depth)
    except JsonError as error:
        raise CallerError(f"the body is not acceptable JSON: {error}", code=error.code) from error
    if not isinstance(document, dict):
        raise CallerError("the body must be a JSON object", code="invalid_type")
    return document


def read_as(document: Mapping[str, object], kind: type[T], fields: Fields) -> T:
    """The document in its closed shape.

    Raises:
        CallerError: A field is unknown, refused, or of a wrong type; says which, and never repeats content.
    """
    for name in document.keys() & fields.refused.keys():
        if document[name] is not None and document[name] not in fields.harmless.get(name, ()):
            raise CallerError(f'"{name}" is refused: {fields.refused[name]}', code="unsupported_field", param=name)
    known = {name: value for name, value in document.items() if name not in fields.refused and name not in fields.inert}
    try:
        return msgspec.convert(known, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(error, known, fields.refused) from error


def _explained(error: msgspec.ValidationError, document: object, refused: Mapping[str, str]) -> CallerError:
    """Which field is at fault, in the caller's words; never its content."""
    problem, _, where = str(error).partition(" - at `")
    param = where.removesuffix("`").removeprefix("$").removeprefix(".")
    unknown = re.search(r"unknown field `([^`]{0,64})`", problem)
    if unknown:
        param = f"{param}.{unknown[1]}" if param else unknown[1]
        problem = "a field that is not known here, and unknown fields are refused"
    elif "nvalid" in problem and "value" in problem:
        problem = "not one of the values that are understood here"
    bare = re.sub(r"\[[^\]]*\]", "", param)
    value = _value_at(document, param)
    for path in (bare, f"{bare.removesuffix('.type')}.{value}"):
        if path in refused:
            return CallerError(f'"{param}" is refused: {refused[path]}', code="unsupported_field", param=param)
    text = problem.replace("`", "'")[:MAX_PROBLEM_CHARS]
    param = param[:MAX_PROBLEM_CHARS]
    return CallerError(f'"{param}": {text[:1].lower()}{text[1:]}', code="invalid_request", param=param)


def _value_at(document: object, param: str) -> object:
    """What stands at a path such as `messages[0].content[1].type`."""
    value = document
    for token in re.findall(r"[^.\[\]]+", param):
        if isinstance(value, Mapping):
            value = value.get(token)
        elif isinstance(value, Sequence) and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
    return value if isinstance(value, str) else None


def checked(grammar: re.Pattern[str], value: str, param: str) -> str:
    """A name that matches its closed grammar.

    Raises:
        CallerError: It does not.
    """
    if not grammar.fullmatch(value):
        raise CallerError("not a name that is understood here", code="invalid_request", param=param)
    return value


def read_image(url: str, param: str) -> tuple[str, str]:
    """Media type and base64 of an image that came as a `data:` URL.

    Raises:
        CallerError: It is none.
    """
    match = _IMAGE.fullmatch(url)
    if match is None:
        reason = "an image must come in the request, as a data: URL with base64; the gateway fetches none"
        raise CallerError(reason, code="unsupported_field", param=param)
    return match[1], match[2]


class Parts:
    """The content of a request, as it is collected."""

    def __init__(self) -> None:
        self.all: list[Part] = []
        self.results: list[tuple[PartId, str]] = []
        """Parts that answer a call, with the call's handle."""

    def text(self, name: str, origin: Origin, text: str) -> PartId:
        """Add a text."""
        return self._add(Part(PartId(name), origin, text, TEXT))

    def json(self, name: str, origin: Origin, value: object) -> PartId:
        """Add a JSON document, which may be a string."""
        return self._add(Part(PartId(name), origin, freeze(value), JSON))

    def image(self, name: str, origin: Origin, media: str, data: str, param: str) -> PartId:
        """Add an image in base64.

        Raises:
            CallerError: Of a kind that is not known, or not base64.
        """
        if media not in IMAGES or not BASE64.fullmatch(data):
            kinds = ", ".join(sorted(each.removeprefix("image/") for each in IMAGES))
            raise CallerError(f"an image must be base64 of one of {kinds}", code="unsupported_field", param=param)
        return self._add(Part(PartId(name), origin, data, media))

    def _add(self, part: Part) -> PartId:
        self.all.append(part)
        return part.id

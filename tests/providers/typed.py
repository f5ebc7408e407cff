"""Does a value have a type, and nothing more? For TypedDicts and their unions, closed: unknown keys do not pass."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin

from typing_extensions import Annotated, get_type_hints, is_typeddict  # noqa: UP035


def conforms(value: object, kind: Any) -> bool:
    """Whether it does."""
    origin, of = get_origin(kind), get_args(kind)
    if origin in (Annotated, Required, NotRequired):
        return conforms(value, of[0])
    if origin in (Union, types.UnionType):
        return any(conforms(value, each) for each in of)
    if origin is Literal:
        return value in of
    if is_typeddict(kind):
        if not isinstance(value, Mapping) or not kind.__required_keys__ <= value.keys():
            return False
        hints = get_type_hints(kind, include_extras=True)
        return all(name in hints and conforms(each, hints[name]) for name, each in value.items())
    if origin in (list, Iterable, Sequence) or (isinstance(origin, type) and issubclass(origin, (list, Iterable))):
        if origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping)):
            return isinstance(value, dict)
        return isinstance(value, list) and all(conforms(each, of[0]) for each in value)
    if kind in (Any, object):
        return True
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is None or kind is types.NoneType:
        return value is None
    return isinstance(kind, type) and isinstance(value, kind)


def must_conform(value: object, kind: Any, where: str = "$") -> None:
    """Fail with the place that does not."""
    if conforms(value, kind):
        return
    if is_typeddict(kind) and isinstance(value, Mapping):
        hints = get_type_hints(kind, include_extras=True)
        for name, each in value.items():
            if name not in hints or not conforms(each, hints[name]):
                raise AssertionError(f"{where}.{name}: {each!r} is no {hints.get(name, 'known field')}")
    raise AssertionError(f"{where}: {value!r} is no {kind}")

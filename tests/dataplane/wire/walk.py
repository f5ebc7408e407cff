"""Every field of a client package's request types, as paths without indices, so that none is unknown to a door."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

from ringwall.dataplane.wire.reading import Handling


def typed_dicts(kind: Any) -> Iterator[Any]:
    """Every TypedDict inside a type."""
    if isinstance(kind, type) and hasattr(kind, "__total__") and hasattr(kind, "__annotations__"):
        yield kind
        return
    for inner in get_args(kind):
        yield from typed_dicts(inner)


def kinds(kind: Any) -> list[str]:
    """The values of its `type`, where it has one of a few."""
    hint = get_type_hints(kind).get("type")
    return list(literals(hint)) if hint is not None else []


def literals(kind: Any) -> Iterator[str]:
    """The strings of every Literal inside a type."""
    if get_origin(kind) is Literal:
        yield from (each for each in get_args(kind) if isinstance(each, str))
    for inner in get_args(kind):
        yield from literals(inner)


def paths(
    kind: Any,
    *,
    free: Sequence[str] = (),
    skip: Callable[[str, Sequence[str]], bool] = lambda path, kinds: False,
    above: str = "",
    seen: tuple[Any, ...] = (),
) -> Iterator[str]:
    """Every field of a TypedDict.

    Args:
        kind: The type.
        free: Names of mappings whose keys are the caller's own.
        skip: Whether what stands at a path and has one of these kinds is refused as a kind, so that its fields need no
            line of their own.
        above: The path so far.
        seen: What was walked on the way.
    """
    for name, hint in get_type_hints(kind).items():
        path = f"{above}{name}"
        yield path
        if name in free:
            continue
        for inner in typed_dicts(hint):
            if inner not in seen and not skip(path, kinds(inner)):
                yield from paths(inner, free=free, skip=skip, above=f"{path}.", seen=(*seen, inner))


def is_classified(path: str, fields: Mapping[str, Handling]) -> bool:
    """A field below a refused or an inert one needs no line of its own."""
    pieces = path.split(".")
    above = [".".join(pieces[:length]) for length in range(1, len(pieces) + 1)]
    return path in fields or any(fields.get(each) in (Handling.REFUSED, Handling.INERT) for each in above)

"""A small TOML writer, so that tests can make files out of values, in any order."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from random import Random


def key(name: str) -> str:
    """A quoted key; JSON strings are TOML basic strings, but for DEL and the escapes of surrogates."""
    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")


def value(item: object) -> str:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, str):
        return key(item)
    if isinstance(item, (int, float)):
        return repr(item)
    if isinstance(item, date):
        return item.isoformat()
    if isinstance(item, Mapping):
        return "{ " + ", ".join(f"{key(name)} = {value(each)}" for name, each in item.items()) + " }"
    if isinstance(item, (list, tuple)):
        return "[" + ", ".join(value(each) for each in item) + "]"
    raise TypeError(type(item).__name__)


def document(values: Mapping[str, object], shuffle: Random | None = None) -> str:
    """A document: top-level tables as headers, all below them as inline values; shuffled, with comments between."""
    lines: list[str] = []
    for name, item in _order(values, shuffle):
        if not isinstance(item, Mapping):
            lines.insert(0, f"{key(name)} = {value(item)}")
            continue
        if shuffle is not None:
            lines += ["", f"# comment {shuffle.random()}"]
        lines.append(f"[{key(name)}]")
        lines += [f"{key(each)} = {value(below)}" for each, below in _order(item, shuffle)]
    return "\n".join(lines) + "\n"


def _order(values: Mapping[str, object], shuffle: Random | None) -> list[tuple[str, object]]:
    items = list(values.items())
    if shuffle is not None:
        shuffle.shuffle(items)
        items = [(name, dict(_order(item, shuffle)) if isinstance(item, Mapping) else item) for name, item in items]
    return items

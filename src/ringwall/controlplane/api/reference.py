"""How does the API read as a page? `docs/reference/api.md`, made from the OpenAPI document's own sources.

* `python -m ringwall.controlplane.api.reference > docs/reference/api.md` writes it anew; a test holds it in step.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from ringwall.controlplane.api.openapi import document, statuses
from ringwall.controlplane.api.operations import OPERATIONS, PREFIX

_HEAD = """# Administration API

Everything below stands on the administration listener (`http://127.0.0.1:8081` by default), never on the data
listener. The same, for programs: `GET /api/v1/openapi.json`.

**Credentials.** `Authorization: Bearer`, with an administrator's access token (`ringwall login --show-token`) that
shows a second factor, or with the process token of `ringwall up --ready-file`, which is taken from this machine only.
API keys do not administer.

**Errors** are `application/problem+json` (RFC 9457) with a machine-readable `code`. Bodies are JSON of at most 64 KiB;
a key that stands twice or is not known is refused. Every change stands in the ledger before it takes effect.

**Example**

```sh
curl -H "Authorization: Bearer $(ringwall login --show-token)" http://127.0.0.1:8081/api/v1/status
```
"""


def render() -> str:
    """The page."""
    schemas: Any = document()["components"]
    schemas = schemas["schemas"]
    return "\n".join([_HEAD, "## Operations\n", *_operations(), "## Shapes\n", *_shapes(schemas)]).rstrip() + "\n"


def _operations() -> Iterator[str]:
    for each in OPERATIONS:
        yield f"### `{each.method} {PREFIX}{each.path}`\n"
        yield f"{each.summary}\n"
        for param in (*each.params, *each.query):
            yield f"* `{param.name}` ({'path' if param in each.params else 'query'}): {param.meaning}"
        if each.reads is not None:
            yield f"* reads [{each.reads.__name__}](#{each.reads.__name__.lower()})"
        yield f"* answers {each.status} with [{each.answers.__name__}](#{each.answers.__name__.lower()})"
        problems = ", ".join(map(str, statuses(each)))
        yield f"* problems: {problems}\n"


def _shapes(schemas: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, schema in schemas.items():
        yield f"### {name}\n"
        if "description" in schema:
            yield f"{schema['description']}\n"
        if "enum" in schema:
            yield f"One of: {', '.join(f'`{each}`' for each in schema['enum'])}.\n"
        if "properties" in schema:
            yield "| field | type | needed |"
            yield "|---|---|---|"
            needed = schema.get("required", [])
            for field, kind in schema["properties"].items():
                yield f"| `{field}` | {_kind(kind)} | {'yes' if field in needed else _default(kind)} |"
            yield ""


def _kind(schema: Mapping[str, Any]) -> str:
    """A type in few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    bounds = [
        f"{words} {schema[key]}"
        for key, words in (("minimum", "at least"), ("maximum", "at most"), ("maxLength", "at most"))
        if key in schema
    ]
    unit = " characters" if "maxLength" in schema else ""
    return (schema.get("format") or kind) + (f", {', '.join(bounds)}{unit}" if bounds else "")


def _default(schema: Mapping[str, Any]) -> str:
    return f"no: `{schema['default']!r}`" if "default" in schema else "no"


if __name__ == "__main__":
    sys.stdout.write(render())

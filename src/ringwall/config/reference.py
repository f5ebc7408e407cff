"""What does the reference page of the configuration say? Markdown, computed from the types that read the file.

* Same types, same bytes: the committed page is compared with this function's answer.
* What a key means is taken from where it is defined: the docstring of the table or of the plan's own class, or the
  field of a setting. A key that nobody explains is an error of ours, and a test finds it.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from enum import Enum
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from ringwall.catalog.load import Catalog
from ringwall.config import schema
from ringwall.model.control import Settings, Stricter
from ringwall.model.framework import ControlId
from ringwall.model.identity import TrustedIssuer
from ringwall.model.plan import CredentialPlan, EgressPlan, Limits, MonitorPlan, ToolServerPlan, UpstreamPlan

_TABLES: tuple[tuple[str, type[schema.Table], tuple[type, ...]], ...] = (
    ("[organisation]", schema.Organisation, ()),
    ("[listen]", schema.Listen, ()),
    ("[limits]", schema.Bounds, (Limits,)),
    ("[monitor]", schema.Monitor, (MonitorPlan,)),
    ("[issuers.<name>]", schema.Issuer, (TrustedIssuer,)),
    ("[upstreams.<name>]", schema.Upstream, (UpstreamPlan,)),
    ("[tool_servers.<name>]", schema.ToolServer, (ToolServerPlan,)),
    ("[credentials.<name>]", schema.Credential, (CredentialPlan,)),
    ("[egress]", schema.Egress, (EgressPlan,)),
    ("[workloads.<name>]", schema.WorkloadTable, ()),
    ("[workloads.<name>.models]", schema.ModelRoute, ()),
    ("[[workloads.<name>.models.<model>.targets]]", schema.ModelTarget, ()),
    ("[controls.<id>], [workloads.<name>.controls.<id>]", schema.Override, ()),
)
_OWN_WORDS = {
    "model": "What the upstream calls it; the name that callers use when empty.",
    "upstream": "The upstream that serves it.",
    "algorithms": "The algorithms that it signs with; asymmetric ones only.",
    "jwks_uri": "Where its keys are published; give this or `jwks_file`.",
    "workloads": "Workloads for which its tokens may be used; without it, policy decides by role.",
    "jwks_file": "A file with its JWK set, beside the configuration, for an issuer that publishes none.",
}
_DIRECTIONS = {
    Stricter.LOWER: "lower",
    Stricter.HIGHER: "higher",
    Stricter.SUBSET: "fewer",
    Stricter.SUPERSET: "more",
    Stricter.TRUE: "`true`",
    Stricter.FALSE: "`false`",
    Stricter.FIXED: "no order: any change needs leave",
}
_WORDS = {str: "string", int: "whole number", float: "number", bool: "true or false"}


def configuration_page(catalog: Catalog, settings: Mapping[ControlId, type[Settings]]) -> str:
    """The page `docs/reference/configuration.md`.

    Args:
        catalog: The entries, with the defaults and what may be loosened.
        settings: The settings class of every control that is built.
    """
    lines = [
        "# Configuration",
        "",
        "<!-- computed by `ringwall.config.reference.configuration_page` from the types that read it; do not edit -->",
        "",
        "One TOML file. Tables and keys are closed: what is not on this page is an error that names file, line and the "
        "nearest name. How to write one: [write a configuration](../how-to/write-a-configuration.md).",
        "",
        "Values are laid over each other: the catalog's, then `[controls]` (the organisation's), then "
        "`[workloads.<name>.controls]`. Each step may only tighten. What a control's entry lists as loosenable may be "
        "loosened with `reason` and `until`; a plan ends with the first leave in it. `ringwall plan` shows every value "
        "with the file and line that set it.",
    ]
    for title, table, others in _TABLES:
        lines += ["", f"## `{title}`", "", _first_line(table), "", *_table(table, others)]
    lines += ["", "## Settings of the controls that are built"]
    for control in sorted(settings):
        lines += ["", *_control(catalog, control, settings[control])]
    return "\n".join(lines) + "\n"


def _first_line(table: type) -> str:
    first = (inspect.getdoc(table) or "").partition("\n")[0]
    return first.partition(";")[0].rstrip(".") + "."


def _table(table: type[schema.Table], others: tuple[type, ...]) -> Iterator[str]:
    meanings = {name: text for each in (*others, table) for name, text in attributes(each).items()} | _OWN_WORDS
    yield "| key | value | if it is not there | meaning |"
    yield "|---|---|---|---|"
    hints = get_type_hints(table, include_extras=True)
    for field in msgspec.structs.fields(table):
        yield f"| `{field.name}` | {_kind(hints[field.name])} | {_default(field)} | {_cell(meanings[field.name])} |"


def attributes(kind: type) -> dict[str, str]:
    """What the `Attributes:` of a docstring say, by name."""
    _, _, section = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if match := re.fullmatch(r"    ([a-z_0-9]+): (.*)", line):
            name, text = match.groups()
            found[name] = text
        elif name and line.strip():
            found[name] += " " + line.strip()
    return found


def _kind(hint: Any) -> str:
    """A type, in the words of TOML."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        bounds = ", ".join(text for meta in arguments[1:] if isinstance(meta, msgspec.Meta) for text in _bounds(meta))
        return f"{_kind(arguments[0])}{f', {bounds}' if bounds else ''}"
    if origin is Literal:
        return _choice(str(each) for each in arguments)
    if origin is tuple:
        return "list of strings" if arguments[0] is str else f"list of {_kind(arguments[0])}"
    if origin is dict:
        return "table" if arguments[1] is not str else "table of strings"
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _choice(str(each.value) for each in hint)
    if arguments:  # a union
        return " or ".join(dict.fromkeys(_kind(each) for each in arguments if each is not type(None)))
    return _WORDS.get(hint, "date" if getattr(hint, "__name__", "") == "date" else "table")


def _choice(members: Iterator[str]) -> str:
    return " or ".join(f'`"{each}"`' for each in members)


def _bounds(meta: msgspec.Meta) -> Iterator[str]:
    for value, words in (
        (meta.ge, "at least"),
        (meta.gt, "more than"),
        (meta.le, "at most"),
        (meta.min_length, "at least this many:"),
    ):
        if value is not None:
            yield f"{words} {value:g}" if value < 100_000 else f"{words} {value:,}"


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "needed"
    value = field.default if field.default is not msgspec.NODEFAULT else None
    if value is None or value in ("", (), {}):
        return "none"
    return _toml(value)


def _toml(value: object) -> str:
    """A value as it would stand in the file."""
    if isinstance(value, bool):
        return f"`{'true' if value else 'false'}`"
    if isinstance(value, Enum):
        return f'`"{value.value}"`'
    if isinstance(value, (list, tuple)):
        return f"`[{', '.join(chr(34) + str(each) + chr(34) for each in value)}]`"
    if isinstance(value, Mapping):
        return "none"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _control(catalog: Catalog, control: ControlId, kind: type[Settings]) -> Iterator[str]:
    entry = catalog.entries[control]
    yield f"### `{control}`"
    yield ""
    yield entry.question
    yield ""
    modes = "may be set to `observe` or `off`, with leave" if "mode" in entry.may_relax else "is always `enforce`"
    yield f"`mode` {modes}. A rehearsal workload may switch it off in any case, with leave."
    yield ""
    yield "| setting | value | catalog | stricter is | leave | meaning |"
    yield "|---|---|---|---|---|---|"
    for each in fields(kind):
        meta = each.metadata
        default = entry.defaults[each.name]
        unit = f" ({meta['unit']})" if meta["unit"] else ""
        meaning = f"{_cell(meta['meaning'])}{unit}"
        direction = _DIRECTIONS[meta["stricter"]]
        if not isinstance(default, Mapping) or not (default or meta["scale"]):
            leave = "yes" if each.name in entry.may_relax else "no"
            value = _choice(iter(meta["scale"])) if meta["scale"] else _value(default)
            yield f"| `{each.name}` | {value} | {_toml(default)} | {direction} | {leave} | {meaning} |"
            continue
        direction = "later in this order: " + ", ".join(meta["scale"])
        choice = _choice(iter(meta["scale"]))
        if not default:  # the catalog names no key: they are the workload's own
            leave = "yes" if each.name in entry.may_relax else "no"
            yield f"| `{each.name}.<name>` | {choice} | none | {direction} | {leave} | {meaning} |"
        for key in sorted(default):
            leave = "yes" if {each.name, f"{each.name}.{key}"} & entry.may_relax else "no"
            yield f"| `{each.name}.{key}` | {choice} | {_toml(default[key])} | {direction} | {leave} | {meaning} |"


def _value(default: object) -> str:
    if isinstance(default, (list, tuple)):
        return "list of strings"
    if isinstance(default, Mapping):
        return "table of strings"
    return _WORDS.get(type(default), "string")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

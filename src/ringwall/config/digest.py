"""Which plan was it? The digest of a plan: everything but its version, its expiry and where its values were set.

* Two files that mean the same give one digest: comments, blank lines, and the order of tables and keys do not count.
* The order inside a list of settings counts, since it may carry meaning.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum

from ringwall.model.plan import Plan

_LEFT_OUT = frozenset({"digest", "version", "expires", "provenance"})
_UNORDERED = frozenset({"issuers", "policies", "routes", "tools"})
"""Tuples of a plan that stand in the order of the file, which means nothing."""


def digest(plan: Plan) -> str:
    """SHA-256 over the plan's canonical form, as `sha256:<hex>`."""
    body = json.dumps(_plain(plan), sort_keys=True, separators=(",", ":")).encode()
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _plain(value: object) -> object:
    """A value of a plan as plain JSON: sets sorted, records as objects that name their type."""
    if is_dataclass(value) and not isinstance(value, type):
        kept = {
            each.name: _field(each.name, getattr(value, each.name))
            for each in fields(value)
            if each.name not in _LEFT_OUT
        }
        return {"": type(value).__name__, **kept}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value


def _field(name: str, value: object) -> object:
    plain = _plain(value)
    if name in _UNORDERED and isinstance(plain, list):
        return sorted(plain, key=lambda each: json.dumps(each, sort_keys=True))
    return plain

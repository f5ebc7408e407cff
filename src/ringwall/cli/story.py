"""What happened to one request? Its records in the ledger, with what can be said of each.

* Offline: only the ledger's files are read, also while a gateway writes them.
* A ledger may have been forged. Nothing here trusts the shape of a record, and nothing is claimed that its bytes do not
  say; whether they are the bytes that were written is what `ringwall ledger verify` answers.
* An opening without a closing reads `interrupted, extent unknown`, never `released` (law 7).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ringwall.model.errors import CallerError
from ringwall.model.interaction import Action
from ringwall.model.record import Outcome, RecordKind
from ringwall.store.ledger import read, segment
from ringwall.store.ledger.report import INTERRUPTED, Finding
from ringwall.store.ledger.walk import stored_marks

REFUSALS = ("deny", "ask")


@dataclass(frozen=True, slots=True)
class Told:
    """One record of a story.

    Attributes:
        fields: What it says.
        segment: Where it stands.
        position: Its position there.
        covered: True when a signed checkpoint covers that position; None when no key is at hand to tell.
        took_effect: False when a later start says that its commit was refused.
        live: True while a process writes its segment.
    """

    fields: Mapping[str, object]
    segment: str
    position: int
    covered: bool | None
    took_effect: bool
    live: bool


def tell(folder: Path, name: str, public_key: bytes | None) -> tuple[Told, ...]:
    """All records of the request that an id names, oldest first.

    Args:
        folder: The ledger's folder.
        name: A request id (`req_...`), or the id of any of its records (`rec_...`).
        public_key: Who signs the checkpoints, if it is known.

    Raises:
        CallerError: The id names nothing here; says what to do next.
    """
    found: tuple[read.Entry, ...] = ()
    if name.startswith("rec_"):
        entry = read.find(folder, name)
        if entry is not None:
            interaction = entry.fields().get("interaction")
            found = read.of_interaction(folder, interaction) if isinstance(interaction, str) and interaction else ()
            found = found or (entry,)
    elif name.startswith("req_"):
        found = read.of_interaction(folder, name)
    else:
        hint = "a record id begins with rec_ (header Ringwall-Record), a request id with req_ (header X-Request-Id)"
        raise CallerError(f'"{name}" is not an id; {hint}', code="not_an_id")
    if not found:
        segments = len(segment.names(folder))
        raise CallerError(
            f'"{name}" is not in the ledger "{folder}" (segments: {segments}); if another installation answered, give '
            'its --data-dir; if it was this one, "ringwall ledger verify" tells whether something was removed',
            code="unknown_id",
        )
    vouched = {each: _vouched(folder, each, public_key) for each in {entry.segment for entry in found}}
    live = {each: segment.is_live(segment.log_path(folder, each)) for each in vouched}
    told = []
    for entry in found:
        size = vouched[entry.segment]
        covered = None if size is None else entry.position < size
        took_effect = not read.is_unacknowledged(folder, entry)
        told.append(Told(entry.fields(), entry.segment, entry.position, covered, took_effect, live[entry.segment]))
    return tuple(told)


def _vouched(folder: Path, name: str, public_key: bytes | None) -> int | None:
    """How many records of a segment signed checkpoints cover; None without a key."""
    if public_key is None:
        return None
    problems: list[Finding] = []
    try:
        limit = os.stat(segment.checkpoints_path(folder, name)).st_size
        return max((mark.size for mark in stored_marks(folder, name, public_key, limit, problems)), default=0)
    except OSError:
        return 0


def conclude(told: Sequence[Told]) -> str:
    """What came of it, in one line, and never more than the records say."""
    effective = [each for each in told if each.took_effect]
    if not effective:
        return "nothing: the ledger refused its records, so nothing took effect"
    kinds = [text(each.fields, "kind") for each in effective]
    if RecordKind.OPENING in kinds:
        return _stream(effective, kinds)
    last = effective[-1].fields
    kind, outcome = text(last, "kind"), text(last, "outcome")
    if kind == RecordKind.DECISION and outcome == Outcome.REFUSED:
        return refusal(last)
    if kind == RecordKind.REJECTION:
        return f"rejected before any control was asked: {text(inner(last), 'code')}"
    if kind == RecordKind.FAILURE and outcome == Outcome.PROCEEDS:
        return f"its provider failed ({text(inner(last), 'code')}); whether another was asked is not on record"
    if kind == RecordKind.FAILURE:
        return f"allowed, and came to nothing: {text(inner(last), 'code')}"
    if outcome == Outcome.RELEASES:
        return "answered: the answer was judged and released to the caller"
    if outcome == Outcome.SENDS:
        more = "it may still be running" if effective[-1].live else "the process ended before it could be recorded"
        return f"sent upstream; what came of it is not on record: {more}"
    return outcome or "unknown"


def _stream(told: Sequence[Told], kinds: Sequence[str]) -> str:
    refused = next((each for each in told if text(each.fields, "outcome") == Outcome.REFUSED), None)
    if RecordKind.CLOSING not in kinds:
        live = told[kinds.index(RecordKind.OPENING)].live
        what = "connected" if text(told[0].fields, "action") == Action.CONNECT else "streamed"
        return f"{what}: {INTERRUPTED}" + (" (its process still runs: it may be open)" if live else "")
    closing = told[kinds.index(RecordKind.CLOSING)].fields
    if text(closing, "action") == Action.CONNECT:
        return _connection(inner(closing), refused)
    released = f"{number(inner(closing), 'characters')} characters were released"
    outcome = text(closing, "outcome")
    if outcome == Outcome.RELEASED:
        return f"streamed to its end: {released}"
    if refused is not None and text(refused.fields, "kind") == RecordKind.DECISION:
        return f"{refusal(refused.fields)}; {released} before that"
    words = {Outcome.ENDED: "the caller went away", Outcome.FAILED: "the model's answer broke off"}
    ended = next((each for key, each in words.items() if key == outcome), outcome)
    return f"streamed, and ended early: {ended}; {released}"


def _connection(closing: Mapping[str, object], refused: Told | None) -> str:
    """How a connection through the egress proxy ended."""
    size = f"{number(closing, 'bytes_out')} bytes went out, {number(closing, 'bytes_in')} came in"
    if refused is not None and text(refused.fields, "kind") == RecordKind.DECISION:
        return f"{refusal(refused.fields)}; {size} before that"
    cause = mapping(closing.get("cause"))
    if cause:
        return f"cut by {text(cause, 'control') or 'the proxy itself'}: {text(cause, 'code')}; {size} before that"
    return f"connected, and ended ({text(closing, 'ended')}): {size}"


def refusal(fields: Mapping[str, object]) -> str:
    """A refusing decision in one line."""
    cause = mapping(inner(fields).get("cause"))
    who = text(cause, "control") or "the gateway itself"
    waits = " (a person would have to say yes, and nobody can be asked)" if text(fields, "effect") == "ask" else ""
    return f"refused at {text(fields, 'checkpoint')} by {who}: {text(cause, 'code')}{waits}"


def text(fields: Mapping[str, object], key: str) -> str:
    """A field that should hold text; empty when it does not."""
    value = fields.get(key)
    return value if isinstance(value, str) else ""


def number(fields: Mapping[str, object], key: str) -> int:
    """A field that should hold a whole number; 0 when it does not."""
    value = fields.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def mapping(value: object) -> Mapping[str, object]:
    """What should be an object; an empty one when it is not."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> Sequence[object]:
    """What should be a list; an empty one when it is not."""
    return value if isinstance(value, list) else ()


def inner(fields: Mapping[str, object]) -> Mapping[str, object]:
    """The body of a record: what was decided, or what a closing, failure or start has to tell."""
    return mapping(fields.get("decision"))

"""What do the ledgers say about a play? Refusals by record, what was hidden from whom, and who was contained when.

* A transcript says what an attacker was told. Whether a control of a step that is on was the reason stands in the
  ledger alone: the record of a refusal names the control, and says if it answered at all.
* Every play has a subject of its own, so a record belongs to one play.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ringwall.store.ledger.read import entries

CONTAIN = "containment.add"


@dataclass(frozen=True, slots=True)
class Refused:
    """What the record of a refusal says.

    Attributes:
        control: Which control refused, or empty.
        code: Its code.
        is_judged: True when that control gave a verdict; False for an error, a deadline, a vacancy.
        checkpoint: Where.
    """

    control: str
    code: str
    is_judged: bool
    checkpoint: str


@dataclass(slots=True)
class Evidence:
    """Everything that was read.

    Attributes:
        refusals: By the record's id.
        hidden: Controls that hid something, by the subject whom it was hidden from.
        contained_ms: Milliseconds from the first evidence until a subject was contained.
    """

    refusals: dict[str, Refused] = field(default_factory=dict)
    hidden: dict[str, list[str]] = field(default_factory=dict)
    contained_ms: dict[str, int] = field(default_factory=dict)


def read(folders: Iterable[Path]) -> Evidence:
    """Read the ledgers of a rehearsal, each once."""
    found = Evidence()
    for folder in folders:
        seen: dict[str, _Seen] = {}
        for entry in entries(folder):
            record = entry.fields()
            subject = str(record["principal"].get("subject", ""))
            seen[record["id"]] = _Seen(subject, record["time_us"], tuple(record["cause"]), record["action"])
            _take(found, record, subject)
            if record["action"] == CONTAIN and record["outcome"] == "done":
                _contained(found, record, seen)
    return found


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is remembered of a record: whose, when, why and what."""

    subject: str
    time_us: int
    cause: tuple[str, ...]
    action: str


def _take(found: Evidence, record: Mapping[str, Any], subject: str) -> None:
    decision = record["decision"]
    cause = decision.get("cause")
    judgements = decision.get("judgements", ())
    if isinstance(cause, Mapping):
        control = str(cause.get("control") or "")
        own = next((each for each in judgements if each["control"] == control and each["verdict"] == "deny"), None)
        silent = own is None if judgements else False
        is_judged = bool(control) and not silent and not (own or {}).get("silence")
        found.refusals[record["id"]] = Refused(control, str(cause.get("code") or ""), is_judged, record["checkpoint"])
    for each in judgements:
        if each["verdict"] == "transform" and each.get("mode") != "observe":
            found.hidden.setdefault(subject, []).append(each["control"])


def _contained(found: Evidence, record: Mapping[str, Any], seen: Mapping[str, _Seen]) -> None:
    """Someone is contained: the deed rests on its intent, and that on the evidence."""
    intents = [seen[each] for each in record["cause"] if each in seen and seen[each].action == CONTAIN]
    rests = [seen[name] for intent in intents for name in intent.cause if name in seen]
    for subject in {each.subject for each in rests}:
        first_us = min(each.time_us for each in rests if each.subject == subject)
        found.contained_ms.setdefault(subject, (record["time_us"] - first_us) // 1000)

"""What does a detection see of a record? Who, from where, what came of it: never content.

* Names are taken from fields that the gateway wrote after it had checked them. What a caller merely claims (an
  unverified principal, the session made from it) is left out: nobody is ever accused by another's word.
* A name that a record had to cut or that cannot be read back exactly is no name: containment would miss, or hit
  somebody else.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ringwall.model.record import MAX_NAME, RecordKind, inert


@dataclass(frozen=True, slots=True)
class Sighting:
    """One record, as far as detections look at it.

    Attributes:
        id: The record's id.
        kind: Its kind.
        time_us: When it was made, microseconds since 1970-01-01 UTC.
        interaction: The attempt.
        workload: The workload.
        verified: Whether the principal was verified.
        principal: Issuer and subject of a verified principal; empty for anybody else.
        principal_kind: What sort of principal that is.
        key: The credential that a verified principal used; empty where it has no name.
        session: The session of a verified principal; empty for anybody else.
        source: Address of the caller.
        action: What was attempted.
        resource: Kind and name of what it was attempted on.
        checkpoint: Where.
        effect: What was decided.
        outcome: What follows.
        content: The digest of what was judged.
        code: Why it was refused.
        refusal: Which kind of refusal that was.
        evidence: The kinds of evidence in it.
        unsealed: Keys of columns that were granted to be opened.
        sealed: How many granted values stayed sealed.
        off: Controls that were switched off there.
    """

    id: str
    kind: str
    time_us: int
    interaction: str = ""
    workload: str = ""
    verified: bool = False
    principal: str = ""
    principal_kind: str = ""
    key: str = ""
    session: str = ""
    source: str = ""
    action: str = ""
    resource: tuple[str, str] = ("", "")
    checkpoint: str = ""
    effect: str = ""
    outcome: str = ""
    content: str = ""
    code: str = ""
    refusal: str = ""
    evidence: frozenset[str] = frozenset()
    unsealed: tuple[str, ...] = ()
    sealed: int = 0
    off: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """Whom it is counted for: a key, a principal, or else an address; empty for nobody."""
        if self.verified:
            return f"key {self.key}" if self.key and self.principal_kind == "service" else f"principal {self.principal}"
        return f"address {self.source}" if self.source else ""


def read_sighting(record: bytes) -> Sighting | None:
    """What a record tells, or None when it tells nothing that anybody could have attempted."""
    try:
        fields = msgspec.json.decode(record)
        if fields["kind"] in (RecordKind.START, RecordKind.ADMINISTRATION):
            return None
        return _sighting(fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, msgspec.DecodeError):
        return None  # whoever verifies the ledger hears of it; a rule cannot speak about what it cannot read


def _sighting(fields: Mapping[str, Any]) -> Sighting:
    who, decision = fields["principal"], fields["decision"]
    verified = who.get("verified") is True
    issuer, subject = exact(who.get("issuer", "")), exact(who.get("subject", ""))
    cause = decision.get("cause") or {}
    evidence = {
        each["kind"] for one in decision.get("judgements", ()) for each in one.get("evidence", ()) if "kind" in each
    }
    named = verified and issuer is not None and subject is not None
    return Sighting(
        id=fields["id"],
        kind=fields["kind"],
        time_us=int(fields["time_us"]),
        interaction=fields["interaction"],
        workload=fields["workload"],
        verified=verified,
        principal=f"{issuer} {subject}" if named else "",
        principal_kind=who.get("kind", "") if verified else "",
        key=(exact(who.get("key", "")) or "") if verified else "",
        session=fields["session"] if verified else "",
        source=fields["source"],
        action=fields["action"],
        resource=(fields["resource"].get("kind", ""), fields["resource"].get("name", "")),
        checkpoint=fields["checkpoint"],
        effect=fields["effect"],
        outcome=fields["outcome"],
        content=fields["content"],
        code=str(cause.get("code", decision.get("code", ""))),
        refusal=str(cause.get("kind", "")),
        evidence=frozenset(evidence),
        unsealed=tuple(name for kind, name in decision.get("grants", ()) if kind == "unseal"),
        sealed=len(decision.get("unreadable", ())),
        off=tuple(str(control) for control, why in decision.get("vacancies", ()) if str(why).startswith("off")),
    )


def exact(name: str) -> str | None:
    """The name that stands in a record in its inert form, or None when that form does not tell it exactly."""
    if len(name) >= MAX_NAME:
        return None
    if "\\" not in name:
        return name
    try:
        found = codecs.decode(name, "unicode_escape")
    except (ValueError, UnicodeError):
        return None
    return found if inert(found) == name else None

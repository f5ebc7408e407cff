"""How does a decision become a record? In words that hold no content (law 6).

* Evidence gets its digest here: HMAC-SHA-256 of the text at its place, under the workload's key, which no control sees.
* Every name that came from outside is made inert before it stands in a record.
* A record says what is certain when it is written: what was asked, what was answered, and what follows (law 7).
* Where the plan wants content kept, the content of a record is gathered beside it, for the sealed store (port
  `Payloads`); it never stands in the record.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from ringwall.model.content import LeafKind, Part, Place, thaw, unescape
from ringwall.model.decision import Cause, Decision, Judgement
from ringwall.model.facts import Facts, Identity, Source
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Interaction
from ringwall.model.ports import Clock, Digests, Payload
from ringwall.model.record import (
    Outcome,
    Record,
    RecordId,
    RecordKind,
    inert,
    millionths,
    new_record_id,
)
from ringwall.model.vault import Unreadable
from ringwall.model.verdict import Edit, Evidence

_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")


class Recorder:
    """Makes the records of one interaction."""

    def __init__(
        self,
        interaction: Interaction,
        facts: Facts,
        *,
        plan: str,
        trace: str,
        clock: Clock,
        digests: Digests,
        payload_days: int = 0,
    ) -> None:
        """Fix what all its records share."""
        principal = interaction.principal
        self._interaction = interaction
        self._plan = plan
        self._trace = trace
        self._clock = clock
        self._digests = digests
        self._digested: tuple[Sequence[Part], str] = ((), "")
        self._payload_days = payload_days
        self._payloads: list[Payload] = []
        self._source = str(facts[Source].address) if Source in facts else ""
        self._resource = {"kind": inert(interaction.resource.kind), "name": inert(interaction.resource.name)}
        self._principal: dict[str, object] = {
            "chain": [[inert(actor.issuer), inert(actor.subject)] for actor in principal.chain],
            "issuer": inert(principal.issuer),
            # The name of the credential, and only of one that was checked: a claimed one names whom somebody likes.
            "key": inert(facts[Identity].key or "") if principal.verified and Identity in facts else "",
            "kind": principal.kind,
            "methods": sorted(inert(method) for method in principal.methods),
            "subject": inert(principal.subject),
            "verified": principal.verified,
        }

    def decision(
        self,
        decision: Decision,
        judged: Sequence[Part],
        outcome: Outcome,
        cause: tuple[str, ...] = (),
        *,
        unreadable: Sequence[Unreadable] = (),
        left_out: Sequence[int] = (),
        target: Mapping[str, object] | None = None,
    ) -> Record:
        """The record of a decision.

        Args:
            decision: What the chain concluded.
            judged: The parts as they were judged in the first round.
            outcome: What follows.
            cause: The records that led here.
            left_out: Numbers of the turns that were refused before and are not among the parts.
            unreadable: Values that were granted to be opened and stayed sealed.
            target: Where it goes, at EGRESS of a request to a model.
        """
        body: dict[str, object] = {
            "cause": cause_body(decision.cause),
            "edits": [_edit(edit, judged) for edit in decision.edits],
            "elapsed_us": decision.elapsed_us,
            "judgements": [self._judgement(each, judged) for each in decision.judgements],
            "parts": [[inert(part.id), part.origin, inert(part.media)] for part in judged],
            "vacancies": [[control, inert(reason)] for control, reason in decision.vacancies],
        }
        if decision.grants:
            body["grants"] = [[inert(each.kind), inert(each.subject)] for each in decision.grants]
        if left_out:
            body["left_out"] = list(left_out)
        if unreadable:
            body["unreadable"] = [[inert(each.key), each.version, each.why] for each in unreadable]
        if target is not None:
            body["target"] = target
        record = self._record(
            RecordKind.DECISION,
            outcome,
            body,
            cause,
            checkpoint=decision.checkpoint,
            effect=decision.effect,
            content=self._digest(judged),
        )
        self._gather(record, judged)
        return record

    def event(
        self,
        kind: RecordKind,
        outcome: Outcome,
        body: Mapping[str, object],
        cause: tuple[str, ...] = (),
        said: Sequence[Part] = (),
    ) -> Record:
        """The record of an opening, a closing, a failure or a rejection; `said` is the content that it tells of."""
        record = self._record(kind, outcome, body, cause)
        self._gather(record, said)
        return record

    def take_payloads(self) -> Sequence[Payload]:
        """What the plan wants kept of the records that were made since the last call."""
        taken, self._payloads = self._payloads, []
        return taken

    def _gather(self, record: Record, parts: Sequence[Part]) -> None:
        if self._payload_days and parts:
            workload = self._interaction.workload
            self._payloads.append(Payload(record.id, workload, tuple(parts), self._payload_days))

    def _record(
        self,
        kind: RecordKind,
        outcome: Outcome,
        body: Mapping[str, object],
        cause: tuple[str, ...],
        *,
        checkpoint: str = "",
        effect: str = "",
        content: str = "",
    ) -> Record:
        interaction = self._interaction
        return Record(
            id=new_record_id(),
            kind=kind,
            time_us=self._clock.now_us(),
            outcome=outcome,
            plan=self._plan,
            interaction=interaction.id,
            workload=interaction.workload,
            principal=self._principal,
            session=interaction.session,
            action=interaction.action,
            resource=self._resource,
            checkpoint=checkpoint,
            effect=effect,
            decision=body,
            content=content,
            cause=cause,
            source=self._source,
            trace=self._trace,
        )

    def _digest(self, judged: Sequence[Part]) -> str:
        """The digest of the parts; the checkpoints of a request often judge the very same ones."""
        parts, digest = self._digested
        if len(parts) != len(judged) or any(one is not other for one, other in zip(parts, judged, strict=True)):
            digest = content_digest(self._digests, self._interaction.workload, judged)
            self._digested = (judged, digest)
        return digest

    def _judgement(self, judgement: Judgement, judged: Sequence[Part]) -> dict[str, object]:
        verdict = judgement.verdict
        body: dict[str, object] = {
            "control": judgement.control,
            "elapsed_us": judgement.elapsed_us,
            "mode": judgement.mode,
            "round": judgement.round,
            "verdict": type(verdict).__name__.lower() if verdict is not None else "none",
        }
        if judgement.under:
            body["under"] = inert(judgement.under)
        if judgement.silence is not None:
            body["silence"] = judgement.silence
            body["detail"] = inert(judgement.detail)
        code = getattr(verdict, "code", None)
        if code is not None:
            body["code"] = inert(code)
        evidence = verdict.evidence if verdict is not None else ()
        if evidence:
            # Round 2 speaks about edited text, which is not at hand here: its evidence is named without digests.
            is_first = judgement.round == 1
            body["evidence"] = [self._evidence(each, judged, digested=is_first) for each in evidence]
        return body

    def _evidence(self, evidence: Evidence, judged: Sequence[Part], *, digested: bool) -> dict[str, object]:
        body: dict[str, object] = {"kind": inert(evidence.kind)}
        if evidence.score is not None:
            body["score_millionths"] = millionths(evidence.score)
        if evidence.place is not None:
            body["place"] = _place(evidence.place, judged)
            text = text_at(evidence.place, judged) if digested else None
            if text is not None:
                body["digest"] = self._digests.digest(self._interaction.workload, text.encode("utf-8", "surrogatepass"))
        return body


def text_at(place: Place, parts: Sequence[Part]) -> str | None:
    """The text at a place, or None when it is not there."""
    part = next((each for each in parts if each.id == place.part), None)
    if part is None:
        return None
    value: object = part.value
    tokens = [unescape(token) for token in place.pointer.split("/")[1:]]
    for left, token in enumerate(tokens, 1 - len(tokens)):
        if isinstance(value, Mapping) and token in value:
            value = token if place.kind is LeafKind.KEY and left == 0 else value[token]
        elif isinstance(value, tuple) and _INDEX.fullmatch(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    text = value if isinstance(value, str) else repr(value)
    return text[place.start : place.end]


def content_digest(digests: Digests, workload: WorkloadId, parts: Sequence[Part]) -> str:
    """One keyed digest over all parts: their ids, origins, media types and contents, unambiguously."""
    if not parts:
        return ""
    pieces = []
    for part in parts:
        content = part.value if isinstance(part.value, str) else json.dumps(thaw(part.value), sort_keys=True)
        form = "text" if isinstance(part.value, str) else "document"  # '{}' as a text is not {} as a document
        for field in (part.id, part.origin, part.media, form, content):
            encoded = field.encode("utf-8", "surrogatepass")
            pieces += [len(encoded).to_bytes(8, "big"), encoded]
    return digests.digest(workload, b"".join(pieces))


def cause_body(cause: Cause | None) -> dict[str, object] | None:
    """What decided, as it stands in a record."""
    if cause is None:
        return None
    body: dict[str, object] = {"code": inert(cause.code), "control": cause.control, "kind": cause.kind}
    return {**body, "under": inert(cause.under)} if cause.under else body


def way_to(place: Place, parts: Sequence[Part]) -> str:
    """A place's pointer without a word of content: the name of a member is what somebody wrote (law 6).

    `/#2/0/#1`: the third member, its first element, of that the second member. `/?` where the way leads nowhere.
    """
    value: object = next((each.value for each in parts if each.id == place.part), None)
    found = ""
    for token in (unescape(each) for each in place.pointer.split("/")[1:]):
        if isinstance(value, Mapping) and token in value:
            found += f"/#{list(value).index(token)}"
            value = value[token]
        elif isinstance(value, tuple) and _INDEX.fullmatch(token) and int(token) < len(value):
            found += f"/{token}"
            value = value[int(token)]
        else:
            return f"{found}/?"
    return found


def _place(place: Place, parts: Sequence[Part]) -> dict[str, object]:
    return {
        "end": place.end,
        "leaf": place.kind,
        "part": inert(place.part),
        "pointer": inert(way_to(place, parts)),
        "start": place.start,
    }


def _edit(edit: Edit, parts: Sequence[Part]) -> dict[str, object]:
    return {"action": edit.action.name.lower(), "kind": inert(edit.kind), "place": _place(edit.place, parts)}


def ids(records: Sequence[Record]) -> tuple[RecordId, ...]:
    """The ids of records, as the cause of the next."""
    return tuple(record.id for record in records)

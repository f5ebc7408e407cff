"""What a detection sees of a record: checked names, or none."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ringwall.controlplane.monitor.sighting import Sighting, exact, read_sighting
from ringwall.model.record import MAX_NAME, Outcome, Record, RecordId, RecordKind, inert


def record(kind: RecordKind = RecordKind.DECISION, **more: Any) -> bytes:
    who = {
        "issuer": "https://id.example",
        "subject": "alice",
        "kind": "person",
        "verified": True,
        "key": "k",
        "chain": [],
    }
    given = {
        "principal": who, "session": "ses_1", "source": "203.0.113.7", "checkpoint": "inbound", "effect": "deny",
        "decision": {
            "cause": {"code": "canary", "control": "c", "kind": "content"},
            "judgements": [{"evidence": [{"kind": "canary"}]}, {}],
            "grants": [["unseal", "payments.card"], ["lease", "db"]],
            "unreadable": [["k", 1, "shredded"]],
            "vacancies": [["a.b", "off: for a test"], ["a.c", "not built"]],
        },
        "resource": {"kind": "model", "name": "m"}, **more,
    }  # fmt: skip
    return Record(RecordId("rec_1"), kind, 5, Outcome.REFUSED, "sha256:0", **given).encode()


def read(raw: bytes) -> Sighting:
    found = read_sighting(raw)
    assert found is not None
    return found


def test_what_a_record_tells_is_read() -> None:
    seen = read(record())
    assert (seen.principal, seen.key, seen.session, seen.subject) == (
        "https://id.example alice", "k", "ses_1", "principal https://id.example alice",
    )  # fmt: skip
    assert (seen.code, seen.refusal, seen.evidence) == ("canary", "content", {"canary"})
    assert (seen.unsealed, seen.sealed, seen.off) == (("payments.card",), 1, ("a.b",))


def test_the_key_of_a_service_is_counted_by_key() -> None:
    who = {"issuer": "ringwall:keys", "subject": "app", "kind": "service", "verified": True, "key": "0123"}
    assert read(record(principal=who)).subject == "key 0123"


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from([False, None, "true", 1, "yes"]))
def test_nothing_that_an_unverified_caller_claims_is_a_name(issuer: str, subject: str, verified: object) -> None:
    who = {"issuer": inert(issuer), "subject": inert(subject), "kind": "person", "verified": verified, "key": "victim"}
    seen = read(record(principal=who))
    assert (seen.verified, seen.principal, seen.key, seen.session) == (False, "", "", "")
    assert seen.subject == "address 203.0.113.7"


@given(st.text(max_size=400))
def test_a_name_is_read_back_exactly_or_not_at_all(name: str) -> None:
    found = exact(inert(name))
    assert found in (name, None)
    if len(inert(name)) < MAX_NAME and name.isascii() and name.isprintable() and "\\" not in name:
        assert found == name


def test_records_about_ourselves_and_rubbish_are_passed_over() -> None:
    assert read_sighting(record(RecordKind.ADMINISTRATION)) is None
    assert read_sighting(record(RecordKind.START)) is None
    assert read_sighting(b"{}") is None
    assert read_sighting(b"[1") is None
    assert read_sighting(json.dumps({"kind": "decision", "principal": 3, "decision": []}).encode()) is None

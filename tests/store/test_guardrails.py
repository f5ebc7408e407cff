"""Guardrails in the database: drafts change, versions never; tokens, limits, tenants."""

from __future__ import annotations

import pytest

from ringwall.model.errors import CallerError, InternalError
from ringwall.model.framework import WorkloadId
from ringwall.store import guardrails
from ringwall.store.database import Database
from ringwall.store.guardrails import GuardrailRow, StoredGuardrails, canonical, page
from tests.store.conftest import OwnClock

SHOP, BANK = WorkloadId("shop"), WorkloadId("bank")


@pytest.fixture
def stored(database: Database, own_clock: OwnClock) -> StoredGuardrails:
    made = StoredGuardrails(database, own_clock)
    made.refresh()
    return made


def create(stored: StoredGuardrails, workload: WorkloadId = SHOP, text: str = "{}", token: str | None = None):
    return stored.create(workload, text, description=None, tags="[]", by="ada", token=token)


def add(stored: StoredGuardrails, id: str, token: str | None = None, description: str | None = None) -> GuardrailRow:
    return stored.add_version(SHOP, id, description=description, by="ada", token=token)


def refused(do) -> str:
    with pytest.raises(CallerError) as caught:
        do()
    return caught.value.code


def test_nothing_is_told_before_anything_was_read(database, own_clock):
    with pytest.raises(InternalError):
        StoredGuardrails(database, own_clock).find(SHOP, "x", "DRAFT")


def test_a_version_stays_as_it_was_when_the_draft_changes(stored, database, own_clock):
    made = create(stored, text='{"a":1}')
    assert add(stored, made.id).version == "1"
    own_clock.pass_s(5)
    changed = stored.update(SHOP, made.id, '{"a":2}', description="now")
    assert changed.updated_us > made.updated_us and changed.digest != made.digest
    again = StoredGuardrails(database, own_clock)
    again.refresh()
    assert again.find(SHOP, made.id, "1").definition == '{"a":1}'
    assert again.find(SHOP, made.id, "DRAFT").description == "now"
    assert [row.version for row in again.versions(SHOP, made.id)] == ["DRAFT", "1"]
    assert [row.id for row in again.versions(SHOP)] == [made.id]


def test_a_number_never_comes_again(stored):
    made = create(stored)
    add(stored, made.id)
    stored.delete(SHOP, made.id, "1")
    assert stored.find(SHOP, made.id, "1") is None and add(stored, made.id).version == "2"
    assert refused(lambda: stored.delete(SHOP, made.id, "1")) == "no_version"


def test_the_same_token_with_the_same_words_is_the_same_request(stored):
    made = create(stored, token="t")
    assert create(stored, token="t") == made
    assert refused(lambda: create(stored, text="[]", token="t")) == "conflict"
    assert create(stored, BANK, token="t").id != made.id
    assert add(stored, made.id, "t").version == add(stored, made.id, "t").version == "1"
    assert refused(lambda: add(stored, made.id, "t", "other")) == "conflict"


def test_another_workload_sees_and_changes_nothing(stored):
    made = create(stored)
    assert stored.find(BANK, made.id, "DRAFT") is None and stored.versions(BANK) == ()
    assert refused(lambda: stored.update(BANK, made.id, "{}", description=None)) == "no_guardrail"
    assert refused(lambda: stored.delete(BANK, made.id, None)) == "no_guardrail"
    add(stored, made.id)
    assert refused(lambda: stored.enforce(BANK, made.id, "1", "{}", by="eve", id=None)) == "no_guardrail"


def test_what_is_enforced_cannot_be_deleted(stored, own_clock):
    made = create(stored)
    add(stored, made.id)
    add(stored, made.id)
    first = stored.enforce(SHOP, made.id, "1", "{}", by="ada", id=None)
    own_clock.pass_s(1)
    changed = stored.enforce(SHOP, made.id, "1", '{"x":1}', by="bob", id=first.id)
    assert (changed.created_by, changed.updated_by, changed.id) == ("ada", "bob", first.id)
    assert stored.enforced(SHOP) == (changed,) and stored.enforced(BANK) == ()
    assert refused(lambda: stored.delete(SHOP, made.id, None)) == "guardrail_in_use"
    assert refused(lambda: stored.delete(SHOP, made.id, "1")) == "guardrail_in_use"
    assert refused(lambda: stored.lift(BANK, first.id)) == "no_configuration"
    assert refused(lambda: stored.enforce(SHOP, made.id, "1", "{}", by="ada", id="other")) == "no_configuration"
    stored.delete(SHOP, made.id, "2")
    stored.lift(SHOP, first.id)
    stored.delete(SHOP, made.id, None)
    assert stored.versions(SHOP) == ()


def test_there_are_limits(stored, monkeypatch):
    for name in ("MAX_GUARDRAILS", "MAX_VERSIONS", "MAX_ENFORCED"):
        monkeypatch.setattr(guardrails, name, 1)
    made = create(stored)
    assert refused(lambda: create(stored)) == "quota_exceeded"
    add(stored, made.id)
    assert refused(lambda: add(stored, made.id)) == "quota_exceeded"
    stored.enforce(SHOP, made.id, "1", "{}", by="ada", id=None)
    assert refused(lambda: stored.enforce(SHOP, made.id, "1", "{}", by="ada", id=None)) == "quota_exceeded"


def test_pages_follow_each_other_to_the_end(stored, own_clock):
    made = []
    for _ in range(5):
        own_clock.pass_s(1)
        made.append(create(stored))
    rows, token, seen = stored.versions(SHOP), "", []
    while True:
        found, token = page(rows, token, 2)
        seen += found
        if not token:
            break
    assert seen == made
    assert refused(lambda: page(rows, "nope", 2)) == "invalid_guardrail"


def test_one_document_has_one_text():
    assert canonical({"b": 1, "a": [True, None]}) == '{"a":[true,null],"b":1}'

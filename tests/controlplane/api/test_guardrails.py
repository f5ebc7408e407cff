"""Administration of guardrails: checked before it is recorded, recorded before it is done, and told as Bedrock does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from ringwall.controlplane.api.administration import make_changes
from ringwall.controlplane.api.guardrails import Guardrails
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.guardrail import ADMINISTRATOR, GuardrailCall
from ringwall.store.guardrails import StoredGuardrails
from tests.controlplane.api.office import Place
from tests.fakes import PERSON, MemoryLedger
from tests.guardrails import DEFINITION, guards

SHOP = WorkloadId("shop")


class Desk:
    def __init__(self, folder) -> None:
        self.ledger = MemoryLedger()
        place = Place(folder)
        stored = StoredGuardrails(place.database, place.clock)
        stored.refresh()
        changes = make_changes(place, self.ledger, lambda: "sha256:0")
        self.office = Guardrails(stored=stored, changes=changes, check=guards().check)

    def __call__(
        self,
        operation: str,
        body: Mapping[str, object] | None = None,
        *,
        workload: WorkloadId = SHOP,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ):
        call = GuardrailCall(operation, workload, PERSON, "127.0.0.1", path or {}, query or {}, body or {})
        return asyncio.run(self.office.answer(call))

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(each.action, each.outcome) for each in self.ledger.records]


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path)


def named(made) -> dict[str, str]:
    return {"guardrailIdentifier": made["guardrailId"]}


def test_a_life_is_told_and_on_record(desk):
    made = desk("CreateGuardrail", DEFINITION)
    one = named(made)
    assert desk("CreateGuardrailVersion", path=one) == {**{"guardrailId": made["guardrailId"]}, "version": "1"}
    desk("UpdateGuardrail", {**DEFINITION, "name": "new", "description": "d"}, path=one)
    assert desk("GetGuardrail", path=one)["name"] == "new"
    first = desk("GetGuardrail", path=one, query={"guardrailVersion": "1"})
    assert first["name"] == "bar" and first["contentPolicy"]["filters"][0]["type"] == "PROMPT_ATTACK"
    desk("DeleteGuardrail", path=one)
    names = ("create", "version", "update", "delete")
    assert desk.told == [(f"guardrail.{name}", how) for name in names for how in ("proceeds", "done")]
    record = desk.ledger.records[0]
    assert record.decision["workload"] == "shop" and len(record.decision["digest"]) == 64
    assert "not this way" not in record.encode().decode()


@pytest.mark.parametrize(
    "change", [{"name": "a b"}, {"topicPolicyConfig": {}}, {"tags": [{"key": "k", "value": ""}] * 2}]
)
def test_what_is_refused_is_neither_recorded_nor_stored(desk, change):
    with pytest.raises(CallerError):
        desk("CreateGuardrail", {**DEFINITION, **change})
    assert desk.told == [] and desk("ListGuardrails") == {"guardrails": []}


def test_a_ledger_that_takes_nothing_lets_nothing_happen(desk):
    desk.ledger.broken = True
    with pytest.raises(InternalError):
        desk("CreateGuardrail", DEFINITION)
    assert desk("ListGuardrails") == {"guardrails": []}


def test_an_enforced_configuration_is_put_listed_and_lifted(desk):
    one = named(desk("CreateGuardrail", DEFINITION))
    desk("CreateGuardrailVersion", path=one)
    wanted = {**one, "guardrailVersion": "1", "modelEnforcement": {"includedModels": ["ALL"], "excludedModels": []}}
    made = desk("PutEnforcedGuardrailConfiguration", {"guardrailInferenceConfig": wanted})
    (told,) = desk("ListEnforcedGuardrailsConfiguration")["guardrailsConfig"]
    assert told["configId"] == made["configId"] and told["modelEnforcement"]["includedModels"] == ["ALL"]
    with pytest.raises(CallerError) as caught:
        desk("DeleteGuardrail", path=one)
    assert caught.value.code == "guardrail_in_use" and desk.told[-1] == ("guardrail.delete", "failed")
    desk("DeleteEnforcedGuardrailConfiguration", path={"configId": made["configId"]})
    assert desk("ListEnforcedGuardrailsConfiguration") == {"guardrailsConfig": []}
    with pytest.raises(CallerError):
        desk("DeleteEnforcedGuardrailConfiguration", path={"configId": made["configId"]})


@pytest.mark.parametrize(
    ("operation", "query"),
    [
        ("GetGuardrail", {"guardrailVersion": "x"}),
        ("DeleteGuardrail", {"guardrailVersion": "DRAFT"}),
        ("ListGuardrails", {"maxResults": "0"}),
        ("ListGuardrails", {"maxResults": "many"}),
        ("ListGuardrails", {"nextToken": "x"}),
        ("ListGuardrails", {"guardrailIdentifier": "nobody"}),
    ],
)
def test_a_query_that_says_nothing_known_is_refused(desk, operation, query):
    one = named(desk("CreateGuardrail", DEFINITION))
    with pytest.raises(CallerError):
        desk(operation, path=one, query=query)


def test_another_workload_finds_nothing(desk):
    one = named(desk("CreateGuardrail", DEFINITION))
    for operation in ("GetGuardrail", "DeleteGuardrail", "CreateGuardrailVersion"):
        with pytest.raises(CallerError) as caught:
            desk(operation, path=one, workload=WorkloadId("bank"))
        assert caught.value.status == 404
    with pytest.raises(InternalError):
        desk("ShredGuardrail")
    assert ADMINISTRATOR not in PERSON.roles  # who may, the door decides

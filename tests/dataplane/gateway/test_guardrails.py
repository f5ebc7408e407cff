"""The door to guardrails: which operation, who may, what is read, and what is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from botocore.session import get_session

from ringwall.dataplane.gateway import guardrails
from ringwall.dataplane.gateway.guardrails import ADMINISTRATION, APPLY, CHECKS, OPERATIONS, decoded, operation_of
from ringwall.model.errors import CallerError
from ringwall.model.guardrail import ADMINISTRATOR, ARN_PREFIX
from tests.dataplane.gateway import doors
from tests.dataplane.gateway.doors import door
from tests.fakes import PERSON
from tests.guardrails import ATTACK, CARD, DEFINITION

ARN = "arn%3Aaws%3Abedrock%3Aringwall%3A000000000000%3Aguardrail%2Fgr1"
JUDGED = {"source": "INPUT", "content": [{"text": {"text": ATTACK}}]}
APPLIED = "/guardrail/gr1/version/1/apply"


@pytest.fixture
def admin(monkeypatch):
    monkeypatch.setattr(doors, "PERSON", replace(PERSON, roles=frozenset({f"support/{ADMINISTRATOR}"})))


def test_the_operations_are_where_botocore_asks_for_them():
    services = {"bedrock": ADMINISTRATION, "bedrock-runtime": (APPLY, CHECKS)}
    for service, operations in services.items():
        model = get_session().get_service_model(service)
        for each in operations:
            http = model.operation_model(each.name).http
            assert (http["method"], http["requestUri"], http["responseCode"]) == (each.method, each.path, each.status)


def test_an_arn_is_one_segment():
    found = operation_of("GET", f"/guardrails/{ARN}")
    assert found[0].name == "GetGuardrail" and found[1] == {"guardrailIdentifier": ARN_PREFIX + "gr1"}
    assert operation_of("GET", "/guardrails/a/b") is None and operation_of("PATCH", "/guardrails") is None
    assert operation_of("GET", "/guardrails/") is None
    assert decoded("%zz") == decoded("%ff") == ""


@pytest.mark.parametrize("operation", ADMINISTRATION, ids=lambda each: each.name)
def test_nobody_but_an_administrator_administers(operation):
    found = door()
    status, body = found(method=operation.method, path=operation.path.replace("{", "").replace("}", ""), body={})
    assert (status, found.headers["x-amzn-errortype"]) == (403, "AccessDeniedException")
    assert ADMINISTRATOR in body["message"] and found.office.calls == []
    assert found.road.ledger.records[-1].action == "guardrail.administer"


def test_an_unknown_caller_is_told_nothing():
    found = door(doors.Verified("application.v"))
    status, _ = found(method="GET", path="/guardrails", key="wrong", body=b"")
    assert status == 403 and found.headers["x-amzn-errortype"] == "UnrecognizedClientException"


def test_what_an_administrator_says_goes_to_the_office(admin):
    found = door()
    assert found(path="/guardrails", body=DEFINITION) == (202, {"guardrailId": "gr1"})
    found(method="DELETE", path=f"/guardrails/{ARN}", body=b"")
    created, deleted = found.office.calls
    assert (created.operation, created.body, created.workload) == ("CreateGuardrail", DEFINITION, "support")
    assert deleted.path == {"guardrailIdentifier": ARN_PREFIX + "gr1"} and deleted.source == "127.0.0.1"


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [("conflict", 400, "ConflictException"), ("guardrail_in_use", 400, "ResourceInUseException"),
     ("quota_exceeded", 400, "ServiceQuotaExceededException"), ("too_many_tags", 400, "TooManyTagsException"),
     ("no_guardrail", 404, "ResourceNotFoundException"), ("invalid_guardrail", 400, "ValidationException")],
)  # fmt: skip
def test_what_the_office_refuses_is_told_by_awss_names(admin, code, status, name):
    found = door()
    found.office.refuses = CallerError("no", code=code, status=404 if code.startswith("no_") else None)
    assert found(path="/guardrails", body=DEFINITION)[0] == status
    assert found.headers["x-amzn-errortype"] == name


@pytest.mark.parametrize(
    ("method", "body"), [("POST", b"{"), ("POST", b'{"a":1,"a":2}'), ("POST", b"[]"), ("GET", b"{1}")]
)
def test_a_body_that_cannot_be_read_in_one_way_is_refused(admin, method, body):
    found = door()
    assert found(method=method, path="/guardrails", body=body)[0] == 400 and found.office.calls == []


def test_a_query_is_read_strictly():
    assert guardrails._query("a=b%20c", frozenset("a")) == {"a": "b c"}
    for query in ("a=1&a=2", "b=1", "a"[:0] + "=1"):
        with pytest.raises(CallerError):
            guardrails._query(query, frozenset("a"))


def test_content_is_judged_and_on_record():
    found = door()
    status, told = found(path=APPLIED, body=JUDGED)
    assert (status, told["outputs"]) == (200, [{"text": "not this way"}])
    record = found.road.ledger.records[-1]
    assert record.action == "guardrail.apply" and found.headers["ringwall-record"] == record.id
    found(path=APPLIED, body={**JUDGED, "content": [{"text": {"text": CARD}}]})
    assert json.loads(found.body)["outputs"] == [{"text": "[CARD_NUMBER]"}]
    found(path=APPLIED.replace("gr1", "gr2"), body=JUDGED)
    assert found.status == 404 and found.headers["x-amzn-errortype"] == "ResourceNotFoundException"


def test_checks_are_answered():
    found = door()
    wanted = {"promptAttack": {"categories": [{"category": "PROMPT_INJECTION"}]}}
    asked = {"messages": [{"role": "user", "content": [{"text": ATTACK}]}], "checks": wanted}
    status, told = found(path="/guardrail-checks/invoke", body=asked)
    assert status == 200 and told["results"]["promptAttack"]["results"][0]["severityScore"] == 1.0
    assert found(path="/guardrail-checks/invoke", body={**asked, "checks": {"contentFilter": {}}})[0] == 400


def test_a_path_that_is_none_is_told_in_awss_shape():
    found = door()
    assert found(path="/guardrails/a/b/c")[0] == 404
    assert found.headers["x-amzn-errortype"] == "ResourceNotFoundException" and len(OPERATIONS) == 11

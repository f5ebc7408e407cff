"""What the API changes, and what it answers."""

from __future__ import annotations

from ringwall.store.ledger.read import entries
from tests.controlplane.api.office import ADA, ADMIN, Desk, token


def test_a_key_is_made_listed_and_revoked(desk: Desk) -> None:
    made = desk.call("/keys", body={"name": "ci", "workloads": ["rehearsal"], "lifetime_s": 3600})
    assert made.status == 201 and made.json["secret"].startswith("rw_")
    assert made.json["key"]["created_by"] == ADA.name
    listed = desk.call("/keys")
    assert made.json["secret"] not in listed.body.decode() and "sha256" not in listed.body.decode()
    key = made.json["key"]["id"]
    assert desk.call(f"/keys/{key}", method="DELETE").json == {"done": True}
    assert desk.call(f"/keys/{key}", method="DELETE").status == 404


def test_an_access_key_is_shown_once(desk: Desk) -> None:
    made = desk.call("/keys", body={"name": "ci", "workloads": ["rehearsal"], "aws": True})
    secret, identifier = made.json["aws_secret_access_key"], made.json["key"]["aws_access_key_id"]
    assert made.status == 201 and len(secret) == 40 and len(identifier) == 20
    listed = desk.call("/keys").body.decode()
    assert identifier in listed and secret not in listed and "sealed" not in listed


def test_a_key_for_a_misspelt_workload_is_refused_with_the_nearest(desk: Desk) -> None:
    found = desk.call("/keys", body={"name": "ci", "workloads": ["rehersal"]})
    assert found.status == 422 and 'did you mean "rehearsal"?' in found.json["detail"]


def test_a_containment_is_added_and_lifted(desk: Desk) -> None:
    made = desk.call("/containments", body={"kind": "key", "name": "x", "reason": "r", "lifetime_s": 60})
    assert (made.status, made.json["scope"]) == (201, "key:x")
    path = f"/containments/{made.json['id']}"
    assert desk.call(path, method="DELETE", query="reason=false+alarm").status == 200
    assert desk.call("/containments").json["containments"][0]["lift_reason"] == "false alarm"
    assert desk.call(path, method="DELETE", query="reason=again").status == 404


def test_a_person_is_invited_and_disabled(desk: Desk) -> None:
    made = desk.call("/users", body={"username": "ada", "groups": ["users"]})
    assert made.status == 201 and made.json["url"].endswith("/issuer/enrol")
    assert desk.call("/users", body={"username": "ada"}).status == 409
    again = desk.call("/users", body={"username": "ada", "renew": True})
    assert again.status == 201 and again.json["code"] != made.json["code"]
    assert desk.call("/users", body={"username": "nobody", "renew": True}).status == 404
    subject = made.json["user"]["subject"]
    assert desk.call(f"/users/{subject}/disable", method="POST").json["disabled"] is True
    assert desk.call(f"/users/usr_{'0' * 24}/disable", method="POST").status == 404


def test_who_changed_it_stands_in_the_ledger(desk: Desk) -> None:
    desk.call("/containments", token=ADMIN, body={"kind": "key", "name": "x", "reason": "r"})
    desk.call(
        "/containments", token=desk.administration.process_token, body={"kind": "key", "name": "y", "reason": "r"}
    )
    found = [each.fields() for each in entries(desk.place.ledger_folder, containing=b'"containment.add"')]
    assert [(each["principal"]["issuer"], each["source"]) for each in found[::2]] == [
        (ADA.issuer, "127.0.0.1"),
        ("ringwall:process", "127.0.0.1"),
    ]


def test_a_ledger_that_takes_nothing_lets_nothing_be_changed(desk: Desk) -> None:
    desk.place.ledger.close()
    found = desk.call("/keys", body={"name": "ci", "workloads": ["rehearsal"]})
    assert (found.status, found.json["code"]) == (503, "ledger_unavailable")
    assert desk.place.api_keys.list_all() == ()
    assert desk.call("/keys", token=token("again", ADA)).status == 200

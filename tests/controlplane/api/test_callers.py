"""Who may administer, attack by attack."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controlplane.api.callers import is_loopback
from tests.controlplane.api.office import (
    ADA,
    ADMIN,
    AGENT,
    API_KEY,
    DATA_TOKEN,
    FORGED,
    NO_ADMIN,
    NO_MFA,
    SERVICE,
    UNAVAILABLE,
    Desk,
)

EVIL = {"kind": "workload", "name": "rehearsal", "reason": "attack"}


def test_an_administrator_with_a_second_factor_is_taken(desk: Desk) -> None:
    assert desk.call("/status", token=ADMIN).status == 200


def test_the_process_token_is_taken_on_loopback(desk: Desk) -> None:
    token = desk.administration.process_token
    for peer in ("127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"):
        assert desk.call("/status", token=token, peer=peer).status == 200


@pytest.mark.parametrize("peer", ["10.0.0.7", "::ffff:10.0.0.7", "fe80::1%eth0", "203.0.113.9", "localhost", ""])
def test_the_process_token_from_a_peer_that_is_not_loopback(desk: Desk, peer: str) -> None:
    found = desk.call("/status", token=desk.administration.process_token, peer=peer)
    assert (found.status, found.json["code"]) == (403, "not_on_loopback")


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"])
def test_the_process_token_through_a_proxy_on_this_machine(desk: Desk, header: str) -> None:
    found = desk.call("/status", token=desk.administration.process_token, headers=[(header, "127.0.0.1")])
    assert (found.status, found.json["code"]) == (403, "not_on_loopback")


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (NO_MFA, 401, "mfa_required"),
        (NO_ADMIN, 403, "not_an_administrator"),
        (SERVICE, 403, "not_a_person"),
        (AGENT, 403, "not_a_person"),
        (API_KEY, 401, "unauthenticated"),
        (DATA_TOKEN, 401, "unauthenticated"),
        (FORGED, 401, "unauthenticated"),
        ("rubbish", 401, "unauthenticated"),
        ("é", 401, "unauthenticated"),
        ("", 401, "unauthenticated"),
        (None, 401, "unauthenticated"),
        (UNAVAILABLE, 503, "keys_unavailable"),
    ],
)
def test_nobody_else_reads_or_changes_anything(desk: Desk, token: str | None, status: int, code: str) -> None:
    for found in (desk.call("/status", token=token), desk.call("/containments", token=token, body=EVIL)):
        assert (found.status, found.json["code"]) == (status, code)
        assert found.headers["content-type"] == "application/problem+json"
        assert ("www-authenticate" in found.headers) == (status == 401)
    assert desk.place.containment.list_all() == ()


def test_a_missing_second_factor_is_asked_for(desk: Desk) -> None:
    assert "insufficient_user_authentication" in desk.call("/status", token=NO_MFA).headers["www-authenticate"]


def test_two_credentials_are_none(desk: Desk) -> None:
    found = desk.call("/status", headers=[("authorization", f"Bearer {ADMIN}")])
    assert found.status == 401


@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "Bearer  ", "admin"])
def test_what_is_no_bearer_credential(desk: Desk, value: str) -> None:
    assert desk.call("/status", token=None, headers=[("authorization", value)]).status == 401


def test_a_token_in_a_cookie_or_the_query_is_not_looked_at(desk: Desk) -> None:
    assert desk.call("/status", token=None, headers=[("cookie", f"token={ADMIN}")]).status == 401
    assert desk.call("/status", token=None, query=f"access_token={ADMIN}").status == 401


def test_an_outsider_learns_nothing_about_paths_and_methods(desk: Desk) -> None:
    replies = [desk.call(path, token=None) for path in ("/status", "/nothing", "/openapi.json", "", "/keys/../plan")]
    assert {(each.status, each.json["code"]) for each in replies} == {(401, "unauthenticated")}


def test_a_contained_administrator_is_refused_by_name_and_by_token(desk: Desk) -> None:
    containment = desk.place.containment
    for kind, name in (("principal", ADA.name), ("key", "jti-admin")):
        made = containment.add(kind, name, reason="stolen laptop", by="test")
        assert desk.call("/status").json["code"] == "contained"
        containment.lift(made.id, reason="found", by="test")
    assert desk.call("/status").status == 200


def test_an_old_view_of_revocations_reads_for_a_minute_and_changes_nothing(desk: Desk) -> None:
    desk.place.clock.seconds += 2
    assert desk.call("/status").status == 200
    assert desk.call("/containments", body=EVIL).json["code"] == "stale_view"
    desk.place.clock.seconds += 60
    assert desk.call("/status").json["code"] == "stale_view"


@given(st.text(max_size=40))
@settings(deadline=None, max_examples=200)
def test_whatever_is_no_loopback_address_is_not_one(text: str) -> None:
    assert not is_loopback(text) or text.startswith("127.") or ":" in text

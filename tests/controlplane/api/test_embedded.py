"""The embedded issuer over real stores: its keys, its roles, its first administrator."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from typing import Any

import pytest

from ringwall.controlplane.api.administration import make_changes
from ringwall.controlplane.api.embedded import (
    MAX_NAMES,
    ROTATE_DAYS,
    EmbeddedIssuer,
    KeyringSeal,
    RecordedUsers,
    group_roles,
    issuer_names,
)
from ringwall.dataplane.gateway.tokens import unsound
from ringwall.model.errors import InternalError
from ringwall.store.users import User
from tests.controlplane.api.office import Desk, Place
from tests.fakes import MemoryLedger


def issuer(place: Place, *, port: int = 8081, workloads: tuple[str, ...] = ("support", "search")) -> EmbeddedIssuer:
    return EmbeddedIssuer(
        place.issuer_folder,
        keyring=place.keyring,
        users=place.users,
        changes=make_changes(place, MemoryLedger(), lambda: ""),
        clock=place.clock,
        admin_url=f"http://127.0.0.1:{port}",
        workloads=workloads,
    )


def test_groups_are_roles_and_the_two_words_keep_their_meaning() -> None:
    roles = group_roles(["support", "users", "administrators"])
    assert roles["support"] == {"support/user"}
    assert roles["users"] == {"support/user", "users/user", "administrators/user"}
    assert roles["administrators"] == {"administrator"}


def test_the_data_listener_can_trust_it(place: Place) -> None:
    trusted = issuer(place).trusted
    assert unsound(trusted) is None
    assert (trusted.algorithms, trusted.token_types, trusted.clients) == ({"ES256"}, {"at+jwt"}, {"ringwall-cli"})
    assert all("d" not in key for key in json.loads(trusted.jwks)["keys"])


def test_its_keys_are_the_same_after_a_restart_sealed_and_private(place: Place) -> None:
    first = issuer(place).trusted.jwks
    assert issuer(place).trusted.jwks == first
    path = place.issuer_folder / "keys.sealed"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b'"d"' not in path.read_bytes()


def test_an_old_key_is_replaced_and_published_on(place: Place) -> None:
    first = json.loads(issuer(place).trusted.jwks)["keys"]
    path = place.issuer_folder / "keys.sealed"
    old = place.clock.us / 1_000_000 - (ROTATE_DAYS + 1) * 86_400
    os.utime(path, (old, old))
    second = json.loads(issuer(place).trusted.jwks)["keys"]
    assert second[1:] == first and second[0] != first[0]


def test_damaged_keys_are_refused_and_not_replaced(place: Place) -> None:
    issuer(place)
    path = place.issuer_folder / "keys.sealed"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    before = path.read_bytes()
    with pytest.raises(InternalError):
        issuer(place)
    assert path.read_bytes() == before


def test_its_names_are_kept_newest_last_and_bounded(place: Place) -> None:
    for port in [*range(1, MAX_NAMES + 3), 5]:
        issuer(place, port=port)
    names = issuer_names(place.issuer_folder)
    assert len(names) == MAX_NAMES and names[-1] == "http://127.0.0.1:5/issuer"
    assert issuer_names(place.folder / "nowhere") == ()


def test_the_first_administrator_gets_a_code_until_one_is_enrolled(place: Place) -> None:
    found = issuer(place)
    first, second = (asyncio.run(found.first_administrator()) for _ in range(2))
    assert first is not None and second is not None
    assert (first.username, second.username) == ("admin", "admin")
    assert place.users.peek_code(first.code, "enrol") is None, "an earlier code dies"
    user = place.users.consume_code(second.code, "enrol")
    assert user is not None and user.groups == ("administrators", "users")
    place.users.set_password(user.subject, "correct horse battery")
    assert asyncio.run(found.first_administrator()) is not None, "one factor is none"
    place.users.set_totp(user.subject, b"sealed", step=1)
    assert asyncio.run(found.first_administrator()) is None
    place.users.disable(user.subject)
    third = asyncio.run(found.first_administrator())
    assert third is not None and third.username == "admin2"


def test_a_name_that_somebody_else_has_is_not_made_administrator(place: Place) -> None:
    place.users.create("admin", groups=("support",))
    found = asyncio.run(issuer(place).first_administrator())
    assert found is not None and found.username == "admin2"


def test_off_loopback_it_is_not_offered(place: Place) -> None:
    desk = Desk(place, url="https://10.0.0.5:8081")
    assert (desk.administration.issuers, desk.administration.enrolment_code) == ((), None)
    assert desk.call("/issuer/enrol", prefix="").status == 404
    assert desk.call("/users", body={"username": "ada"}).json["code"] == "no_issuer"


def test_a_second_factor_opens_for_its_person_only(place: Place) -> None:
    seal = KeyringSeal(place.keyring)
    sealed = seal.seal(b"secret", b"totp:a")
    assert seal.open(sealed, b"totp:a") == b"secret"
    with pytest.raises(InternalError):
        seal.open(sealed, b"totp:b")


def test_what_cannot_be_recorded_enrols_and_logs_in_nobody(place: Place) -> None:
    def full(action: str, user: User) -> None:
        raise InternalError("full", code="ledger_unavailable")

    user = place.users.create("ada")
    code = place.users.new_code(user.subject, "enrol", lifetime_s=60)
    users = RecordedUsers(place.users, full)
    with pytest.raises(InternalError):
        users.consume_code(code, "enrol")
    assert place.users.peek_code(code, "enrol") is not None
    with pytest.raises(InternalError):
        users.succeed(user.subject)


def test_a_person_who_was_disabled_halfway_does_not_log_in(place: Place) -> None:
    noted: list[Any] = []
    user = place.users.create("ada")
    place.users.disable(user.subject)
    with pytest.raises(InternalError):
        RecordedUsers(place.users, lambda *each: noted.append(each)).succeed(user.subject)
    assert noted == []


def test_a_full_ledger_shows_a_page_and_keeps_the_code_open(place: Place) -> None:
    import re
    from urllib.parse import urlencode

    import pyotp

    desk = Desk(place)
    code = desk.administration.enrolment_code
    assert code is not None
    form = ("content-type", "application/x-www-form-urlencoded")

    def post(path: str, fields: dict[str, str], cookie: str = "") -> Any:
        sent = [form, ("cookie", cookie)] if cookie else [form]
        return desk.call(f"/issuer/enrol{path}", prefix="", token=None, body=urlencode(fields).encode(), headers=sent)

    page = post("", {"code": code.code})
    name = re.search(rb'name="request" value="([^"]+)"', page.body)
    secret = re.search(rb"<code>([A-Z2-7]+)</code>", page.body)
    assert name is not None and secret is not None
    place.ledger.close()
    digits = pyotp.TOTP(secret[1].decode()).at(place.clock.us // 1_000_000)
    fields = {"request": name[1].decode(), "password": "correct horse battery", "totp": digits}
    found = post("/finish", fields, page.headers["set-cookie"].partition(";")[0])
    assert (found.status, b"cannot take records" in found.body) == (503, True)
    assert place.users.peek_code(code.code, "enrol") is not None

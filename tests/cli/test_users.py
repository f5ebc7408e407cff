"""`ringwall users` on an installation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.running import Running, fetch, running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("users")) as found:
        yield found


def test_an_invitation_shows_page_and_code_once(gateway: Running) -> None:
    said = gateway.run("users", "invite", "ada", "--group", "rehearsal", "--for", "30m")
    assert said.returncode == 0 and "/issuer/enrol" in said.stdout and "rehearsal" in said.stdout
    listed = gateway.run("users", "list").stdout
    assert "ada" in listed and "not enrolled yet" in listed


def test_a_code_of_a_disabled_person_is_worth_nothing(gateway: Running) -> None:
    made = gateway.run_json("users", "invite", "eve")
    gateway.run_json("users", "disable", "eve")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    page = fetch(f"{gateway.ready['admin_url']}/issuer/enrol", body=f"code={made['code']}".encode(), headers=form)
    assert page.status == 401


def test_renewing_makes_the_earlier_code_worthless(gateway: Running) -> None:
    first = gateway.run_json("users", "invite", "zoe")
    second = gateway.run_json("users", "invite", "zoe", "--renew")
    with pytest.raises(AssertionError, match="not valid"):
        gateway.enrol(first["code"])
    gateway.enrol(second["code"])


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["invite", "Ada Lovelace"], "a username is"),
        (["invite", "admin"], "taken"),
        (["invite", "x", "--group", "a b"], "a group is"),
        (["invite", "x", "--for", "never"], "within 14 days"),
        (["invite", "x", "--for", "3w"], "within 14 days"),
        (["invite", "nobody", "--renew"], "no such user"),
        (["invite", "admin", "--renew", "--group", "users"], "leave out"),
        (["disable", "nobody"], "no such user"),
    ],
)
def test_errors_say_what_to_do(gateway: Running, words: list[str], why: str) -> None:
    said = gateway.run("users", *words)
    assert said.returncode != 0 and why in said.stderr

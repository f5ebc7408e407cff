"""Passwords and second factors: replay, guessing, lockout, enrolment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.controlplane.issuer.people import FAST, NOW, PASSWORD, SECRET, FakeClock, MemoryUsers, alice, play, totp

from ringwall.controlplane.issuer.accounts import (
    LOCK_FROM,
    LOCK_S,
    STEP_S,
    Accounts,
    digest,
    matching_step,
    new_totp_secret,
    totp_picture,
)
from ringwall.model.errors import CallerError


class Scene:
    def __init__(self) -> None:
        self.clock, self.users = FakeClock(), MemoryUsers(alice())
        self.users.codes[digest("code")] = frozenset({"staff"})

    def log_in(self, password: str = PASSWORD, code: str | None = None, username: str = "alice") -> bool:
        accounts = Accounts(self.users, self.clock, FAST)
        return play(accounts.log_in(username, password, totp(self.clock.now_s) if code is None else code)) is not None

    def enrol(self, code: str = "code", username: str = "bob", password: str = PASSWORD, digits: str = "") -> str:
        accounts = Accounts(self.users, self.clock, FAST)
        return str(play(accounts.enrol(code, username, password, SECRET, digits or totp(self.clock.now_s))).subject)


def test_both_factors_are_needed() -> None:
    scene = Scene()
    assert not scene.log_in(password="wrong password")
    assert not scene.log_in(code="000000")
    assert scene.log_in()


def test_a_code_is_taken_once() -> None:
    scene = Scene()
    assert scene.log_in()
    assert not scene.log_in()
    scene.clock.now_s += STEP_S
    assert not scene.log_in(code=totp(NOW))
    assert scene.log_in()


def test_a_wrong_password_does_not_use_up_the_code() -> None:
    scene = Scene()
    assert not scene.log_in(password="wrong password")
    assert scene.log_in()


def test_guessing_locks_the_account_for_a_while_even_for_the_right_answer() -> None:
    scene = Scene()
    for _ in range(LOCK_FROM):
        assert not scene.log_in(code="000000")
    assert not scene.log_in()
    scene.clock.now_s += LOCK_S - 1
    assert not scene.log_in()
    scene.clock.now_s += 1
    assert scene.log_in()
    assert scene.users.by_name["alice"].failures == 0


def test_attempts_on_a_locked_account_do_not_prolong_the_lock() -> None:
    scene = Scene()
    for _ in range(LOCK_FROM + 20):
        scene.log_in(code="000000")
    scene.clock.now_s += LOCK_S
    assert scene.log_in()


@pytest.mark.parametrize("username", ["nobody", "Alice", "", "alice\n", "а" * 5, "x" * 10_000])
def test_an_unknown_name_is_checked_all_the_same(username: str) -> None:
    assert not Scene().log_in(username=username)


def test_a_disabled_account_is_refused() -> None:
    scene = Scene()
    scene.users.by_name["alice"] = replace(alice(), disabled=True)
    assert not scene.log_in()


def test_a_stored_hash_that_is_broken_is_a_refusal() -> None:
    scene = Scene()
    scene.users.by_name["alice"] = replace(alice(), password_hash="broken")
    assert not scene.log_in()


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "12345\n", "abcdef"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(SECRET, code, NOW) is None


def test_a_code_of_the_neighbouring_steps_matches() -> None:
    now = NOW // STEP_S
    for drift, found in [(-2, None), (-1, now - 1), (0, now), (1, now + 1), (2, None)]:
        assert matching_step(SECRET, totp(NOW + drift * STEP_S), NOW) == found


def test_enrolment_uses_up_its_code_and_the_first_digits() -> None:
    scene = Scene()
    assert scene.enrol()
    with pytest.raises(CallerError, match="not valid any more"):
        scene.enrol(username="carol")
    assert not scene.log_in(username="bob")
    scene.clock.now_s += STEP_S
    assert scene.log_in(username="bob")
    assert scene.users.by_name["bob"].groups == {"staff"}


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"username": "Bob"}, "username"),
        ({"username": "b"}, "username"),
        ({"username": "alice"}, "username"),
        ({"password": "short"}, "password"),
        ({"password": "my name is bob indeed"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"digits": "000000"}, "totp"),
        ({"code": "other"}, "code"),
    ],
)
def test_enrolment_says_what_to_change_and_leaves_the_code_open(change: dict[str, str], param: str) -> None:
    scene = Scene()
    with pytest.raises(CallerError) as caught:
        scene.enrol(**change)
    assert caught.value.param == param
    assert scene.users.is_enrolment_open(digest("code"))


def test_the_picture_is_inert() -> None:
    picture = totp_picture(new_totp_secret(), "<script>", "Ringwall")
    assert picture.startswith("<svg")
    assert "script" not in picture and "href" not in picture and "style=" not in picture

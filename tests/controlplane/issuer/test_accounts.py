"""Passwords and second factors: replay, guessing, lockout, enrolment."""

from __future__ import annotations

import pytest

from ringwall.controlplane.issuer.accounts import STEP_S, Accounts, matching_step, new_totp_secret, totp_picture
from ringwall.model.errors import CallerError
from tests.controlplane.issuer.people import (
    LOCK_FROM,
    LOCK_S,
    NOW,
    PASSWORD,
    SEAL,
    SECRET,
    FakeClock,
    people,
    play,
    totp,
)


class Scene:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.users = people(self.clock)

    def accounts(self) -> Accounts:
        return Accounts(self.users, self.clock, SEAL)

    def log_in(self, password: str = PASSWORD, code: str | None = None, username: str = "alice") -> bool:
        digits = totp(self.clock.now_s) if code is None else code
        return play(self.accounts().log_in(username, password, digits)) is not None

    def enrol(self, code: str = "one-time-code", password: str = PASSWORD, digits: str = "") -> None:
        play(self.accounts().enrol(code, password, SECRET, digits or totp(self.clock.now_s)))


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
    assert scene.users.by_subject["usr_alice"].failures == 0


def test_attempts_on_a_locked_account_do_not_prolong_the_lock() -> None:
    scene = Scene()
    for _ in range(LOCK_FROM + 20):
        scene.log_in(code="000000")
    scene.clock.now_s += LOCK_S
    assert scene.log_in()


@pytest.mark.parametrize("username", ["nobody", "Alice", "", "alice\n", "а" * 5, "x" * 10_000])
def test_an_unknown_name_is_checked_all_the_same(username: str) -> None:
    assert not Scene().log_in(username=username)


def test_nobody_logs_in_without_a_second_factor() -> None:
    scene = Scene()
    scene.users.change("usr_alice", totp_sealed=None)
    assert not scene.log_in()


def test_a_second_factor_that_was_sealed_for_somebody_else_is_none() -> None:
    scene = Scene()
    scene.users.change("usr_bob", totp_sealed=scene.users.by_subject["usr_alice"].totp_sealed, password=PASSWORD)
    assert not scene.log_in(username="bob")


@pytest.mark.parametrize("code", ["", "12345", "1234567", "１２３４５６", "12345\n", "abcdef"])
def test_what_is_no_code_matches_nothing(code: str) -> None:
    assert matching_step(SECRET, code, NOW) is None


def test_a_code_of_the_neighbouring_steps_matches() -> None:
    now = NOW // STEP_S
    for drift, found in [(-2, None), (-1, now - 1), (0, now), (1, now + 1), (2, None)]:
        assert matching_step(SECRET, totp(NOW + drift * STEP_S), NOW) == found


def test_enrolment_uses_up_its_code_and_the_first_digits() -> None:
    scene = Scene()
    scene.enrol()
    with pytest.raises(CallerError, match="not valid any more"):
        scene.enrol()
    assert not scene.log_in(username="bob")
    scene.clock.now_s += STEP_S
    assert scene.log_in(username="bob")
    assert SECRET.encode() not in (scene.users.by_subject["usr_bob"].totp_sealed or b"")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"password": "short"}, "password"),
        ({"password": "my name is bob indeed"}, "password"),
        ({"password": "x" * 257}, "password"),
        ({"digits": "000000"}, "totp"),
        ({"code": "other"}, "code"),
        ({"code": "reset-code"}, "code"),
    ],
)
def test_enrolment_says_what_to_change_and_leaves_the_code_open(change: dict[str, str], param: str) -> None:
    scene = Scene()
    with pytest.raises(CallerError) as caught:
        scene.enrol(**change)
    assert caught.value.param == param
    assert scene.users.peek_code("one-time-code", "enrol") is not None
    assert scene.users.by_subject["usr_bob"].password is None


def test_the_picture_is_inert() -> None:
    picture = totp_picture(new_totp_secret(), "<script>", "Ringwall")
    assert picture.startswith("<svg")
    assert "script" not in picture and "href" not in picture and "style=" not in picture

"""People of the embedded issuer: passwords, locks, one-time codes, TOTP steps."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from ringwall.model.errors import CallerError
from ringwall.store.database import Database
from ringwall.store.users import FREE_FAILURES, Attempt, User, Users

GOOD = "correct horse battery"


@pytest.fixture
def users(database: Database, own_clock: Any) -> Users:
    return Users(database, own_clock, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def test_a_password_proves_its_user_and_is_not_stored(users: Users, database: Database) -> None:
    made = users.create("alice", groups=["b", "a", "a"], password=GOOD)
    assert users.get("alice") == users.by_subject(made.subject) == made
    assert made.groups == ("a", "b")
    assert users.check_password("alice", GOOD) == (Attempt.GOOD, made)
    assert users.check_password("alice", GOOD + "x") == (Attempt.WRONG, None)
    for name in ("bob", "", "Alice", "\ud800", "x" * 500):
        assert users.check_password(name, GOOD) == (Attempt.UNKNOWN, None)
    with database.read() as connection:
        assert GOOD not in str(connection.execute(text("SELECT * FROM users")).all())


def test_the_same_password_typed_on_two_keyboards_is_the_same(users: Users) -> None:
    users.create("alice", password="caf\u00e9 au lait, merci")
    assert users.check_password("alice", "cafe\u0301 au lait, merci")[0] is Attempt.GOOD
    assert users.check_password("alice", "\ud800" * 2000)[0] is Attempt.WRONG


def test_a_user_without_a_password_has_no_password_that_works(users: Users) -> None:
    users.create("alice")
    assert users.check_password("alice", "")[0] is Attempt.WRONG


def test_failures_lock_for_longer_and_longer_and_a_right_password_does_not_open(users: Users, own_clock: Any) -> None:
    user = users.create("alice", password=GOOD)
    for _ in range(FREE_FAILURES):
        assert users.check_password("alice", "wrong wrong wrong")[0] is Attempt.WRONG
    assert users.check_password("alice", GOOD) == (Attempt.LOCKED, None) and users.is_locked(user.subject)
    own_clock.pass_s(31)
    assert users.check_password("alice", "wrong wrong wrong")[0] is Attempt.WRONG
    own_clock.pass_s(31)
    assert users.check_password("alice", GOOD)[0] is Attempt.LOCKED
    own_clock.pass_s(30)
    assert users.check_password("alice", GOOD)[0] is Attempt.GOOD
    users.succeed(user.subject)
    assert users.check_password("alice", "wrong wrong wrong")[0] is Attempt.WRONG
    assert users.check_password("alice", GOOD)[0] is Attempt.GOOD


def test_a_lock_never_lasts_longer_than_an_hour(users: Users, own_clock: Any) -> None:
    user = users.create("alice", password=GOOD)
    for _ in range(40):
        users.fail(user.subject)
    own_clock.pass_s(3601)
    assert not users.is_locked(user.subject)


def test_a_disabled_user_is_nobody(users: Users) -> None:
    user = users.create("alice", password=GOOD)
    code = users.new_code(user.subject, "enrol", lifetime_s=60)
    users.disable(user.subject)
    assert users.check_password("alice", GOOD) == (Attempt.DISABLED, None)
    assert users.peek_code(code, "enrol") is None
    assert users.accept_totp_step(user.subject, 7) is Attempt.REPLAYED
    users.enable(user.subject)
    assert users.check_password("alice", GOOD)[0] is Attempt.GOOD


def test_a_totp_step_is_taken_once_and_never_an_older_one(users: Users) -> None:
    user = users.create("alice")
    users.set_totp(user.subject, b"sealed", step=100)
    enrolled = users.get("alice")
    assert enrolled is not None and enrolled.totp_sealed == b"sealed"
    steps = [users.accept_totp_step(user.subject, step) for step in (100, 101, 101, 99, 102)]
    assert [step is Attempt.GOOD for step in steps] == [False, True, False, False, True]
    users.clear_totp(user.subject)
    assert users.accept_totp_step(user.subject, 1) is Attempt.GOOD


def test_a_code_is_used_once_for_its_purpose_in_its_time(users: Users, own_clock: Any) -> None:
    user = users.create("alice")
    first = users.new_code(user.subject, "enrol", lifetime_s=60)
    second = users.new_code(user.subject, "enrol", lifetime_s=60)
    other = users.new_code(user.subject, "reset", lifetime_s=60)
    assert users.consume_code(first, "enrol") is None  # a newer one was made
    assert users.consume_code(second, "reset") is None
    assert users.peek_code(second, "enrol") == user
    assert users.consume_code(second, "enrol") == user
    assert users.consume_code(second, "enrol") is None and users.peek_code(second, "enrol") is None
    own_clock.pass_s(60)
    assert users.consume_code(other, "reset") is None
    for forged in ("", "\ud800", "x" * 10_000):
        assert users.consume_code(forged, "enrol") is None


def test_of_many_who_present_a_code_at_once_one_gets_in(users: Users) -> None:
    code = users.new_code(users.create("alice").subject, "enrol", lifetime_s=60)
    found: list[User | None] = []
    threads = [threading.Thread(target=lambda: found.append(users.consume_code(code, "enrol"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len([each for each in found if each is not None]) == 1


def test_what_cannot_be_is_the_callers_fault(users: Users) -> None:
    user = users.create("alice")
    for name in ("alice", "", "Al", "a b", "x" * 65, "-a", "\ud800"):
        with pytest.raises(CallerError):
            users.create(name)
    for password in ("short", "x" * 1025):
        with pytest.raises(CallerError):
            users.set_password(user.subject, password)
    for groups in ([""], ["a b"], ["\n"]):
        with pytest.raises(CallerError):
            users.set_groups(user.subject, groups)
    for call in (users.disable, users.clear_totp, users.succeed):
        with pytest.raises(CallerError):
            call("usr_absent")
    with pytest.raises(CallerError):
        users.new_code("usr_absent", "enrol", lifetime_s=60)
    users.set_password(user.subject, GOOD)
    users.set_groups(user.subject, ["ops"])
    assert [(each.groups, each.has_password) for each in users.list_all()] == [(("ops",), True)]


def test_the_decoy_costs_what_a_real_hash_costs_and_has_no_password() -> None:
    from argon2 import PasswordHasher
    from argon2.exceptions import VerifyMismatchError

    from ringwall.store.users import _decoy

    hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    assert not hasher.check_needs_rehash(_decoy(hasher))
    assert not PasswordHasher().check_needs_rehash(_decoy(PasswordHasher()))
    with pytest.raises(VerifyMismatchError):
        hasher.verify(_decoy(hasher), "anything")

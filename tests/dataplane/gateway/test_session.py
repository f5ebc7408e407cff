from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.model.errors import CallerError
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Principal, PrincipalKind

HANDLES = SessionHandles(b"k" * 32)
ADA = Principal("https://issuer.example", "ada", PrincipalKind.PERSON)
BOB = Principal("https://issuer.example", "bob", PrincipalKind.PERSON)
W, OTHER = WorkloadId("support"), WorkloadId("other")


def resolve(header, workload=W, principal=ADA, claim=None, turn=b"hi", handles=HANDLES):
    return handles.resolve(header, workload=workload, principal=principal, claim=claim, first_user_turn=turn)


def test_a_new_handle_leads_back_to_its_session():
    key, handle = resolve("new")
    assert resolve(handle) == (key, None)
    assert resolve(handle, turn=b"something else") == (key, None)
    assert resolve("new")[0] != key


@pytest.mark.parametrize("change", [{"principal": BOB}, {"workload": OTHER}, {"handles": SessionHandles(b"x" * 32)}])
def test_a_handle_of_somebody_else_opens_nothing(change):
    _, handle = resolve("new")
    with pytest.raises(CallerError) as caught:
        resolve(handle, **change)
    assert (caught.value.code, caught.value.status) == ("bad_session", 403)


@given(st.data())
def test_a_handle_with_one_character_changed_opens_nothing(data):
    _, handle = resolve("new")
    at = data.draw(st.integers(0, len(handle) - 1))
    char = data.draw(st.characters(codec="ascii").filter(lambda each: each != handle[at]))
    with pytest.raises(CallerError):
        resolve(handle[:at] + char + handle[at + 1 :])


@given(st.text(max_size=100).filter(lambda text: text != "new"))
def test_what_was_never_given_opens_nothing(header):
    with pytest.raises(CallerError):
        resolve(header)


def test_without_a_handle_the_first_turn_and_the_caller_make_the_session():
    assert resolve(None) == resolve(None)
    assert resolve(None)[1] is None
    others = [resolve(None, turn=b"ho"), resolve(None, principal=BOB), resolve(None, workload=OTHER), resolve("new")]
    assert resolve(None)[0] not in [key for key, _ in others]


def test_a_claim_of_a_verified_token_is_a_session_of_its_own():
    key, handle = resolve(None, claim="sid-1")
    assert handle is None
    assert key == resolve(None, claim="sid-1", turn=b"another")[0]
    assert key not in {
        resolve(None, claim="sid-2")[0],
        resolve(None)[0],
        resolve(None, claim="sid-1", principal=BOB)[0],
    }


def test_nobody_can_choose_a_session_by_his_first_turn():
    key, handle = resolve("new")
    seed = handle.removeprefix("rws_").partition(".")[0].encode()
    assert resolve(None, turn=seed)[0] != key
    assert resolve(None, turn=b"sid x")[0] != resolve(None, claim="x")[0]

"""Who signs: what is read before a key is known, what is told, and what reaches the door behind."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from ringwall.dataplane.gateway.signatures import Signatures
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.interaction import ANONYMOUS, PrincipalKind
from tests.dataplane.gateway.doors import ACCESS_KEY_ID, ASK, CHAT, ROW, SECRET_ACCESS_KEY, AccessKeys, Verified, door
from tests.dataplane.gateway.signing import sign, signed
from tests.fakes import FixedClock

BODY = json.dumps(ASK).encode()


class Body:
    """A body, and whether it was read."""

    def __init__(self, content: bytes = b"{}") -> None:
        self.content, self.reads = content, 0

    async def __call__(self) -> bytes:
        self.reads += 1
        return self.content


def identify(request, keys: AccessKeys | None = None, body: Body | None = None):
    return asyncio.run(Signatures(keys or AccessKeys(), FixedClock()).identify(request, body or Body()))


def test_a_right_signature_is_its_keys_holder():
    principal, identity, body = identify(signed())
    assert (principal.subject, principal.kind, principal.verified) == ("ada", PrincipalKind.PERSON, True)
    assert (identity.verified, identity.problem, identity.credential, identity.key) == (True, None, "api_key", "k1")
    assert identity.workloads == {"support"} and body == b"{}"


def test_the_key_of_a_process_says_so():
    _, identity, _ = identify(signed(), AccessKeys(replace(ROW, process=True)))
    assert identity.credential == "process_token"


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (signed(key=("RWKA" + "B" * 16, SECRET_ACCESS_KEY)), "unknown_key"),
        (signed(at_s=1_700_000_000 - 301), "clock_skew"),
        (signed(service="s3"), "wrong_scope"),
    ],
    ids=["unknown_key", "clock_skew", "wrong_scope"],
)
def test_nothing_of_the_body_is_read_before_the_key_is_known(request_, problem):
    body = Body()
    principal, identity, read = identify(request_, body=body)
    assert (principal, identity.verified, identity.problem, read, body.reads) == (ANONYMOUS, False, problem, None, 0)


def test_keys_that_cannot_be_read_refuse_and_nothing_is_read():
    body = Body()
    failing = AccessKeys(failure=InternalError("no", code="keys_unavailable"))
    assert identify(signed(), failing, body)[1].problem == "keys_unavailable" and body.reads == 0


def test_a_wrong_secret_and_another_body_are_the_claimed_holder_unverified():
    for request, body in ((signed(key=(ACCESS_KEY_ID, "t" * 40)), b"{}"), (signed(), b'{"x":1}')):
        principal, identity, _ = identify(request, body=Body(body))
        assert (principal.subject, principal.verified, identity.problem) == ("ada", False, "wrong_signature")


@pytest.mark.parametrize(
    ("row", "problem"), [(replace(ROW, revoked=True), "revoked"), (replace(ROW, expires_us=1), "expired")]
)
def test_that_a_key_has_ended_is_told_only_to_who_has_its_secret(row, problem):
    assert identify(signed(), AccessKeys(row))[1].problem == problem
    assert identify(signed(key=(ACCESS_KEY_ID, "t" * 40)), AccessKeys(row))[1].problem == "wrong_signature"


def ask(made, signed_body: bytes = BODY, sent: bytes = BODY, path: str = CHAT, **more):
    found = sign(path, signed_body, headers=[("Content-Type", "application/json")], **more)
    headers = [(name.lower().encode(), value.encode()) for name, value in found if name.lower() != "content-type"]
    return made(path=path, body=sent, key=None, headers=headers)


def test_a_signed_request_goes_its_way_and_is_the_holders_in_the_record():
    made = door(Verified("identity_data.v"))
    assert ask(made)[0] == 200
    assert made.road.ledger.records[-1].principal["subject"] == "ada"


@pytest.mark.parametrize(
    "more",
    [
        {"sent": BODY + b" "},
        {"key": (ACCESS_KEY_ID, "t" * 40)},
        {"key": ("RWKA" + "B" * 16, "t" * 40)},
        {"at_s": 1_600_000_000},
    ],
)
def test_what_does_not_verify_is_judged_like_any_bad_credential(more):
    made = door(Verified("identity_data.v"))
    assert ask(made, **more)[0] == 401
    assert [record.outcome for record in made.road.ledger.records] == ["refused"]


def test_a_signed_body_past_its_bounds_is_refused_and_on_record():
    made = door()
    big = b" " * (made.limits.body_bytes + 1)
    status, body = ask(made, big, big)
    assert (status, body["error"]["code"]) == (413, "too_large")
    assert made.road.ledger.records[-1].kind == "rejection"


def test_a_body_that_cannot_be_read_raises():
    async def broken() -> bytes:
        raise CallerError("broke off", code="body_broken")

    with pytest.raises(CallerError):
        asyncio.run(Signatures(AccessKeys(), FixedClock()).identify(signed(), broken))

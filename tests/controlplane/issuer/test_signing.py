"""Keys: one in use, the old ones published as long as their tokens live."""

from __future__ import annotations

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from ringwall.controlplane.issuer.signing import SigningKeys
from ringwall.model.errors import InternalError
from tests.controlplane.issuer.people import FakeClock


def kids(keys: SigningKeys) -> list[str]:
    return [key["kid"] for key in keys.jwks()["keys"]]  # type: ignore[attr-defined,index,union-attr]


def test_what_is_published_verifies_what_is_signed_and_holds_no_secret() -> None:
    keys = SigningKeys(FakeClock())
    token = keys.sign("at+jwt", {"sub": "alice"})
    published = keys.jwks()
    found = jwt.decode(token, KeySet.import_key_set(published), algorithms=["ES256"])  # type: ignore[arg-type]
    assert (found.header["typ"], found.claims) == ("at+jwt", {"sub": "alice"})
    assert all("d" not in key and key["use"] == "sig" for key in published["keys"])  # type: ignore[attr-defined]


def test_rotation_publishes_old_keys_until_their_tokens_are_gone() -> None:
    clock = FakeClock()
    keys = SigningKeys(clock)
    (first,) = kids(keys)
    keys.rotate(3600)
    second = kids(keys)[0]
    assert kids(keys) == [second, first]
    clock.now_s += 1800
    keys.rotate(3600)
    assert len(kids(keys)) == 3
    clock.now_s += 1800
    assert first not in kids(keys)
    assert second in kids(keys)


def test_keys_are_taken_up_again_after_a_restart() -> None:
    clock = FakeClock()
    keys = SigningKeys(clock)
    keys.rotate(3600)
    assert kids(SigningKeys(clock, keys.export())) == kids(keys)


@pytest.mark.parametrize("sealed", ["x", "[]", "{}", '[{"key": {}, "until_us": null}]'])
def test_keys_that_cannot_be_read_are_not_silently_replaced(sealed: str) -> None:
    with pytest.raises(InternalError):
        SigningKeys(FakeClock(), sealed)

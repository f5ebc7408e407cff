"""The terms of an issuer; what tokens meet is in `test_auth.py`, through the front door."""

from __future__ import annotations

from ringwall.dataplane.gateway.tokens import unsound
from ringwall.model.identity import TrustedIssuer


def test_sound_terms_have_no_problem() -> None:
    assert (
        unsound(TrustedIssuer("https://id.example", frozenset({"ringwall"}), jwks_uri="https://id.example/k")) is None
    )


def test_an_issuer_needs_one_source_of_keys() -> None:
    assert "jwks" in str(unsound(TrustedIssuer("https://id.example", frozenset({"ringwall"}))))

"""Redirects and parameters."""

from __future__ import annotations

import pytest

from ringwall.controlplane.issuer.protocol import CLI, RefusedHere, is_proven, is_registered, metadata, once
from tests.controlplane.issuer.people import AT, CONSOLE, Scene


@pytest.mark.parametrize("redirect", ["http://127.0.0.1:1/callback", "http://[::1]:65000/callback"])
def test_a_loopback_redirect_may_have_any_port(redirect: str) -> None:
    assert is_registered(CLI, redirect)


@pytest.mark.parametrize(
    "redirect",
    ["", "http://127.0.0.1/callback", "http://127.0.0.1:80/other", "http://127.0.0.1:80/callback?x=1",
     "http://127.0.0.1:80/callback/", "http://127.0.0.1:80/../callback", "http://127.0.0.1:80@evil.example/callback",
     "http://127.0.0.1.evil.example:80/callback", "https://127.0.0.1:80/callback", "http://localhost:80/callback",
     "http://127.0.0.1:80/callback#x", "http://127.0.0.2:80/callback", "http://127.0.0.1:999999/callback",
     "http://127.0.0.1:80/callback\n", "http://127.0.0.1:80", "javascript:alert(1)"],
)  # fmt: skip
def test_what_only_looks_like_a_registered_redirect_is_refused(redirect: str) -> None:
    assert not is_registered(CLI, redirect)


def test_any_other_redirect_is_compared_as_a_string() -> None:
    assert is_registered(CONSOLE, "https://ringwall.example/console/callback")
    for other in ("https://ringwall.example/console/callback/", "https://RINGWALL.example/console/callback",
                  "https://ringwall.example:443/console/callback", "http://127.0.0.1:5/callback"):  # fmt: skip
        assert not is_registered(CONSOLE, other)


def test_pkce_is_that_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert is_proven(challenge, verifier)
    assert not is_proven(challenge, verifier + "x")
    assert not is_proven(challenge, challenge)
    assert not is_proven(challenge, "")


def test_a_parameter_stands_once() -> None:
    assert once([("a", "1"), ("b", "")]) == {"a": "1", "b": ""}
    with pytest.raises(RefusedHere):
        once([("a", "1"), ("a", "2")])
    with pytest.raises(RefusedHere):
        once([("a", "x" * 10_000)])


def test_the_metadata_names_this_issuer_and_offers_nothing_weak() -> None:
    found = metadata(Scene().settings)
    assert found["issuer"] == AT
    assert (found["code_challenge_methods_supported"], found["response_types_supported"]) == (["S256"], ["code"])

"""Keys of known makers, and values that look random."""

from __future__ import annotations

import pytest

from ringwall.detectors.secrets import MAX_PRIVATE_KEY, entropy, find, looks_random, triggers

ALL = frozenset(each.id for each in triggers())


def found(text: str) -> set[str]:
    return {text[start:end] for start, end in find(text, ALL)}


@pytest.mark.parametrize("value", ["a8F3kd92LLx01mQpz7", "0f1e2d3c4b5a69788796a5b4c3d2e1f0"])
def test_random_values(value: str) -> None:
    assert looks_random(value)
    assert value in found(f"api_key = '{value}'")
    assert value in found(f'"client_secret": "{value}"')
    assert value in found(f"Authorization: Bearer {value}")


@pytest.mark.parametrize("value", ["changeme", "your-token-goes-here", "aaaaaaaaaaaaaaaa1", "ABCDEFGHIJKLMNOPQRST"])
def test_words_are_no_secrets(value: str) -> None:
    assert not found(f"api_key = '{value}'")


def test_a_private_key_is_found_with_its_body_and_no_more() -> None:
    key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA\n-----END EC PRIVATE KEY-----"
    assert found(f"x {key} and prose") == {key}


def test_a_private_key_without_an_end_is_bounded() -> None:
    ((start, end),) = find("-----BEGIN PRIVATE KEY-----" + "A" * 10_000, frozenset({"private_key"}))
    assert end - start <= MAX_PRIVATE_KEY + 64


def test_entropy_of_one_letter_is_nothing() -> None:
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2

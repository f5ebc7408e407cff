"""Versions of column keys: one current, none lost, and a shredded one forgets its key."""

from __future__ import annotations

from typing import Any

import pytest

from ringwall.model.errors import InternalError
from ringwall.model.vault import KeyName, KeyState
from ringwall.store.column_keys import StoredColumnKeys
from ringwall.store.database import Database

CARD = KeyName("shop", "customers", "card_number")


@pytest.fixture
def stored(database: Database, own_clock: Any) -> StoredColumnKeys:
    return StoredColumnKeys(database, own_clock)


def test_a_new_version_seals_and_the_one_before_retires(stored: StoredColumnKeys) -> None:
    stored.add(CARD, 1, "a", b"one", by="ada\n")
    stored.add(KeyName("shop", "t", "c"), 1, "b", b"else", by="ada")
    stored.add(CARD, 2, "c", b"two", by="bob")
    assert [(each.version, each.state) for each in stored.versions() if each.name == CARD] == [
        (1, KeyState.RETIRED),
        (2, KeyState.CURRENT),
    ]
    current, first = stored.current(CARD), stored.find(CARD, 1)
    assert current is not None and first is not None
    assert (current.version, first.wrapped, first.share, first.created_by) == (2, b"one", "a", "ada\\n")
    assert stored.find(CARD, 3) is None and stored.current(KeyName("shop", "none", "c")) is None


def test_a_version_is_made_once(stored: StoredColumnKeys) -> None:
    stored.add(CARD, 1, "a", b"one", by="ada")
    with pytest.raises(InternalError) as raised:
        stored.add(CARD, 1, "b", b"other", by="bob")
    assert raised.value.code == "key_version_taken"
    current = stored.current(CARD)
    assert current is not None and (current.wrapped, current.state) == (b"one", KeyState.CURRENT)


def test_a_shredded_version_forgets_its_key_here_and_elsewhere(
    stored: StoredColumnKeys, database: Database, own_clock: Any
) -> None:
    stored.add(CARD, 1, "a", b"one", by="ada")
    elsewhere = StoredColumnKeys(database, own_clock)
    assert elsewhere.find(CARD, 1) is None
    elsewhere.refresh()
    assert elsewhere.find(CARD, 1) is not None
    stored.shred(CARD, 1, by="bob")
    stored.shred(CARD, 1, by="carol")
    elsewhere.refresh()
    found = elsewhere.find(CARD, 1)
    assert found is not None and stored.current(CARD) is None
    assert (found.state, found.wrapped, found.share, found.shredded_by) == (KeyState.SHREDDED, b"", "a", "bob")

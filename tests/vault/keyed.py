"""Keys of columns in memory, for tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from ringwall.model.errors import InternalError
from ringwall.model.vault import KeyName, KeyState, KeyVersion
from ringwall.vault.columns import ColumnKeys
from ringwall.vault.keys import Keyring
from ringwall.vault.root import RootKey
from ringwall.vault.shares import Shares

CARD = KeyName("shop", "customers", "card_number")


@dataclass
class MemoryKeyStore:
    """What `StoredColumnKeys` keeps, without a database."""

    rows: dict[tuple[KeyName, int], KeyVersion] = field(default_factory=dict)

    def find(self, name: KeyName, version: int) -> KeyVersion | None:
        return self.rows.get((name, version))

    def current(self, name: KeyName) -> KeyVersion | None:
        return next((each for each in self.rows.values() if each.name == name and each.state is KeyState.CURRENT), None)

    def versions(self) -> list[KeyVersion]:
        return sorted(self.rows.values(), key=lambda each: (str(each.name), each.version))

    def add(self, name: KeyName, version: int, share: str, wrapped: bytes, *, by: str) -> KeyVersion:
        if (name, version) in self.rows:
            raise InternalError("taken", code="key_version_taken")
        for each in self.versions():
            if each.name == name and each.state is KeyState.CURRENT:
                self.rows[name, each.version] = replace(each, state=KeyState.RETIRED)
        made = KeyVersion(name, version, KeyState.CURRENT, share, wrapped, version, by)
        self.rows[name, version] = made
        return made

    def shred(self, name: KeyName, version: int, *, by: str) -> None:
        self.rows[name, version] = replace(self.rows[name, version], state=KeyState.SHREDDED, wrapped=b"")

    def refresh(self) -> None:
        return


def column_keys(folder: Path, *, root: bytes = b"\x01" * 32, store: MemoryKeyStore | None = None) -> ColumnKeys:
    """Keys with one version for the card numbers of the shop."""
    keys = ColumnKeys(Keyring(RootKey(root)), store or MemoryKeyStore(), Shares(folder))
    if store is None:
        keys.create(CARD, by="test")
    return keys

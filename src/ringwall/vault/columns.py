"""How is a value of a column sealed and opened? Envelope encryption with AES-256-GCM, three keys deep.

    root key (and a share) -> key of a column, in versions -> data key of one value -> the value

* Every value has a data key of its own, used once; it stands before the value, wrapped by the column's key.
* What a value is for is authenticated with it: workload, table, column, the field that names its row, and the row. A
  value that was moved elsewhere does not open. The wrapped data key is bound to the header alone, so that it can be
  wrapped anew without the value being read.
* Rotating makes a new version that seals from then on; older ones open until what they sealed is wrapped anew.
  Shredding destroys a version: first no process may use it, then its share is gone (see `shares`).
* Random text now and then looks like somebody's API key, and would be hidden on its way. What looks like one is drawn
  again: no exception for sealed values could be made elsewhere that a forger would not use.
* A value that cannot be opened stays as it is, and is reported: never an exception on the road, never plaintext.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ringwall.detectors import personal_data
from ringwall.detectors.sealed import MAX_VALUE_BYTES, NONCE_BYTES, WRAPPED_BYTES, whole, write
from ringwall.model.content import Json, escape
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.vault import COLUMN, UNSEAL, KeyName, KeyState, KeyVersion, Sealed, Unreadable, Why
from ringwall.model.verdict import Grant
from ringwall.vault.keys import KEY_BYTES, Keyring
from ringwall.vault.shares import Shares

_LOG = logging.getLogger("ringwall")
_ONCE = bytes(NONCE_BYTES)
"""The nonce of a value. INVARIANT: a data key encrypts one value only, so that no nonce is ever used twice."""

MAX_DRAWS = 8
MAX_DRAWN_CHARS = 1024
"""Longest sealed text that is drawn again when it looks like a secret."""

Row = str | int
"""What names a row: its number or its text."""


class KeyStore(Protocol):
    """Where versions of keys are kept, wrapped."""

    def find(self, name: KeyName, version: int) -> KeyVersion | None:
        """The version, from memory."""
        ...

    def current(self, name: KeyName) -> KeyVersion | None:
        """The version that seals, from memory."""
        ...

    def versions(self) -> Sequence[KeyVersion]:
        """All versions, from memory, by name and version."""
        ...

    def add(self, name: KeyName, version: int, share: str, wrapped: bytes, *, by: str) -> KeyVersion:
        """Make this the current version; InternalError when somebody else was faster."""
        ...

    def shred(self, name: KeyName, version: int, *, by: str) -> None:
        """Forget the wrapped key of a version for good."""
        ...

    def refresh(self) -> None:
        """Look anew."""
        ...


class UnreadableError(Exception):
    """A sealed value that cannot be opened here, and why. Never leaves the vault on the road."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class ColumnKeys:
    """The keys of columns; the port `Keys`."""

    __slots__ = ("_base", "_ciphers", "_shares", "_store")

    def __init__(self, keyring: Keyring, store: KeyStore, shares: Shares) -> None:
        """Take the root of the hierarchy, and where its parts are kept."""
        self._base = keyring.derive("column-keys")
        self._store = store
        self._shares = shares
        self._ciphers: dict[tuple[KeyName, int], AESGCM] = {}

    def refresh(self) -> None:
        """Look anew for versions that were made or shredded elsewhere. Off the event loop.

        Raises:
            InternalError: The versions cannot be read. The old view stays.
        """
        self._store.refresh()
        for name, version in tuple(self._ciphers):
            found = self._store.find(name, version)
            if found is None or found.state is KeyState.SHREDDED:
                self._ciphers.pop((name, version), None)

    def versions(self) -> Sequence[KeyVersion]:
        """All versions of all keys."""
        return self._store.versions()

    def create(self, name: KeyName, *, by: str) -> KeyVersion:
        """The first version of a column's key.

        Raises:
            CallerError: The column has one.
        """
        if any(each.name == name for each in self._store.versions()):
            raise CallerError("this column has a key; rotate it", code="key_exists", status=409, param="key")
        return self._add(name, 1, by)

    def rotate(self, name: KeyName, *, by: str) -> KeyVersion:
        """A new version, which seals from now on.

        Raises:
            CallerError: The column has no key.
        """
        known = [each.version for each in self._store.versions() if each.name == name]
        if not known:
            raise CallerError("this column has no key", code="unknown_key", status=404, param="key")
        return self._add(name, max(known) + 1, by)

    def shred(self, name: KeyName, version: int, *, by: str) -> None:
        """Destroy a version: what it sealed cannot be read any more, by anybody. Doing it again completes it.

        1. No process uses it after its next look.
        2. Its share is destroyed, so that a copy of the database brings nothing back.

        Raises:
            CallerError: There is no such version.
            InternalError: It could not be completed; do it again.
        """
        found = self._store.find(name, version)
        if found is None:
            raise CallerError("there is no such version of this key", code="unknown_key", status=404, param="version")
        self._store.shred(name, version, by=by)  # 1
        self.refresh()
        self._shares.destroy(found.share)  # 2

    def seal(self, name: KeyName, text: str, *, row_field: str = "", row: Row | None = None) -> str:
        """A value, sealed for its column, and for its row when that is named.

        Args:
            name: The column's key.
            text: The value.
            row_field: The field that stands beside the value and names its row.
            row: What stands in that field.

        Raises:
            CallerError: The column has no key that seals, the value is too long, or the row is half given.
        """
        data = text.encode("utf-8", "surrogatepass")
        if len(data) > MAX_VALUE_BYTES:
            raise CallerError(f"a value has at most {MAX_VALUE_BYTES} bytes", code="value_too_long", param="value")
        if bool(row_field) != (row is not None) or (row_field and COLUMN.fullmatch(row_field) is None):
            raise CallerError("a row is named by a field and what stands in it", code="bad_row", param="row")
        current = self._store.current(name)
        if current is None:
            raise CallerError("this column has no key that seals", code="unknown_key", status=404, param="key")
        header = Sealed(name, current.version, row_field, b"")

        def draw() -> Sealed:
            key = secrets.token_bytes(KEY_BYTES)
            body = AESGCM(key).encrypt(_ONCE, data, _context(header, row))
            return replace(header, body=self._wrap(header, key) + body)

        return write(_unsuspicious(draw))

    def open(self, sealed: Sealed, *, row: Row | None = None) -> str:
        """What was sealed.

        Raises:
            UnreadableError: It cannot be opened, and why.
        """
        key = self._unwrap(sealed)
        try:
            data = AESGCM(key).decrypt(_ONCE, sealed.body[WRAPPED_BYTES:], _context(sealed, row))
        except InvalidTag as error:
            raise UnreadableError(Why.WRONG_PLACE) from error
        return data.decode("utf-8", "surrogatepass")

    def rewrap(self, sealed: Sealed) -> Sealed:
        """The same value under the current version of its key. The value itself is not read.

        Raises:
            UnreadableError: Its version cannot be used any more, or there is none that seals.
        """
        current = self._store.current(sealed.key)
        if current is None:
            raise UnreadableError(Why.UNKNOWN_VERSION)
        if current.version == sealed.version:
            return sealed
        key = self._unwrap(sealed)
        header = replace(sealed, version=current.version)
        return _unsuspicious(lambda: replace(header, body=self._wrap(header, key) + sealed.body[WRAPPED_BYTES:]))

    async def unseal(
        self,
        value: Json,
        grants: Sequence[Grant],
        *,
        workload: WorkloadId,
        report: Callable[[Unreadable], None] | None = None,
    ) -> Json:
        """See port `Keys`."""
        granted = frozenset(each.subject for each in grants if each.kind == UNSEAL)
        return self._replace(value, granted, workload, report or _log) if granted else value

    def _replace(
        self,
        value: Json,
        granted: frozenset[str],
        workload: WorkloadId,
        report: Callable[[Unreadable], None],
        pointer: str = "",
        beside: tuple[str, Mapping[str, Json]] | None = None,
    ) -> Json:
        """The value with its granted strings opened. `beside`: the member's name, and the object in which it stands."""
        if isinstance(value, str):
            sealed = whole(value)
            if sealed is None or sealed.key.workload != workload or str(sealed.key) not in granted:
                return value
            try:
                return self.open(sealed, row=_row(sealed, beside))
            except UnreadableError as error:
                report(Unreadable(pointer, str(sealed.key), sealed.version, error.why))
                return value
        if isinstance(value, Mapping):
            return MappingProxyType(
                {
                    name: self._replace(each, granted, workload, report, f"{pointer}/{escape(name)}", (name, value))
                    for name, each in value.items()
                }
            )
        if isinstance(value, tuple):
            return tuple(
                self._replace(each, granted, workload, report, f"{pointer}/{at}") for at, each in enumerate(value)
            )
        return value

    def _add(self, name: KeyName, version: int, by: str) -> KeyVersion:
        share_name, share = self._shares.make()
        key = AESGCM.generate_key(KEY_BYTES * 8)
        nonce = secrets.token_bytes(NONCE_BYTES)
        wrapped = nonce + self._wrapper(name, version, share).encrypt(nonce, key, _version(name, version))
        try:
            return self._store.add(name, version, share_name, wrapped, by=by)
        except InternalError:
            self._shares.destroy(share_name)
            raise

    def _cipher(self, name: KeyName, version: int) -> AESGCM:
        """The column's key of a version.

        Raises:
            UnreadableError: There is none that may be used.
        """
        found = self._store.find(name, version)
        if found is None:
            raise UnreadableError(Why.UNKNOWN_VERSION)
        if found.state is KeyState.SHREDDED:
            raise UnreadableError(Why.SHREDDED)
        cipher = self._ciphers.get((name, version))
        if cipher is not None:
            return cipher
        try:
            share = self._shares.read(found.share)
            if share is None:
                raise UnreadableError(Why.KEY_UNAVAILABLE)
            nonce, wrapped = found.wrapped[:NONCE_BYTES], found.wrapped[NONCE_BYTES:]
            key = self._wrapper(name, version, share).decrypt(nonce, wrapped, _version(name, version))
        except (InternalError, InvalidTag, ValueError) as error:
            raise UnreadableError(Why.KEY_UNAVAILABLE) from error
        return self._ciphers.setdefault((name, version), AESGCM(key))

    def _wrapper(self, name: KeyName, version: int, share: bytes) -> AESGCM:
        hkdf = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=share, info=_version(name, version))
        return AESGCM(hkdf.derive(self._base))

    def _wrap(self, header: Sealed, key: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        try:
            return nonce + self._cipher(header.key, header.version).encrypt(nonce, key, _header(header))
        except UnreadableError as error:
            raise InternalError("the key of this column cannot be used", code="key_unavailable") from error

    def _unwrap(self, sealed: Sealed) -> bytes:
        cipher = self._cipher(sealed.key, sealed.version)
        try:
            return cipher.decrypt(sealed.body[:NONCE_BYTES], sealed.body[NONCE_BYTES:WRAPPED_BYTES], _header(sealed))
        except InvalidTag as error:
            raise UnreadableError(Why.WRONG_PLACE) from error


def _unsuspicious(draw: Callable[[], Sealed]) -> Sealed:
    """A value whose text nobody takes for a secret. A long one may look like what it is, an encoded run."""
    made = draw()
    for _ in range(MAX_DRAWS - 1):
        text = write(made)
        if len(text) > MAX_DRAWN_CHARS or not personal_data.find(text):
            break
        made = draw()
    return made


def _row(sealed: Sealed, beside: tuple[str, Mapping[str, Json]] | None) -> Row | None:
    """What names the value's row where it stands.

    A member of an object bears its column's name: otherwise a value that somebody moved into a harmless column would
    be opened there. An element of a list bears no name, and is not bound to one.

    Raises:
        UnreadableError: It stands in another column, or no row is named beside it.
    """
    if beside is not None and beside[0] != sealed.key.column:
        raise UnreadableError(Why.WRONG_PLACE)
    if not sealed.row_field:
        return None
    row = None if beside is None else beside[1].get(sealed.row_field)
    if not isinstance(row, (str, int)) or isinstance(row, bool):
        raise UnreadableError(Why.WRONG_PLACE)
    return row


def _context(sealed: Sealed, row: Row | None) -> bytes:
    """What a value is for, unambiguously. A row's number and its text are one name: databases render either."""
    return _joined("value", *_names(sealed), "" if row is None else str(row))


def _header(sealed: Sealed) -> bytes:
    return _joined("data key", *_names(sealed), str(sealed.version))


def _names(sealed: Sealed) -> tuple[str, ...]:
    return (sealed.key.workload, sealed.key.table, sealed.key.column, sealed.row_field)


def _version(name: KeyName, version: int) -> bytes:
    return _joined("column key", name.workload, name.table, name.column, str(version))


def _joined(*fields: str) -> bytes:
    encoded = [each.encode("utf-8", "surrogatepass") for each in fields]
    return b"".join(len(each).to_bytes(4, "big") + each for each in encoded)


def _log(found: Unreadable) -> None:
    _LOG.warning("key=<%s>, version=<%d>, why=<%s> | a value stays sealed", found.key, found.version, found.why)

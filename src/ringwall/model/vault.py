"""Which words does the vault use? Keys of columns, values that are sealed with them, and leases of credentials.

* A key is for one column of one table of one workload; its name says so: `support/customers.card_number`.
* A key has versions. The newest encrypts; older ones open what they sealed until it is wrapped anew; a shredded one
  opens nothing, ever.
* A lease is the right of one principal to use one credential for some minutes, inside one workload.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

KEY_NAME = re.compile(
    r"(?P<workload>[a-z][a-z0-9-]{0,62})/(?P<table>[a-z][a-z0-9_]{0,62})\.(?P<column>[a-z][a-z0-9_]{0,62})"
)
"""The closed grammar of key names."""
COLUMN = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""The closed grammar of names of tables and columns."""
CREDENTIAL = re.compile(r"[a-z][a-z0-9-]{0,62}")
"""The closed grammar of names of credentials."""

UNSEAL = "unseal"
"""The kind of grant that lets values of a key be opened; its subject is the key's name."""
LEASE = "lease"
"""The kind of grant that lets a credential be leased; its subject is the credential's name."""


@dataclass(frozen=True, slots=True)
class KeyName:
    """For which column a key is."""

    workload: str
    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.workload}/{self.table}.{self.column}"

    @classmethod
    def parse(cls, text: str) -> KeyName:
        """The name that this text spells.

        Raises:
            ValueError: It spells none.
        """
        match = KEY_NAME.fullmatch(text)
        if match is None:
            raise ValueError("a key is named workload/table.column, in lower case")
        return cls(match["workload"], match["table"], match["column"])


class KeyState(StrEnum):
    """What a version of a key may still do."""

    CURRENT = "current"
    """Seals and opens."""
    RETIRED = "retired"
    """Opens what it sealed."""
    SHREDDED = "shredded"
    """Nothing: its key is gone."""


@dataclass(frozen=True, slots=True)
class KeyVersion:
    """One version of a column's key, as it is stored.

    Attributes:
        name: For which column.
        version: From 1.
        state: What it may still do.
        share: Names its share; no secret.
        wrapped: The key, encrypted; empty once shredded.
        created_us: Since when, microseconds since 1970-01-01 UTC.
        created_by: By whom.
        shredded_us: When it was shredded, or None.
        shredded_by: By whom, or None.
    """

    name: KeyName
    version: int
    state: KeyState
    share: str
    wrapped: bytes = field(repr=False)
    created_us: int
    created_by: str
    shredded_us: int | None = None
    shredded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed value, taken apart; `ringwall.detectors.sealed` has its grammar.

    Attributes:
        key: For which column it was sealed.
        version: With which version of the key.
        row_field: The member beside it that names its row, or empty when it is bound to no row.
        body: The wrapped data key and what it encrypts.
    """

    key: KeyName
    version: int
    row_field: str
    body: bytes = field(repr=False)


class Why(StrEnum):
    """Why a sealed value stayed sealed."""

    UNKNOWN_VERSION = "unknown_version"
    """No such version of this key was ever made here."""
    SHREDDED = "shredded"
    """The version was destroyed."""
    KEY_UNAVAILABLE = "key_unavailable"
    """The version is known, but its key cannot be unwrapped: another root key, or its share is missing."""
    WRONG_PLACE = "wrong_place"
    """It stands in another column, beside no row or another row, or was changed."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value whose key was granted and that still could not be opened.

    Attributes:
        pointer: JSON pointer to it.
        key: The key's name.
        version: The key's version.
        why: What was wrong.
    """

    pointer: str
    key: str
    version: int
    why: Why


@dataclass(frozen=True, slots=True)
class Lease:
    """What a tool server gets for one call.

    Attributes:
        id: Names the lease; no secret.
        secret: The bearer secret, or the role's password.
        expires_us: When it dies, microseconds since 1970-01-01 UTC.
        address: Where it is used: the broker's socket, or a database URL with the role's name and without password.
        context: The signed call context: which lease was taken for which principal. Given with every statement.
    """

    id: str
    secret: str = field(repr=False)
    expires_us: int
    address: str
    context: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """A lease as it is on record.

    Attributes:
        id: Its name.
        credential: What was leased.
        kind: `sqlite` or `postgres`.
        secret_sha256: SHA-256 of the secret.
        principal: For whom: issuer and subject.
        workload: In which workload.
        session: In which task.
        scopes: Containing any of these ends it.
        created_us: Since when.
        expires_us: Until when.
        ended_us: When it ended, or None.
        ended_by: `given_back`, `expired`, `revoked` or `failed`; None while it lives.
    """

    id: str
    credential: str
    kind: str
    secret_sha256: bytes = field(repr=False)
    principal: str
    workload: str
    session: str
    scopes: tuple[str, ...]
    created_us: int
    expires_us: int
    ended_us: int | None = None
    ended_by: str | None = None

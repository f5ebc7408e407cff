"""How do keys and leases look to whoever asks a command? Closed shapes, with nothing in them that opens anything."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from ringwall.model.vault import KeyVersion, LeaseRow


class KeyView(msgspec.Struct, kw_only=True):
    """A version of a key, as it is shown."""

    key: str
    version: int
    state: str
    created: datetime
    created_by: str
    shredded: datetime | None
    shredded_by: str | None


class KeyViews(msgspec.Struct):
    """Versions of keys."""

    keys: list[KeyView]


class LeaseView(msgspec.Struct, kw_only=True):
    """A lease, as it is shown: nothing with which it could be used."""

    id: str
    credential: str
    kind: str
    principal: str
    workload: str
    session: str
    created: datetime
    expires: datetime
    ended: datetime | None
    ended_by: str | None


class LeaseViews(msgspec.Struct):
    """Leases."""

    leases: list[LeaseView]


class Value(msgspec.Struct):
    """One value."""

    value: str


class Ran(msgspec.Struct):
    """What a job came to."""

    rows: int
    changed: int
    unreadable: int
    overtaken: int


def _moment(us: int) -> datetime:
    return datetime.fromtimestamp(us / 1e6, UTC)


def key_view(each: KeyVersion) -> KeyView:
    """A version of a key."""
    return KeyView(
        key=str(each.name),
        version=each.version,
        state=each.state,
        created=_moment(each.created_us),
        created_by=each.created_by,
        shredded=None if each.shredded_us is None else _moment(each.shredded_us),
        shredded_by=each.shredded_by,
    )


def lease_view(each: LeaseRow) -> LeaseView:
    """A lease."""
    return LeaseView(
        id=each.id,
        credential=each.credential,
        kind=each.kind,
        principal=each.principal,
        workload=each.workload,
        session=each.session,
        created=_moment(each.created_us),
        expires=_moment(each.expires_us),
        ended=None if each.ended_us is None else _moment(each.ended_us),
        ended_by=each.ended_by,
    )

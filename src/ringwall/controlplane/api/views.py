"""How does what is stored look in the API? Rows of stores in the shapes of `shapes`, without their secrets."""

from __future__ import annotations

from datetime import UTC, datetime

from ringwall.controlplane.api import shapes
from ringwall.controlplane.api.changes import Invitation
from ringwall.store.api_keys import ApiKey
from ringwall.store.containment import Contained
from ringwall.store.findings import StoredFinding
from ringwall.store.users import User


def moment(us: int) -> datetime:
    """A time of the store."""
    return datetime.fromtimestamp(us / 1_000_000, UTC)


def _maybe(us: int | None) -> datetime | None:
    return None if us is None else moment(us)


def key_view(key: ApiKey) -> shapes.Key:
    """A stored key."""
    row = key.row
    return shapes.Key(
        id=row.id,
        name=key.name,
        subject=row.subject,
        kind=row.kind,
        roles=sorted(row.roles),
        workloads=sorted(row.workloads),
        created=moment(key.created_us),
        created_by=key.created_by,
        expires=_maybe(row.expires_us),
        revoked=_maybe(key.revoked_us),
        revoked_by=key.revoked_by,
        aws_access_key_id=row.access_key_id or None,
    )


def containment_view(contained: Contained) -> shapes.Containment:
    """A stored containment."""
    return shapes.Containment(
        id=contained.id,
        scope=contained.scope,
        reason=contained.reason,
        created=moment(contained.created_us),
        created_by=contained.created_by,
        expires=_maybe(contained.expires_us),
        lifted=_maybe(contained.lifted_us),
        lifted_by=contained.lifted_by,
        lift_reason=contained.lift_reason,
    )


def finding_view(found: StoredFinding) -> shapes.Finding:
    """A stored finding."""
    return shapes.Finding(
        id=found.id,
        detection=found.detection,
        severity=found.severity,
        subject=found.subject,
        words=found.words,
        evidence=list(found.evidence),
        count=found.count,
        first=moment(found.first_us),
        last=moment(found.last_us),
        found=moment(found.found_us),
        response=found.response,
        response_words=found.response_words,
        needs_person=found.needs_person,
        scopes=list(found.scopes),
        contained=_maybe(found.contained_us),
        contained_ms=None if found.contained_us is None else (found.contained_us - found.last_us) // 1000,
        released=found.released,
        closed=_maybe(found.closed_us),
        closed_by=found.closed_by,
        close_reason=found.close_reason,
    )


def person_view(user: User) -> shapes.Person:
    """A stored user."""
    return shapes.Person(
        subject=user.subject,
        username=user.username,
        groups=list(user.groups),
        created=moment(user.created_us),
        enrolled=is_enrolled(user),
        disabled=user.is_disabled,
    )


def is_enrolled(user: User) -> bool:
    """True when this person can log in: both factors are there."""
    return user.has_password and user.totp_sealed is not None


def invited_view(invitation: Invitation, url: str) -> shapes.Invited:
    """An invitation."""
    return shapes.Invited(
        user=person_view(invitation.user), code=invitation.code, url=url, expires=moment(invitation.expires_us)
    )

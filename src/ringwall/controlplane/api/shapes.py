"""What does the API read and answer? Closed shapes; the OpenAPI document and the reference page are made from them.

* An unknown field of a request is refused, and so is a value of another type: nothing is converted by guess.
* Times are RFC 3339 in UTC. A secret stands in one answer only: the one that makes it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from ringwall.controlplane.api.plan_shapes import Shape
from ringwall.model.interaction import PrincipalKind

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
KEY_LIFETIME_S = 90 * 86_400
"""How long a key lives when nobody says."""
INVITATION_S = 86_400
"""How long an invitation lives when nobody says."""
Lifetime = Annotated[int, msgspec.Meta(ge=60, le=10 * 365 * 86_400)]


class Problem(Shape, omit_defaults=True):
    """What went wrong (RFC 9457, `application/problem+json`)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    param: str | None = None


class WorkloadStatus(Shape):
    """A workload, in one line."""

    id: str
    owner: str
    use_case: str
    phase: str
    rehearsal: bool
    controls: int
    vacancies: int


class LedgerStatus(Shape):
    """Whether the ledger takes records; `failure` is the name of an error, or empty."""

    segment: str
    failure: str


class Status(Shape):
    """What runs."""

    version: str
    serving: bool
    organisation: str
    plan: str
    plan_version: int
    plan_expires: datetime
    workloads: list[WorkloadStatus]
    ledger: LedgerStatus


class NewKey(Shape):
    """A key to be made. `lifetime_s` is in seconds; null for a key that works until it is revoked.

    With `aws` it has an AWS access key besides, with which stock AWS clients sign their requests.
    """

    name: Name
    workloads: Annotated[list[Name], msgspec.Meta(min_length=1, max_length=64)]
    subject: Annotated[str, msgspec.Meta(max_length=256)] = ""
    kind: PrincipalKind = PrincipalKind.SERVICE
    roles: Annotated[list[Name], msgspec.Meta(max_length=64)] = msgspec.field(default_factory=list)
    lifetime_s: Lifetime | None = KEY_LIFETIME_S
    aws: bool = False


class Key(Shape):
    """An API key without its secret."""

    id: str
    name: str
    subject: str
    kind: str
    roles: list[str]
    workloads: list[str]
    created: datetime
    created_by: str
    expires: datetime | None
    revoked: datetime | None
    revoked_by: str | None
    aws_access_key_id: str | None


class MadeKey(Shape):
    """A key that was just made; `secret` and `aws_secret_access_key` are shown this once."""

    key: Key
    secret: str
    aws_secret_access_key: str | None = None


class Keys(Shape):
    """Every key that was ever made, oldest first."""

    keys: list[Key]


class NewContainment(Shape):
    """Something to be contained. `lifetime_s` is in seconds; null for until it is lifted."""

    kind: Name
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    lifetime_s: Lifetime | None = None


class Containment(Shape):
    """A containment; `scope` is `kind:name`."""

    id: str
    scope: str
    reason: str
    created: datetime
    created_by: str
    expires: datetime | None
    lifted: datetime | None
    lifted_by: str | None
    lift_reason: str | None


class Containments(Shape):
    """Every containment there ever was, newest first."""

    containments: list[Containment]


class Finding(Shape):
    """Something that the monitor found; `contained_ms` is from the last record of the evidence to the containment."""

    id: str
    detection: str
    severity: str
    subject: str
    words: str
    evidence: list[str]
    count: int
    first: datetime
    last: datetime
    found: datetime
    response: str
    response_words: str
    needs_person: str
    scopes: list[str]
    contained: datetime | None
    contained_ms: int | None
    released: int
    closed: datetime | None
    closed_by: str | None
    close_reason: str | None


class Findings(Shape):
    """Findings of the monitor, newest first."""

    findings: list[Finding]


class NewInvitation(Shape):
    """A person to be invited. With `renew`: one who is known already and lost password or second factor."""

    username: Name
    groups: Annotated[list[Name], msgspec.Meta(max_length=64)] = msgspec.field(default_factory=list)
    lifetime_s: Annotated[int, msgspec.Meta(ge=60, le=14 * 86_400)] = INVITATION_S
    renew: bool = False


class Person(Shape):
    """A user of the embedded issuer."""

    subject: str
    username: str
    groups: list[str]
    created: datetime
    enrolled: bool
    disabled: bool


class People(Shape):
    """All users, by name."""

    users: list[Person]


class Invited(Shape):
    """An invitation; `code` is shown this once, to be typed in at `url`."""

    user: Person
    code: str
    url: str
    expires: datetime


class RecordView(Shape):
    """A record as it stands in the ledger, byte for byte. `refused`: its commit failed, it took no effect."""

    segment: str
    position: int
    refused: bool
    record: msgspec.Raw


class RecordViews(Shape):
    """The records of one interaction, in the order in which they were made durable."""

    records: list[RecordView]
    truncated: bool


class CheckpointView(Shape):
    """The newest signed checkpoint of the segment that is being written: keep `note` elsewhere as an anchor."""

    segment: str
    size: int
    note: str
    key_name: str
    public_key: str


class Done(Shape):
    """It is done."""

    done: bool = True

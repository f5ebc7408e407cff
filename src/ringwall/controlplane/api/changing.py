"""What may be changed over the API? The operations that change: each recorded by `changes` before it takes effect.

* A key is for workloads of the plan in force: a misspelt one is refused here, with the nearest that there is.
"""

from __future__ import annotations

import difflib
from typing import TypeVar

import msgspec

from ringwall.controlplane.api import shapes, views
from ringwall.controlplane.api.office import Call, Office
from ringwall.model.errors import CallerError, InternalError

S = TypeVar("S", bound=msgspec.Struct)


async def create_key(office: Office, call: Call) -> shapes.MadeKey:
    """Make a key."""
    wanted = _body(call, shapes.NewKey)
    known = [str(name) for name in office.plan().workloads]
    for name in wanted.workloads:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise CallerError(
                f"there is no such workload{hint}", code="unknown_workload", status=422, param="workloads"
            )
    secret, made = await office.changes.create_key(
        call.by,
        wanted.name,
        workloads=wanted.workloads,
        subject=wanted.subject,
        kind=wanted.kind,
        roles=wanted.roles,
        lifetime_s=wanted.lifetime_s,
        aws=wanted.aws,
    )
    _, secret_access_key = office.api_keys.access_key_of(secret)
    return shapes.MadeKey(key=views.key_view(made), secret=secret, aws_secret_access_key=secret_access_key or None)


async def revoke_key(office: Office, call: Call) -> shapes.Done:
    """Take a key back."""
    await office.changes.revoke_key(call.by, call.path["key"])
    return shapes.Done()


async def contain(office: Office, call: Call) -> shapes.Containment:
    """Contain something."""
    wanted = _body(call, shapes.NewContainment)
    made = await office.changes.contain(
        call.by, wanted.kind, wanted.name, reason=wanted.reason, lifetime_s=wanted.lifetime_s
    )
    return views.containment_view(made)


async def lift(office: Office, call: Call) -> shapes.Done:
    """End a containment."""
    await office.changes.lift(call.by, call.path["containment"], reason=call.query["reason"])
    return shapes.Done()


async def invite(office: Office, call: Call) -> shapes.Invited:
    """Invite a person."""
    if not office.enrol_url:
        raise CallerError("the embedded issuer is not offered here", code="no_issuer", status=409)
    wanted = _body(call, shapes.NewInvitation)
    made = await office.changes.invite(
        call.by, wanted.username, groups=wanted.groups, lifetime_s=wanted.lifetime_s, renew=wanted.renew
    )
    return views.invited_view(made, office.enrol_url)


async def disable(office: Office, call: Call) -> shapes.Person:
    """Disable a user."""
    user = office.users.by_subject(call.path["subject"])
    if user is None:
        raise CallerError("there is no such user", code="unknown_user", status=404, param="subject")
    await office.changes.disable(call.by, user.username)
    changed = office.users.by_subject(user.subject)
    return views.person_view(changed or user)


def _body(call: Call, kind: type[S]) -> S:
    if not isinstance(call.body, kind):
        raise InternalError("the body was not read", code="no_body")
    return call.body

"""Which operations does `/api/v1` have? The table: all of them, and nothing besides.

* A parameter in a path matches its whole pattern or the path is unknown: nothing of it reaches a file or a query else.
"""

from __future__ import annotations

import re

from ringwall.controlplane.api import changing, plan_shapes, reading, shapes
from ringwall.controlplane.api.office import Operation, Param

PREFIX = "/api/v1"

KEY = Param("key", "The id of a key: what stands between `rw_` and the second underscore.", re.compile(r"[0-9a-f]{12}"),
            "0123456789ab")  # fmt: skip
CONTAINMENT = Param("containment", "The id of a containment.", re.compile(r"con_[0-9a-f]{16}"), "con_0123456789abcdef")
SUBJECT = Param("subject", "The subject of a user.", re.compile(r"usr_[0-9a-f]{24}"), "usr_0123456789abcdef01234567")
RECORD = Param("record", "The id of a record.", re.compile(r"rec_[0-9a-f]{32}"), "rec_" + "01234567" * 4)
INTERACTION = Param("interaction", "The id of an interaction: a response's `x-request-id`.",
                    re.compile(r"req_[0-9a-f]{32}"), "req_" + "01234567" * 4)  # fmt: skip
REASON = Param("reason", "Why; people will ask.", re.compile(r"[^\x00-\x1f\x7f]{1,2000}"), "false alarm")

OPERATIONS: tuple[Operation, ...] = (
    Operation("GET", "/status", "getStatus", "What runs: version, plan, workloads, ledger.",
              reading.status, shapes.Status),
    Operation("GET", "/plan", "getPlan", "The plan in force, every setting with where it was set.",
              reading.plan, plan_shapes.PlanView),
    Operation("GET", "/keys", "listKeys", "Every API key, without secrets.", reading.keys, shapes.Keys),
    Operation("POST", "/keys", "createKey", "Make an API key; its secret is in the answer and nowhere else.",
              changing.create_key, shapes.MadeKey, shapes.NewKey, 201, changes=True, errors=(422,)),
    Operation("DELETE", "/keys/{key}", "revokeKey", "Take an API key back for good.",
              changing.revoke_key, shapes.Done, params=(KEY,), changes=True, errors=(404,)),
    Operation("GET", "/containments", "listContainments", "Every containment.",
              reading.containments, shapes.Containments),
    Operation("POST", "/containments", "contain", "Contain a principal, key, workload, model or address at once.",
              changing.contain, shapes.Containment, shapes.NewContainment, 201, changes=True),
    Operation("DELETE", "/containments/{containment}", "liftContainment", "End a containment.",
              changing.lift, shapes.Done, params=(CONTAINMENT,), query=(REASON,), changes=True, errors=(404,)),
    Operation("GET", "/findings", "listFindings", "What the monitor found, and what came of it.",
              reading.findings, shapes.Findings),
    Operation("GET", "/users", "listUsers", "The people of the embedded issuer.", reading.users, shapes.People),
    Operation("POST", "/users", "inviteUser", "Invite a person: a one-time code with which to enrol.",
              changing.invite, shapes.Invited, shapes.NewInvitation, 201, changes=True, errors=(404, 409)),
    Operation("POST", "/users/{subject}/disable", "disableUser", "Refuse a person's logins and tokens from now on.",
              changing.disable, shapes.Person, params=(SUBJECT,), changes=True, errors=(404,)),
    Operation("GET", "/records/{record}", "getRecord", "A record of the ledger, byte for byte.",
              reading.record, shapes.RecordView, params=(RECORD,), errors=(404,)),
    Operation("GET", "/interactions/{interaction}", "getInteraction", "The decision chain of one request.",
              reading.interaction, shapes.RecordViews, params=(INTERACTION,), errors=(404,)),
    Operation("GET", "/ledger/checkpoint", "getCheckpoint", "The newest signed checkpoint, to be kept elsewhere.",
              reading.checkpoint, shapes.CheckpointView),
)  # fmt: skip
"""The whole API but for its own description, which stands at `/openapi.json`."""

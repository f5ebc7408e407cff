"""What runs, and what happened? The operations that read.

* What reads the ledger walks its files, off the event loop and two at a time; nothing is verified here
  (`ringwall ledger verify` does that, and says what it cannot exclude).
* The plan shows where a credential is read from, never the credential.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import asdict, fields
from enum import Enum
from functools import partial
from pathlib import Path

import msgspec

from ringwall import __version__
from ringwall.controlplane.api import plan_shapes, shapes, views
from ringwall.controlplane.api.office import Call, Office
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.plan import PlannedControl, UpstreamPlan, WorkloadPlan
from ringwall.store.ledger import checkpoint as checkpoints
from ringwall.store.ledger import segment
from ringwall.store.ledger.read import Entry, find, is_unacknowledged, of_interaction

MAX_RECORDS = 2000
"""Records of one interaction that one answer holds."""
TAIL_BYTES = 64 * 1024


async def status(office: Office, call: Call) -> shapes.Status:
    """What runs."""
    plan = office.plan()
    return shapes.Status(
        version=__version__,
        serving=office.serving(),
        organisation=plan.organisation,
        plan=plan.digest,
        plan_version=plan.version,
        plan_expires=plan.expires,
        workloads=[
            shapes.WorkloadStatus(
                id=str(name),
                owner=each.workload.owner,
                use_case=each.workload.use_case,
                phase=each.workload.phase,
                rehearsal=each.workload.rehearsal,
                controls=len(each.controls),
                vacancies=len(each.vacancies),
            )
            for name, each in plan.workloads.items()
        ],
        ledger=shapes.LedgerStatus(segment=office.ledger.segment, failure=office.ledger.failure),
    )


async def plan(office: Office, call: Call) -> plan_shapes.PlanView:
    """The plan in force."""
    found = office.plan()
    return plan_shapes.PlanView(
        digest=found.digest,
        version=found.version,
        expires=found.expires,
        organisation=found.organisation,
        workloads=[_workload(each) for each in found.workloads.values()],
        upstreams=[_upstream(each) for each in found.upstreams.values()],
        issuers=[each.issuer for each in found.issuers],
        policies=[each.name for each in found.policies],
        limits={name: float(value) for name, value in asdict(found.limits).items()},
    )


async def keys(office: Office, call: Call) -> shapes.Keys:
    """Every key."""
    found = await asyncio.to_thread(office.api_keys.list_all)
    return shapes.Keys(keys=[views.key_view(each) for each in found])


async def containments(office: Office, call: Call) -> shapes.Containments:
    """Every containment."""
    found = await asyncio.to_thread(office.containment.list_all)
    return shapes.Containments(containments=[views.containment_view(each) for each in found])


async def findings(office: Office, call: Call) -> shapes.Findings:
    """Every finding."""
    found = await asyncio.to_thread(office.findings.list_all)
    return shapes.Findings(findings=[views.finding_view(each) for each in found])


async def users(office: Office, call: Call) -> shapes.People:
    """Every user."""
    found = await asyncio.to_thread(office.users.list_all)
    return shapes.People(users=[views.person_view(each) for each in found])


async def record(office: Office, call: Call) -> shapes.RecordView:
    """One record."""

    def look() -> shapes.RecordView | None:
        entry = find(office.ledger_folder, call.path["record"])
        return None if entry is None else _record(office.ledger_folder, entry)

    async with office.walks:
        found = await asyncio.to_thread(look)
    if found is None:
        raise CallerError("the ledger has no such record", code="unknown_record", status=404, param="record")
    return found


async def interaction(office: Office, call: Call) -> shapes.RecordViews:
    """The records of one interaction: its decision chain."""
    async with office.walks:
        found = await asyncio.to_thread(of_interaction, office.ledger_folder, call.path["interaction"])
        if not found:
            words = "the ledger has no such interaction"
            raise CallerError(words, code="unknown_interaction", status=404, param="interaction")
        view = partial(_record, office.ledger_folder)
        views = await asyncio.to_thread(lambda: [view(each) for each in found[:MAX_RECORDS]])
    return shapes.RecordViews(records=views, truncated=len(found) > MAX_RECORDS)


async def checkpoint(office: Office, call: Call) -> shapes.CheckpointView:
    """The newest signed checkpoint."""
    name = office.ledger.segment
    note = await asyncio.to_thread(newest_note, office.ledger_folder, name) if name else None
    signed = None if note is None else checkpoints.parse(note)
    if note is None or signed is None:
        raise InternalError("no segment is open at this moment; try again", code="no_checkpoint")
    return shapes.CheckpointView(
        segment=signed.checkpoint.segment,
        size=signed.checkpoint.size,
        note=note,
        key_name=office.signer.name,
        public_key=base64.b64encode(office.signer.public_key).decode("ascii"),
    )


def newest_note(folder: Path, name: str) -> str | None:
    """The last whole checkpoint of a segment, or None when it cannot be read."""
    try:
        with segment.checkpoints_path(folder, name).open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").split("\n")[:-1]
    except OSError:
        return None
    # A note ends with its signature; what stands behind the last one was torn.
    ends = [index for index, line in enumerate(lines, 1) if line.startswith("\N{EM DASH} ")]
    if not ends or ends[-1] < checkpoints.LINES:
        return None
    return "\n".join(lines[ends[-1] - checkpoints.LINES : ends[-1]]) + "\n"


def _record(folder: Path, entry: Entry) -> shapes.RecordView:
    return shapes.RecordView(
        segment=entry.segment,
        position=entry.position,
        refused=is_unacknowledged(folder, entry),
        record=msgspec.Raw(entry.record),
    )


def _workload(planned: WorkloadPlan) -> plan_shapes.WorkloadView:
    declared = planned.workload
    return plan_shapes.WorkloadView(
        id=str(declared.id),
        owner=declared.owner,
        use_case=declared.use_case,
        phase=declared.phase,
        traits=sorted(declared.traits),
        rehearsal=declared.rehearsal,
        path_prefix=planned.path_prefix,
        max_output_tokens=planned.max_output_tokens,
        models=[
            plan_shapes.RouteView(
                model=each.model,
                order=each.order,
                targets=[
                    plan_shapes.TargetView(upstream=to.upstream, upstream_model=to.model, weight=to.weight)
                    for to in each.targets
                ],
            )
            for each in planned.routes
        ],
        controls=[_control(each) for each in planned.controls],
        vacancies=[str(each) for each in planned.vacancies],
        policies=[each.name for each in planned.policies],
    )


def _control(planned: PlannedControl) -> plan_shapes.ControlView:
    sources = {name: str(where) for name, where in planned.provenance}
    settings = {each.name: getattr(planned.settings, each.name) for each in fields(planned.settings)}
    return plan_shapes.ControlView(
        id=str(planned.id),
        mode=planned.mode,
        settings=[
            plan_shapes.SettingView(name=name, value=plain(value), source=sources.get(name, "catalog"))
            for name, value in settings.items()
        ],
        waiver_reason=None if planned.waiver is None else planned.waiver.reason,
        waiver_until=None if planned.waiver is None else planned.waiver.until,
    )


def _upstream(upstream: UpstreamPlan) -> plan_shapes.UpstreamView:
    return plan_shapes.UpstreamView(
        name=upstream.name,
        kind=upstream.kind,
        base_url=upstream.base_url,
        account=upstream.account,
        credential=upstream.credential,
        private=upstream.private,
    )


def plain(value: object) -> object:
    """A setting's value as JSON has it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(str(plain(item)) for item in value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)

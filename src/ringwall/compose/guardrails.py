"""Which controls does a guardrail name? Stored definitions, made into seats that can be asked.

* A version is translated and its controls are made once, when it is first asked for, and again when its draft changed.
* What can no longer be made (a control was taken away) is an error and a refusal: never a guardrail with a hole.
"""

from __future__ import annotations

import inspect
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ringwall.catalog.load import load_catalog
from ringwall.compose.running import built_controls, settings_types
from ringwall.config.guardrail.definition import Definition, read
from ringwall.config.guardrail.translate import Translator
from ringwall.engine.chain import Chain, Seat
from ringwall.engine.guarding import IN, OUT, Guard
from ringwall.model.control import Control
from ringwall.model.errors import CallerError, ConfigError, InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.guardrail import DRAFT, GUARDRAIL_VERSION, GuardrailPlan, own_id
from ringwall.model.interaction import Checkpoint
from ringwall.model.plan import PlannedControl
from ringwall.store.guardrails import GuardrailRow, StoredGuardrails

MAX_MADE = 256
"""Guardrails that are kept made."""


class StoredGuards:
    """Implements `Guards` over stored guardrails."""

    def __init__(self, stored: StoredGuardrails, *, deadline_s: Callable[[], float]) -> None:
        """Take what there is.

        Args:
            stored: The guardrails.
            deadline_s: Seconds that all controls of one checkpoint have together.
        """
        self._stored = stored
        self._deadline_s = deadline_s
        self._translator: Translator | None = None
        self._made: OrderedDict[tuple[object, ...], Guard] = OrderedDict()

    def named(self, workload: WorkloadId, identifier: str, version: str) -> Guard:
        """See `Guards`."""
        if not GUARDRAIL_VERSION.fullmatch(version):
            raise CallerError("a version is DRAFT or a number", code="invalid_guardrail", param="guardrailVersion")
        row = self._stored.find(workload, own_id(identifier), version)
        if row is None:
            problem = "the guardrail identifier or version provided in the request does not exist"
            raise CallerError(problem, code="no_guardrail", status=404, param="guardrailIdentifier")
        return self._guard(row, enforced=False)

    def enforced(self, workload: WorkloadId, model: str | None) -> Sequence[Guard]:
        """See `Guards`."""
        found = []
        for each in self._stored.enforced(workload):
            models = json.loads(each.settings).get("modelEnforcement")
            if model is None or _is_for(model, models):
                row = self._stored.find(workload, each.guardrail, each.version)
                if row is None:
                    raise InternalError("an enforced guardrail is not there", code="guardrail_lost")
                found.append(self._guard(row, enforced=True))
        return found

    def checks(self, workload: WorkloadId) -> Guard:
        """See `Guards`."""
        key = ("checks", workload)
        if key not in self._made:
            self._keep(key, self._make(self._translating().everything(workload), enforced=False))
        return self._made[key]

    def check(self, made: Definition, workload: WorkloadId) -> None:
        """Translate a definition and make its controls, to see whether that can be done.

        Raises:
            CallerError: It cannot.
        """
        plan = self._translating().translate(made, id="new", version=DRAFT, workload=workload, digest="")
        try:
            self._make(plan, enforced=False)
        except ConfigError as error:
            raise CallerError(error.problem, code="invalid_guardrail") from error

    def _guard(self, row: GuardrailRow, *, enforced: bool) -> Guard:
        key = (row.workload, row.id, row.version, row.digest, enforced)
        if key in self._made:
            self._made.move_to_end(key)
            return self._made[key]
        try:
            made = read(json.loads(row.definition), Definition)
            plan = self._translating().translate(
                made, id=row.id, version=row.version, workload=row.workload, digest=row.digest
            )
            guard = self._make(plan, enforced=enforced)
        except (CallerError, ConfigError) as error:
            problem = "this guardrail can no longer be enforced as it was written; its administrator must change it"
            raise InternalError(problem, code="guardrail_lost", detail=error.public) from error
        self._keep(key, guard)
        return guard

    def _keep(self, key: tuple[object, ...], guard: Guard) -> None:
        self._made[key] = guard
        if len(self._made) > MAX_MADE:
            self._made.popitem(last=False)

    def _make(self, plan: GuardrailPlan, *, enforced: bool) -> Guard:
        seats = (
            *(_seat(each, plan.name, IN) for each in plan.inbound.controls),
            *(_seat(each, plan.name, OUT) for each in plan.outbound.controls),
        )
        return Guard(plan, seats, Chain(seats, deadline_s=self._deadline_s(), exhaustive=True), enforced)

    def _translating(self) -> Translator:
        if self._translator is None:
            self._translator = Translator(load_catalog(), settings_types())
        return self._translator


def _seat(planned: PlannedControl, under: str, stands: frozenset[Checkpoint]) -> Seat:
    kind: Any = built_controls()[planned.id]
    if set(inspect.signature(kind.__init__).parameters) - {"self", "settings"}:
        raise ConfigError(f'"{planned.id}" needs more than its settings, and no guardrail has that')
    control: Control = kind(planned.settings)
    return Seat(control, planned.mode, under=under, stands=stands)


def _is_for(model: str, models: Mapping[str, Sequence[str]] | None) -> bool:
    """Whether a configuration is for this model; one that says nothing is for all of them."""
    if models is None:
        return True
    included, excluded = models["includedModels"], models["excludedModels"]
    return model not in excluded and ("ALL" in included or model in included)

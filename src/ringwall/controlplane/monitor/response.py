"""What is done about a finding? Contains whom the evidence allows, and says so in the ledger before it takes effect.

* Whom: `Target` decides from the evidence alone; this room can add nobody to it.
* Never unattended: whoever stands in `never_contain` (then nothing of that target is contained), a loopback address
  (everybody on this machine has the same), more than so many responses a minute, old evidence, a detection that is only
  to observe. Each of these is recorded with its reason and left to a person.
* The records that led there stand as the cause of what is recorded; leases end with the containment.
* What was contained for a finding before this process was killed is not contained again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from ipaddress import ip_address

from ringwall.controlplane.api.changes import Author, Changes
from ringwall.controlplane.monitor.target import Target
from ringwall.model.errors import CallerError
from ringwall.model.identity import KEY_ISSUER, THIS_MACHINE
from ringwall.model.interaction import Principal, PrincipalKind
from ringwall.model.plan import MonitorPlan
from ringwall.model.ports import Clock
from ringwall.model.scopes import scope
from ringwall.store.containment import StoredContainment
from ringwall.store.findings import CONTAINED, NONE, SKIPPED, StoredFinding, StoredFindings

ACT_WITHIN_US = 900 * 1_000_000
"""How old the last record of the evidence may be for anybody to be contained because of it, microseconds."""
MINUTE_S = 60.0
NEVER_CONTAINS = frozenset({"control_off", "ledger_broken"})
"""Detections about ourselves: nobody attempted anything."""
OPERATOR = f"{KEY_ISSUER} {THIS_MACHINE}"
"""Whoever tries his own gateway with the token that it printed would be shut out of it by his own tests."""
MONITOR = Author(Principal("ringwall:monitor", "monitor", PrincipalKind.SERVICE, verified=True))
"""In whose name the monitor acts."""


class Responder:
    """Acts on findings."""

    def __init__(
        self,
        *,
        changes: Changes,
        findings: StoredFindings,
        containment: StoredContainment,
        clock: Clock,
        plan: Callable[[], MonitorPlan],
    ) -> None:
        """Take what it acts through.

        Args:
            changes: Contains and ends leases, on record.
            findings: Where it is said what came of a finding.
            containment: What stands already.
            clock: Time.
            plan: What it may do, at any moment.
        """
        self._changes = changes
        self._findings = findings
        self._containment = containment
        self._clock = clock
        self._plan = plan
        self._acted: deque[float] = deque()

    async def respond(self, finding: StoredFinding, target: Target) -> tuple[str, ...]:
        """Contain whom the evidence allows; what was contained.

        Raises:
            InternalError: It could not be recorded or stored. The finding stays pending.
        """
        why = self._why_not(finding, target)
        if why is not None:
            response, words = why
            if response == SKIPPED:
                await self._changes.leave_undone(MONITOR, finding.id, words, finding.evidence)
            self._findings.settle(finding.id, response, words=words, needs_person=target.needs_person or words)
            return ()
        self._acted.append(self._clock.monotonic())
        done: list[str] = []
        failed = ""
        for each in target.scopes:
            kind, _, name = each.partition(":")
            if self._stands(each):
                done.append(each)
                continue
            try:
                await self._changes.contain(
                    MONITOR,
                    kind,
                    name,
                    reason=_reason(finding),
                    lifetime_s=self._plan().containment_minutes * 60,
                    cause=finding.evidence,
                )
            except CallerError as error:  # a name that cannot be contained: the others are
                failed = error.public
                continue
            done.append(each)
        now_us = self._clock.now_us()
        person = target.needs_person or failed
        response = CONTAINED if done else SKIPPED
        self._findings.settle(
            finding.id, response, words=failed, needs_person=person, scopes=done, contained_us=now_us if done else None
        )
        return tuple(done)

    def _stands(self, each: str) -> bool:
        return bool(self._containment.standing((each,)).contained)

    def _why_not(self, finding: StoredFinding, target: Target) -> tuple[str, str] | None:
        """Why nobody is contained, or None."""
        plan = self._plan()
        if finding.detection in NEVER_CONTAINS:
            return NONE, "this is about Ringwall itself; a person has to look"
        if not plan.contain:
            return NONE, "containing without a person is switched off"
        if finding.detection in plan.observe:
            return NONE, "this detection only observes"
        if not target.scopes:
            return SKIPPED, target.needs_person or "the evidence names nobody who could be contained"
        concerned = {*target.scopes, *(scope("principal", each.principal) for each in target.evidence if each.verified)}
        spared = sorted(concerned & set(plan.never_contain))
        if spared:
            return SKIPPED, f"never contained unattended: {spared[0]}"
        if not plan.contain_loopback and any(_is_loopback(each) for each in target.scopes):
            return SKIPPED, "a loopback address is that of everybody on this machine"
        if not plan.contain_loopback and any(each.principal == OPERATOR for each in target.evidence):
            return SKIPPED, "this is the token of whoever started the gateway on this machine"
        if self._clock.now_us() - finding.last_us > ACT_WITHIN_US:
            return SKIPPED, "the evidence is too old to act on without a person"
        now = self._clock.monotonic()
        while self._acted and now - self._acted[0] > MINUTE_S:
            self._acted.popleft()
        if len(self._acted) >= plan.responses_per_minute:
            return SKIPPED, "too many responses within a minute"
        return None


def _reason(finding: StoredFinding) -> str:
    named = ", ".join(finding.evidence[-3:])
    return f"{finding.id} ({finding.detection}): {finding.words}; last records: {named}"


def _is_loopback(each: str) -> bool:
    kind, _, name = each.partition(":")
    return kind == "address" and ip_address(name).is_loopback

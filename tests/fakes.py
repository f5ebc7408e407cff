"""Ports in memory and controls that do what a test says. Nothing here is used outside of tests."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import ClassVar

from ringwall.engine.chain import Chain, Seat
from ringwall.engine.exchange import Exchange
from ringwall.engine.outcomes import Attempt
from ringwall.engine.running import RunningWorkload
from ringwall.model.content import Json, Origin, Part, PartId, Place
from ringwall.model.control import Control, Cost
from ringwall.model.conversation import Answer, Choice, Conversation, Delta, Finish, Role, Turn, Usage
from ringwall.model.errors import InternalError
from ringwall.model.facts import Demand, Destination, Facts, Identity, Source, Standing, Traffic
from ringwall.model.features import Feature
from ringwall.model.framework import ControlId, Phase, UseCase, Workload, WorkloadId
from ringwall.model.interaction import (
    Action,
    Checkpoint,
    Interaction,
    InteractionId,
    Principal,
    PrincipalKind,
    Resource,
    SessionKey,
    Vantage,
)
from ringwall.model.plan import Mode, Route, Target, WorkloadPlan
from ringwall.model.ports import Exhausted, Payload, Receipt, Taken
from ringwall.model.record import Record, leaf_hash
from ringwall.model.session import SessionState
from ringwall.model.tools import Tool
from ringwall.model.upstreams import Invocation, ToolAnswer, ToolInvocation
from ringwall.model.vault import Lease, Unreadable, Why
from ringwall.model.verdict import (
    Allow,
    Allowance,
    Ask,
    Deny,
    DenyKind,
    Edit,
    EditAction,
    Evidence,
    Grant,
    Transform,
    Verdict,
    Whom,
)
from ringwall.model.volumes import Flow

EVERYWHERE = frozenset(Checkpoint)
PERSON = Principal("https://issuer.example", "ada", PrincipalKind.PERSON, verified=True)


@dataclass
class FixedClock:
    """Time that a test owns."""

    us: int = 1_700_000_000_000_000
    seconds: float = 1000.0

    def now_us(self) -> int:
        self.us += 1
        return self.us

    def monotonic(self) -> float:
        return self.seconds


class PlainDigests:
    """HMAC under a key that everybody knows."""

    def digest(self, workload: WorkloadId, content: bytes) -> str:
        return hmac.digest(workload.encode(), content, hashlib.sha256).hex()


@dataclass
class MemoryLedger:
    """Keeps records in a list; `broken` makes every commit fail."""

    records: list[Record] = field(default_factory=list)
    broken: bool = False
    on_commit: Callable[[Sequence[Record]], None] | None = None

    async def commit(self, records: Sequence[Record], *, receipt: bool = True) -> tuple[Receipt, ...]:
        await asyncio.sleep(0)
        if self.broken:
            raise InternalError("the ledger is full", code="ledger_unavailable")
        self.records += records
        if self.on_commit is not None:
            self.on_commit(records)
        if not receipt:
            return ()
        return tuple(Receipt(each.id, leaf_hash(each.encode()), "note", n) for n, each in enumerate(records))


@dataclass
class MemoryPayloads:
    """Keeps content in a list; `broken` makes it fail."""

    kept: list[Payload] = field(default_factory=list)
    broken: bool = False

    async def keep(self, payloads: Sequence[Payload]) -> None:
        await asyncio.sleep(0)
        if self.broken:
            raise InternalError("no room", code="payloads_unavailable")
        self.kept += payloads


class MemoryKeys:
    """Opens `sealed(key):text` for who was granted the key; a text `gone` stays sealed and is reported."""

    async def unseal(
        self,
        value: Json,
        grants: Sequence[Grant],
        *,
        workload: WorkloadId,
        report: Callable[[Unreadable], None] | None = None,
    ) -> Json:
        if not (isinstance(value, str) and value.startswith("sealed(")):
            return value
        key, _, text = value.removeprefix("sealed(").partition("):")
        if key not in {grant.subject for grant in grants}:
            return value
        if text == "gone":
            if report is not None:
                report(Unreadable("", key, 1, Why.SHREDDED))
            return value
        return text


@dataclass
class MemoryLeases:
    """Leases what a test allows, and keeps what was taken and given back."""

    refused: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)
    given_back: list[str] = field(default_factory=list)

    async def take(self, grant: Grant, *, principal: Principal, workload: WorkloadId, session: SessionKey) -> Lease:
        if grant.subject in self.refused:
            raise InternalError("no such credential", code="lease")
        self.taken.append(grant.subject)
        return Lease(f"lease-{len(self.taken)}", "secret", 0, "address", f"context of {principal.subject}")

    async def give_back(self, lease: str) -> None:
        self.given_back.append(lease)

    async def revoke(self, scopes: Sequence[str]) -> int:
        return 0


@dataclass
class MemorySessions:
    """Sessions in a dict, with compare-and-set."""

    states: dict[SessionKey, SessionState] = field(default_factory=dict)
    broken: bool = False

    async def load(self, key: SessionKey) -> SessionState:
        if self.broken:
            raise InternalError("no session store", code="sessions")
        return self.states.get(key, SessionState(key))

    async def commit(self, state: SessionState, expected: int) -> bool:
        if self.states.get(state.key, SessionState(state.key)).version != expected:
            return False
        self.states[state.key] = state
        return True


@dataclass
class MemoryContainment:
    """A set of contained scopes."""

    contained: set[str] = field(default_factory=set)
    age_s: float = 0.0

    def standing(self, scopes: Sequence[str]) -> Standing:
        return Standing(frozenset(self.contained & set(scopes)), self.age_s)


@dataclass
class CountingReservations:
    """Counts what is taken; refuses the buckets that a test names."""

    refused: set[str] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)
    settled: list[Mapping[str, int]] = field(default_factory=list)

    async def take(self, reservations: Sequence[object]) -> Taken | Exhausted:
        for each in reservations:
            if each.bucket in self.refused:  # type: ignore[attr-defined]
                return Exhausted(each, 7.0)  # type: ignore[arg-type]
        self.taken += [each.bucket for each in reservations]  # type: ignore[attr-defined]
        return self

    async def settle(self, used: Mapping[str, int]) -> None:
        self.settled.append(used)


@dataclass
class MemoryVolumes:
    """Counts bytes for ever; `broken` makes everything fail."""

    counted: dict[Flow, int] = field(default_factory=dict)
    broken: bool = False
    earlier: tuple[tuple[float, int], ...] = ()

    def traffic(self, flow: Flow) -> Traffic:
        if self.broken:
            raise InternalError("nobody knows", code="volumes_unread")
        now = ((1.0, self.counted[flow]),) if flow in self.counted else ()
        return Traffic((*self.earlier, *now), 0.0)

    def take(self, flow: Flow, amount: int, allowances: Sequence[Allowance]) -> Allowance | None:
        if self.broken:
            raise InternalError("nobody can count", code="volumes_full")
        for each in allowances:
            if self.counted.get(flow, 0) + amount > each.limit_bytes:
                return each
        self.counted[flow] = self.counted.get(flow, 0) + amount
        return None


@dataclass
class ScriptedUpstream:
    """Answers what a test says, whole or as deltas, and keeps what it was sent."""

    text: str = "fine"
    deltas: tuple[Delta | BaseException, ...] = ()
    answer: Answer | BaseException | None = None
    sent: list[Invocation] = field(default_factory=list)
    closed: int = 0
    before: Callable[[], None] | None = None
    carried: frozenset[Feature] = frozenset(Feature)

    def destination(self, model: str, *, embeds: bool = False) -> Destination:
        return Destination("up", "https", "api.example.com", 443, "/v1/chat/completions", "acme")

    def carries(self, model: str) -> frozenset[Feature]:
        return self.carried

    async def complete(self, invocation: Invocation) -> Answer:
        self.sent.append(invocation)
        if self.before is not None:
            self.before()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer if self.answer is not None else whole(self.text)

    async def stream(self, invocation: Invocation) -> AsyncIterator[Delta]:
        self.sent.append(invocation)
        try:
            for delta in self.deltas:
                if isinstance(delta, BaseException):
                    raise delta
                yield delta
                await asyncio.sleep(0)
        finally:
            self.closed += 1


@dataclass
class ScriptedToolServer:
    """Returns what a test says, and keeps what it was asked."""

    answer: ToolAnswer | BaseException | None = None
    asked: list[ToolInvocation] = field(default_factory=list)
    before: Callable[[], None] | None = None

    def destination(self) -> Destination:
        return Destination("shop", "https", "tools.example.com", 443, "/mcp", "shop")

    async def call(self, invocation: ToolInvocation) -> ToolAnswer:
        self.asked.append(invocation)
        if self.before is not None:
            self.before()
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer if self.answer is not None else returned("row 1: boots")

    async def close(self) -> None:
        """Nothing is open."""


def returned(*texts: str) -> ToolAnswer:
    """What a tool returned: these texts."""
    parts = tuple(Part(PartId(f"result/content/{n}"), Origin.TOOL, text) for n, text in enumerate(texts))
    return ToolAnswer(parts)


def whole(text: str) -> Answer:
    """An answer of one choice with this text."""
    part = Part(PartId("choices/0/content/0"), Origin.MODEL, text)
    return Answer((Choice(0, (part.id,), (), Finish.STOP),), (part,), Usage(3, 5))


@dataclass
class Rule:
    """A control that a test describes: looks for a word and answers in its way; allows everything else."""

    id: ControlId
    word: str = ""
    answer: str = "allow"
    checkpoints: frozenset[Checkpoint] = EVERYWHERE
    cost: Cost = Cost.LOOKUP
    lookback: int | None = 0
    context: int | None = None
    needs: frozenset[type] = frozenset()
    asked: int = 0
    settings_type: ClassVar[type] = object

    async def examine(self, vantage: Vantage) -> Verdict:
        self.asked += 1
        found = [
            Place(part.id, leaf.pointer, start, start + len(self.word), leaf.kind)
            for part in vantage.parts
            for leaf in part.leaves()
            for start in occurrences(leaf.text, self.word)
            if vantage.in_focus(start)
        ]
        if not found:
            return Allow(vantage.everything)
        return await self._answer(vantage, found)

    async def _answer(self, vantage: Vantage, found: list[Place]) -> Verdict:
        everything = vantage.everything
        evidence = tuple(Evidence("word", place, 0.5) for place in found)
        match self.answer:
            case "deny":
                return Deny(everything, "word_found", "do not say that", DenyKind.CONTENT, evidence)
            case "hide":
                return Transform(everything, tuple(Edit(each, EditAction.MASK, "word") for each in found), evidence)
            case "ask":
                return Ask(everything, "sure", "are you sure?", Whom.CONFIRM, 60, evidence)
            case "raise":
                raise ValueError("a bug in a control")
            case "sleep":
                await asyncio.sleep(3600)
            case "nothing":
                return None  # type: ignore[return-value]
            case "uncovered":
                return Allow(everything - {found[0].part})
            case "bad edit":
                place = Place(found[0].part, "/no/such", 0, 1)
                return Transform(everything, (Edit(place, EditAction.MASK, "word"),))
        return Allow(everything, evidence)

    def held(self, tail: str) -> int:
        """The longest end of the text that is a beginning of the word."""
        if not self.word:
            return 0
        return next((n for n in range(len(self.word) - 1, 0, -1) if tail.endswith(self.word[:n])), 0)

    def looks_back(self, tail: str) -> int:
        return self.context or self.lookback or 0

    def needs_whole(self, interaction: Interaction) -> bool:
        return self.lookback is None


def occurrences(text: str, word: str) -> list[int]:
    """Every place at which the word starts, overlapping ones too."""
    return [start for start in range(len(text)) if word and text.startswith(word, start)]


def seat(control: Rule | Control, mode: Mode = Mode.ENFORCE, reason: str = "") -> Seat:
    """A control in a chain."""
    return Seat(control, mode, reason)  # type: ignore[arg-type]


def rule(name: str, word: str = "", answer: str = "allow", **more: object) -> Rule:
    """A control by name."""
    return Rule(ControlId(f"application.{name}"), word, answer, **more)  # type: ignore[arg-type]


def text_part(text: str, name: str = "turns/0/content/0", origin: Origin = Origin.PERSON) -> Part:
    return Part(PartId(name), origin, text)


def interaction(*parts: Part, workload: str = "support", principal: Principal = PERSON) -> Interaction:
    """A request to the model `m`, one user turn for each part."""
    turns = tuple(
        Turn(Role.TOOL, (part.id,), answers=f"call_{number}")
        if part.origin is Origin.TOOL
        else Turn(Role.USER, (part.id,))
        for number, part in enumerate(parts)
    )
    return Interaction(
        InteractionId("req_1"),
        WorkloadId(workload),
        principal,
        Action.INVOKE,
        Resource("model", "m"),
        SessionKey("ses_1"),
        parts,
        Conversation(turns),
    )


def facts() -> Facts:
    """What a door knows about a verified caller on this machine."""
    here = ip_address("127.0.0.1")
    return Facts((Identity(True, credential="api_key", key="k1"), Source(here, here, False), Demand(1, 1)))


def vantage(*parts: Part, checkpoint: Checkpoint = Checkpoint.INBOUND) -> Vantage:
    return Vantage(checkpoint, interaction(*parts), parts, facts())


def attempt(*parts: Part) -> Attempt:
    """A request as a door hands it over; tool parts answer the calls `call_<n>`."""
    made = interaction(*parts)
    results = tuple((part.id, f"call_{number}") for number, part in enumerate(parts) if part.origin is Origin.TOOL)
    return Attempt(made, facts(), results)


def workload_plan() -> WorkloadPlan:
    workload = Workload(WorkloadId("support"), "ada", UseCase.ANSWERS, Phase.FOUNDATIONAL)
    return WorkloadPlan(workload, (), (), (Route("m", (Target("up", "m-upstream"),)),))


@dataclass
class Road:
    """Everything that a test of the road needs, in memory."""

    chain: Chain
    upstream: ScriptedUpstream = field(default_factory=ScriptedUpstream)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    sessions: MemorySessions = field(default_factory=MemorySessions)
    containment: MemoryContainment = field(default_factory=MemoryContainment)
    reservations: CountingReservations = field(default_factory=CountingReservations)
    payloads: MemoryPayloads = field(default_factory=MemoryPayloads)
    payload_days: int = 0
    leases: MemoryLeases = field(default_factory=MemoryLeases)
    volumes: MemoryVolumes = field(default_factory=MemoryVolumes)
    tools: tuple[Tool, ...] = ()
    tool_servers: dict[str, ScriptedToolServer] = field(default_factory=dict)

    @property
    def exchange(self) -> Exchange:
        return Exchange(
            ledger=self.ledger,
            sessions=self.sessions,
            containment=self.containment,
            reservations=self.reservations,
            digests=PlainDigests(),
            payloads=self.payloads,
            keys=MemoryKeys(),
            leases=self.leases,
            volumes=self.volumes,
            clock=FixedClock(),
        )

    @property
    def running(self) -> RunningWorkload:
        plan = replace(workload_plan(), payload_days=self.payload_days, tools=self.tools)
        return RunningWorkload(plan, "sha256:0", self.chain, {"up": self.upstream}, 65_536, self.tool_servers)

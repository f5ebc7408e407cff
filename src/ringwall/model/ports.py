"""What does a room need from elsewhere? Ports: protocols that arrive in a constructor.

A port is written when its first user is; each says what a caller may rely on and which failure refuses. `compose.py`
is the one place that names who implements them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ringwall.model.content import Json, Part
from ringwall.model.facts import Identity, Standing
from ringwall.model.framework import WorkloadId
from ringwall.model.identity import ApiKeyRow
from ringwall.model.interaction import Principal, SessionKey
from ringwall.model.record import Record, RecordId
from ringwall.model.session import SessionState
from ringwall.model.tools import Tool
from ringwall.model.vault import Lease, Unreadable
from ringwall.model.verdict import Grant, Reservation


class Clock(Protocol):
    """Time, as a port so that tests own it."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01 UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run back."""
        ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a record is in the ledger, signed.

    Attributes:
        record: The record's id.
        leaf: Its leaf hash (RFC 9162).
        checkpoint: The signed checkpoint that covers it: a note of origin, size and head with an Ed25519 signature.
        position: Its position in the segment, from 0.
        path: Inclusion proof (RFC 9162) from the leaf to the root of its batch, which the checkpoint signs.
    """

    record: RecordId
    leaf: bytes
    checkpoint: str
    position: int
    path: tuple[bytes, ...] = ()


class Signer(Protocol):
    """Signs the ledger's checkpoints with Ed25519. The private key stays behind this port."""

    @property
    def name(self) -> str:
        """The key's name in a signed note: not empty, no blanks, no `+`."""
        ...

    @property
    def public_key(self) -> bytes:
        """The 32 raw bytes of the public key."""
        ...

    def sign(self, data: bytes) -> bytes:
        """The 64 bytes of the signature. Called from the ledger's writer thread."""
        ...


class Ledger(Protocol):
    """The append-only ledger."""

    async def commit(self, records: Sequence[Record], *, receipt: bool = True) -> tuple[Receipt, ...]:
        """Make records durable, all or none, in this order. Returns when they would survive a kill.

        Args:
            records: What one barrier of law 7 writes together.
            receipt: Whether to sign: False for what no caller will hold, such as the barrier before bytes go upstream.

        Returns:
            A receipt for each record, or nothing when none was asked for.

        Raises:
            InternalError: They could not be made durable (a full disk, a lost device). Nothing may take effect.
        """
        ...


@dataclass(frozen=True, slots=True)
class Payload:
    """The content of one record, to be kept sealed.

    Attributes:
        record: The record's id.
        workload: Whose key seals it.
        parts: The content.
        days: How long it is kept, in days.
    """

    record: RecordId
    workload: WorkloadId
    parts: tuple[Part, ...]
    days: int


class Payloads(Protocol):
    """Keeps the content of records apart from the ledger, sealed, for as long as the plan says."""

    async def keep(self, payloads: Sequence[Payload]) -> None:
        """Make them durable. Returns when they would survive a kill.

        Raises:
            InternalError: They could not be. Nothing may take effect.
        """
        ...


class Sealer(Protocol):
    """Encrypts and authenticates under a key of a purpose. The keys stay behind this port."""

    def seal(self, purpose: str, content: bytes, context: bytes) -> bytes:
        """The content, sealed for this purpose and context."""
        ...

    def unseal(self, purpose: str, sealed: bytes, context: bytes) -> bytes:
        """What was sealed.

        Raises:
            InternalError: Not sealed for this purpose and context, or changed since.
        """
        ...


class Directory(Protocol):
    """Who is it that presents this credential? Checks it, and never raises for a bad one."""

    async def identify(self, credential: str | None) -> tuple[Principal, Identity]:
        """The principal and what checking came to.

        Args:
            credential: What followed `Bearer `, or None when nothing was presented.
        """
        ...


class ApiKeys(Protocol):
    """The API keys of the organisation."""

    def find(self, key_id: str) -> ApiKeyRow | None:
        """The key of this id, revoked and expired ones too; None when there is none. Never blocks.

        Raises:
            InternalError: The keys cannot be read. The request is refused.
        """
        ...

    def find_access_key(self, access_key_id: str) -> ApiKeyRow | None:
        """The key with this AWS access key id, revoked and expired ones too; None when there is none. Never blocks.

        Raises:
            InternalError: The keys cannot be read. The request is refused.
        """
        ...

    def secret_access_key(self, row: ApiKeyRow) -> str:
        """The secret of a key's AWS access key, unsealed for one check. Never blocks.

        Raises:
            InternalError: It cannot be unsealed. The request is refused.
        """
        ...


class KeySets(Protocol):
    """Public keys of token issuers (JWKS), cached and refreshed."""

    async def key(self, issuer: str, kid: str, algorithm: str) -> object | None:
        """The public key of this id for this algorithm, or None when the issuer has none.

        Raises:
            InternalError: The issuer's keys could not be fetched and no fresh copy is held.
        """
        ...


class Outbound(Protocol):
    """The one way in which Ringwall opens a socket to fetch a document (upstream calls have their own pooled client
    behind the same rules): DNS pinned at connect, no redirects, private addresses only by explicit entry.
    """

    async def fetch(self, url: str, *, limit_bytes: int, timeout_s: float) -> bytes:
        """The body of a GET.

        Raises:
            InternalError: Not allowed, unreachable, too large, late, or not status 200.
        """
        ...


class Sessions(Protocol):
    """What tasks remember."""

    async def load(self, key: SessionKey) -> SessionState:
        """The state, version 0 when nothing is stored.

        Raises:
            InternalError: The store cannot be read. Facts that depend on it are missing, and that is Deny.
        """
        ...

    async def commit(self, state: SessionState, expected: int) -> bool:
        """Store the state if the stored version is still `expected`; False when another was faster."""
        ...


class Containment(Protocol):
    """Who and what is contained at this moment."""

    def standing(self, scopes: Sequence[str]) -> Standing:
        """Which of these scopes are contained, and how old our view is. Never blocks, never raises."""
        ...


class Taken(Protocol):
    """Reservations that were taken together."""

    async def settle(self, used: Mapping[str, int]) -> None:
        """Replace reserved amounts by what was used, by unit; what is not named stays as reserved."""
        ...


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A bucket did not hold enough; nothing was taken from any.

    Attributes:
        reservation: The first that failed.
        retry_after_s: Seconds until it would hold enough; infinite when it never will.
    """

    reservation: Reservation
    retry_after_s: float


class Reservations(Protocol):
    """Token buckets, shared by all who name the same bucket."""

    async def take(self, reservations: Sequence[Reservation]) -> Taken | Exhausted:
        """Take all or none, atomically.

        Raises:
            InternalError: The counters cannot be reached. Nothing was taken; the exchange refuses.
        """
        ...


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """What a policy engine says.

    Attributes:
        allowed: The engine's decision. Meaningless when there are errors.
        errors: Its diagnostics. Any error is Deny: Cedar itself skips a `forbid` that errors.
        reasons: Ids of the policies that determined the decision.
    """

    allowed: bool
    errors: tuple[str, ...]
    reasons: tuple[str, ...]


class Policy(Protocol):
    """Decides, and does nothing else: policies in Cedar, sliced by action."""

    async def decide(
        self, principal: Principal, action: str, resource: tuple[str, str], context: Mapping[str, object], workload: str
    ) -> PolicyAnswer:
        """One authorisation.

        Args:
            principal: Who asks; roles become Cedar parents.
            action: A Cedar action id, such as `invoke_model`.
            resource: Cedar entity type and id.
            context: Plain values; absent stays absent.
            workload: The workload whose policies apply besides the organisation's.
        """
        ...

    async def decide_call(
        self,
        principal: Principal,
        tool: Tool,
        arguments: Mapping[str, Json],
        stage: str,
        asker: Mapping[str, object],
        workload: str,
    ) -> PolicyAnswer:
        """One authorisation of a tool call.

        Args:
            principal: Who asks.
            tool: The tool, as the plan has it.
            arguments: What it is called with, validated against the tool's schema.
            stage: `proposed` by a model, or `called`.
            asker: What is known about who asks; absent stays absent.
            workload: The workload whose policies apply besides the organisation's.
        """
        ...


class Keys(Protocol):
    """Opens sealed values, after the last decision and for nobody whom it did not grant."""

    async def unseal(
        self,
        value: Json,
        grants: Sequence[Grant],
        *,
        workload: WorkloadId,
        report: Callable[[Unreadable], None] | None = None,
    ) -> Json:
        """The value, in which each string that is one sealed value, and nothing else, was opened if its key is granted.

        Whatever cannot be opened stays sealed: another workload's, a shredded or unknown version, one that stands in
        another column or row than it was sealed for. Never raises for a value.

        Args:
            value: What a tool answered.
            grants: Those of the decision; other kinds than `unseal` are passed over.
            workload: Only keys of this workload are used.
            report: Told of each granted value that stayed sealed; without it they are logged.
        """
        ...


class Leases(Protocol):
    """Credentials that live minutes, each for one principal and one call."""

    async def take(self, grant: Grant, *, principal: Principal, workload: WorkloadId, session: SessionKey) -> Lease:
        """Lease what the grant names. It is on record before it exists.

        Raises:
            InternalError: No such credential for this workload, or it cannot be had at this moment. The call is not
                made.
        """
        ...

    async def give_back(self, lease: str) -> None:
        """End a lease after its call. Ending one that has ended changes nothing.

        Raises:
            InternalError: It could not be ended now; it dies with its expiry, and is tried again until then.
        """
        ...

    async def revoke(self, scopes: Sequence[str]) -> int:
        """End every lease that one of these scopes concerns, at once; how many.

        Raises:
            InternalError: Some could not be ended. They are tried again.
        """
        ...


class Digests(Protocol):
    """Keyed digests, one key for each workload (law 6)."""

    def digest(self, workload: WorkloadId, content: bytes) -> str:
        """HMAC-SHA-256 under the workload's key, hexadecimal."""
        ...


class Compute(Protocol):
    """Runs pure tasks in worker processes that can be killed: solvers, parsers, models, foreign C code."""

    async def run(self, task: str, payload: bytes, *, tenant: str, deadline_s: float) -> bytes:
        """The answer of a task.

        Args:
            task: Its name; what is not registered cannot be run.
            payload: Its input.
            tenant: Whose quota it uses: one tenant's tasks never keep another's waiting for ever.
            deadline_s: Seconds after which the worker is killed.

        Raises:
            InternalError: Late, out of memory, over quota, crashed, or unknown. A control lets it pass: Deny.
        """
        ...

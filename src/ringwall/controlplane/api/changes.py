"""How does a person or program change something? Recorded first, durable, then done, then recorded as done.

* Every change of keys, containments and users goes through here, whether the API or a command asks for it.
* The first record (outcome `proceeds`) is durable before anything changes; if it cannot be written, nothing happens.
  The second names the first as its cause and says `done` or `failed`. A first one without a second reads: the process
  died in between, and the change may or may not have happened.
* A key, a code or a password never stands in a record. Names are made inert.
* Disabling a user contains the tokens that are still out there, for as long as one can live.
* Whoever is contained loses his leases at once. A lease that this process cannot reach is ended by the gateway's next
  look; one that could not be ended is tried again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ringwall.model.errors import CallerError, InternalError, RingwallError
from ringwall.model.interaction import Principal, PrincipalKind
from ringwall.model.ports import Clock, Leases, Ledger
from ringwall.model.record import Outcome, Record, RecordId, RecordKind, inert, new_record_id
from ringwall.store.api_keys import ApiKey, StoredApiKeys
from ringwall.store.containment import Contained, StoredContainment
from ringwall.store.users import User, Users

T = TypeVar("T")
_LOG = logging.getLogger("ringwall")

ENROL = "enrol"
"""What an invitation's code is for."""
TOKEN_S = 3600
"""How long a token of the embedded issuer lives."""
LEEWAY_S = 60
"""How much longer than a token's life its person stays contained after being disabled."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, and from where.

    Attributes:
        principal: Who.
        source: The address, or empty on this machine.
    """

    principal: Principal
    source: str = ""

    @property
    def name(self) -> str:
        """As it stands beside what was changed."""
        return self.principal.name


@dataclass(frozen=True, slots=True)
class Invitation:
    """A user and the one-time code with which this person enrols.

    Attributes:
        user: Who.
        code: The code; it is stored nowhere.
        expires_us: When it dies.
    """

    user: User
    code: str
    expires_us: int


def operator(name: str) -> Author:
    """Whoever runs a command on this machine, by the name of the account."""
    return Author(Principal("ringwall:local", name, PrincipalKind.PERSON, verified=True))


PROCESS = Principal("ringwall:process", "this-process", PrincipalKind.SERVICE, verified=True)
"""The process itself, and whoever holds its token."""


@dataclass(frozen=True, slots=True)
class _Deed:
    """One change, as it is recorded."""

    action: str
    kind: str
    name: str
    what: Mapping[str, object]
    cause: tuple[str, ...] = ()


class Changes:
    """All that administration changes."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        api_keys: StoredApiKeys,
        containment: StoredContainment,
        users: Users,
        leases: Leases,
        clock: Clock,
        plan: Callable[[], str],
        issuers: Callable[[], Sequence[str]],
    ) -> None:
        """Take what it changes.

        Args:
            ledger: Where it is recorded.
            api_keys: The keys.
            containment: What is contained.
            users: The people of the embedded issuer.
            leases: Credentials that live at this moment.
            clock: Time.
            plan: Digest of the plan in force.
            issuers: The names under which the embedded issuer signed tokens that may still live.
        """
        self._ledger = ledger
        self._api_keys = api_keys
        self._containment = containment
        self._users = users
        self._leases = leases
        self._clock = clock
        self._plan = plan
        self._issuers = issuers

    async def create_key(
        self,
        by: Author,
        name: str,
        *,
        workloads: Sequence[str],
        subject: str = "",
        kind: PrincipalKind = PrincipalKind.SERVICE,
        roles: Sequence[str] = (),
        lifetime_s: int | None,
        aws: bool = False,
    ) -> tuple[str, ApiKey]:
        """Make an API key, with an AWS access key where one is asked for.

        Raises:
            CallerError: A name, workload or role that cannot be.
            InternalError: It could not be recorded or stored.
        """
        what = {
            "aws": aws,
            "kind": kind,
            "lifetime_s": lifetime_s,
            "roles": _inert(roles),
            "subject": inert(subject or name),
            "workloads": _inert(workloads),
        }

        def make() -> tuple[str, ApiKey]:
            return self._api_keys.create(
                name,
                subject=subject or name,
                workloads=workloads,
                created_by=by.name,
                kind=kind,
                roles=roles,
                lifetime_s=lifetime_s,
                aws=aws,
            )

        return await self._change(by, _Deed("key.create", "key", name, what), make, lambda made: made[1].row.id)

    async def revoke_key(self, by: Author, key: str) -> None:
        """Take an API key back for good.

        Raises:
            CallerError: There is no such key, or it was revoked before.
        """

        def revoke() -> None:
            if not self._api_keys.revoke(key, by=by.name):
                raise _missing("key", "there is no such key, or it was revoked before")

        await self._change(by, _Deed("key.revoke", "key", key, {}), revoke)

    async def contain(
        self, by: Author, kind: str, name: str, *, reason: str, lifetime_s: int | None, cause: Sequence[str] = ()
    ) -> Contained:
        """Contain something.

        Args:
            by: Who decides it.
            kind: A kind of scope.
            name: Its name.
            reason: Why; people will ask.
            lifetime_s: For how long; None for until it is lifted.
            cause: The records that led there.

        Raises:
            CallerError: No such kind, no name, or no reason.
        """
        what = {"kind": inert(kind), "lifetime_s": lifetime_s, "reason": inert(reason)}

        def add() -> Contained:
            return self._containment.add(kind, name, reason=reason, by=by.name, lifetime_s=lifetime_s)

        deed = _Deed("containment.add", "containment", name, what, tuple(cause))
        made = await self._change(by, deed, add, lambda made: made.id)
        await self._end_leases(by, [made.scope])
        return made

    async def lift(self, by: Author, identifier: str, *, reason: str) -> None:
        """End a containment.

        Raises:
            CallerError: There is none of this id, it was lifted before, or no reason was given.
        """

        def lift() -> None:
            if not self._containment.lift(identifier, reason=reason, by=by.name):
                raise _missing("containment", "there is no such containment, or it was lifted before")

        await self._change(by, _Deed("containment.lift", "containment", identifier, {"reason": inert(reason)}), lift)

    async def invite(
        self, by: Author, username: str, *, groups: Sequence[str] = (), lifetime_s: int, renew: bool = False
    ) -> Invitation:
        """Make a one-time code with which a person enrols.

        Args:
            by: Who asks.
            username: For whom.
            groups: The person's groups; with `renew` they stay as they are.
            lifetime_s: How long the code works.
            renew: For a person who is known already and lost password or second factor.

        Raises:
            CallerError: A name that cannot be, is taken, or (with `renew`) is unknown.
        """
        what = {"groups": _inert(groups), "lifetime_s": lifetime_s, "renew": renew}

        def make() -> Invitation:
            user = self._known(username) if renew else self._users.create(username, groups=groups)
            code = self._users.new_code(user.subject, ENROL, lifetime_s=lifetime_s)
            return Invitation(user, code, self._clock.now_us() + lifetime_s * 1_000_000)

        return await self._change(
            by, _Deed("user.invite", "user", username, what), make, lambda made: made.user.subject
        )

    async def disable(self, by: Author, username: str) -> User:
        """Let nobody log in as this user any more, and refuse the tokens that are still out there.

        Raises:
            CallerError: There is no such user.
        """
        scopes: list[str] = []

        def disable() -> User:
            user = self._known(username)
            self._users.disable(user.subject)
            for issuer in self._issuers():
                made = self._containment.add(
                    "principal",
                    f"{issuer} {user.subject}",
                    reason=f'user "{user.username}" was disabled',
                    by=by.name,
                    lifetime_s=TOKEN_S + LEEWAY_S,
                )
                scopes.append(made.scope)
            return user

        deed = _Deed("user.disable", "user", username, {})
        user = await self._change(by, deed, disable, lambda user: user.subject)
        await self._end_leases(by, scopes)
        return user

    async def carry_out(
        self,
        by: Author,
        action: str,
        name: str,
        what: Mapping[str, object],
        effect: Callable[[], T],
        names: Callable[[T], str] = lambda _: "",
    ) -> T:
        """Change something of the vault.

        Args:
            by: Who asks.
            action: What is done: `column_key.rotate`.
            name: To which key or lease.
            what: What else the record tells; no content, no secret.
            effect: Does it.
            names: Names what was made.

        Raises:
            InternalError: It could not be recorded. It was not done.
        """
        return await self._change(by, _Deed(action, action.partition(".")[0], name, what), effect, names)

    async def leave_undone(self, by: Author, finding: str, why: str, cause: Sequence[str]) -> None:
        """Record that a response to a finding was left to a person, and why.

        Raises:
            InternalError: It could not be recorded.
        """
        deed = _Deed("containment.skip", "finding", finding, {"why": inert(why)}, tuple(cause))
        await self._ledger.commit((self._record(by, deed, Outcome.DONE),))

    async def note(self, by: Author, action: str, kind: str, name: str) -> None:
        """Record what is about to be done elsewhere, durably.

        Raises:
            InternalError: It could not be recorded. It must not be done.
        """
        await self._ledger.commit((self._record(by, _Deed(action, kind, name, {}), Outcome.PROCEEDS),), receipt=False)

    async def _end_leases(self, by: Author, scopes: Sequence[str]) -> None:
        """End the leases of whoever was contained, and say how many there were."""
        try:
            count = await self._leases.revoke(scopes)
        except InternalError as error:
            _LOG.warning("code=<%s> | leases could not be ended yet: %s", error.code, error.detail)
            return
        if count:
            deed = _Deed("lease.revoke", "containment", ", ".join(scopes), {"leases": count})
            await self._ledger.commit((self._record(by, deed, Outcome.DONE),))

    def _known(self, username: str) -> User:
        user = self._users.get(username)
        if user is None:
            raise _missing("username", "there is no such user")
        return user

    async def _change(
        self, by: Author, deed: _Deed, effect: Callable[[], T], names: Callable[[T], str] = lambda _: ""
    ) -> T:
        """Record, do, record.

        1. The intent is durable before anything changes.
        2. The effect, off the event loop: it waits for the database.
        3. What came of it, naming what was made.
        """
        intent = self._record(by, deed, Outcome.PROCEEDS)  # 1
        await self._ledger.commit((intent,), receipt=False)
        try:
            done = await asyncio.to_thread(effect)  # 2
        except RingwallError as error:
            failed = self._record(by, deed, Outcome.FAILED, {"code": inert(error.code)}, (intent.id,))
            await self._ledger.commit((failed,))
            raise
        made = names(done)
        last = self._record(by, deed, Outcome.DONE, {"made": inert(made)} if made else {}, (intent.id,))  # 3
        await self._ledger.commit((last,))  # signed, so that a checkpoint covers it
        return done

    def _record(
        self,
        by: Author,
        deed: _Deed,
        outcome: Outcome,
        more: Mapping[str, object] | None = None,
        cause: tuple[RecordId, ...] = (),
    ) -> Record:
        principal = by.principal
        return Record(
            id=new_record_id(),
            kind=RecordKind.ADMINISTRATION,
            time_us=self._clock.now_us(),
            outcome=outcome,
            plan=self._plan(),
            principal={
                "chain": [],
                "issuer": inert(principal.issuer),
                "kind": principal.kind,
                "methods": sorted(map(inert, principal.methods)),
                "subject": inert(principal.subject),
                "verified": principal.verified,
            },
            action=deed.action,
            resource={"kind": deed.kind, "name": inert(deed.name)},
            decision={**deed.what, **(more or {})},
            cause=cause or deed.cause,
            source=by.source,
        )


def _inert(names: Sequence[str]) -> list[str]:
    return sorted(map(inert, names))


def _missing(param: str, words: str) -> CallerError:
    return CallerError(words, code=f"unknown_{param}", status=404, param=param)

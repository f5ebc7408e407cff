"""What is an operation of the API, and what has it at hand? Its row in the table, its call, and the office.

* The table (`operations`) is the one description: requests are matched against it, and the OpenAPI document and the
  reference page are made from it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from ringwall.controlplane.api.changes import Author, Changes
from ringwall.model.plan import Plan
from ringwall.model.ports import Signer
from ringwall.store.api_keys import StoredApiKeys
from ringwall.store.containment import StoredContainment
from ringwall.store.findings import StoredFindings
from ringwall.store.ledger.writer import SegmentLedger
from ringwall.store.users import Users

WALKS = 2
"""Walks over the ledger at a time."""


@dataclass(frozen=True, slots=True)
class Office:
    """What operations read and change.

    Attributes:
        changes: Everything that changes something.
        api_keys: The keys, to read.
        containment: What is contained, to read.
        findings: What the monitor found, to read.
        users: The people of the embedded issuer, to read.
        ledger: This process's ledger.
        ledger_folder: Where the ledger stands.
        signer: Who signs its checkpoints.
        plan: The plan in force.
        serving: False once the process is ending.
        enrol_url: Where people enrol; empty without the embedded issuer.
        walks: Lets few walk over the ledger at a time.
    """

    changes: Changes
    api_keys: StoredApiKeys
    containment: StoredContainment
    findings: StoredFindings
    users: Users
    ledger: SegmentLedger
    ledger_folder: Path
    signer: Signer
    plan: Callable[[], Plan]
    serving: Callable[[], bool]
    enrol_url: str
    walks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WALKS))


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and checked.

    Attributes:
        by: Who calls.
        path: The path's parameters.
        query: The query's parameters.
        body: The request's body, of the operation's type.
    """

    by: Author
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: msgspec.Struct | None = None


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a path or a query.

    Attributes:
        name: Its name.
        meaning: One sentence.
        pattern: The whole of what it may be.
        example: One that fits.
    """

    name: str
    meaning: str
    pattern: re.Pattern[str]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """A row of the table.

    Attributes:
        method: The HTTP method.
        path: The path below `/api/v1`, with parameters in braces.
        name: Its unique name.
        summary: One sentence.
        handle: Does it.
        answers: The shape of its answer.
        reads: The shape of its body, or None.
        status: The status of its answer.
        params: The parameters in its path.
        query: The parameters of its query; all are required.
        changes: Whether it changes something.
        errors: Statuses of its own problems, besides those that every operation may answer with.
    """

    method: str
    path: str
    name: str
    summary: str
    handle: Callable[[Office, Call], Awaitable[msgspec.Struct]]
    answers: type[msgspec.Struct]
    reads: type[msgspec.Struct] | None = None
    status: int = 200
    params: tuple[Param, ...] = ()
    query: tuple[Param, ...] = ()
    changes: bool = False
    errors: tuple[int, ...] = ()

    def match(self, path: str) -> Mapping[str, str] | None:
        """The parameters in this path, or None when it is not this operation's."""
        wanted, given = self.path.split("/"), path.split("/")
        if len(wanted) != len(given):
            return None
        kinds = {f"{{{param.name}}}": param for param in self.params}
        found: dict[str, str] = {}
        for step, text in zip(wanted, given, strict=True):
            param = kinds.get(step)
            if param is None and step != text:
                return None
            if param is not None:
                if param.pattern.fullmatch(text) is None:
                    return None
                found[param.name] = text
        return found

"""What is known at a checkpoint besides the content? Typed facts, loaded by the exchange before any control is asked.

* A control declares the fact types that it needs (`Control.needs`). One that is due and could not be loaded is Deny.
* A fact is a frozen value. Controls never fetch anything themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import TypeVar

from ringwall.model.content import PartId

F = TypeVar("F", bound="Fact")


class Fact:
    """The mark of a fact type."""

    __slots__ = ()


class MissingFactError(LookupError):
    """A fact that a control asked for was not loaded. The chain turns it into Deny."""


class Facts:
    """An immutable set of facts, one of each type."""

    __slots__ = ("_by_type",)

    def __init__(self, facts: Iterable[Fact] = ()) -> None:
        self._by_type: dict[type[Fact], Fact] = {type(fact): fact for fact in facts}

    def __getitem__(self, kind: type[F]) -> F:
        """The fact of this type.

        Raises:
            MissingFactError: It was not loaded.
        """
        fact = self._by_type.get(kind)
        if fact is None:
            raise MissingFactError(f'fact "{kind.__name__}" was not loaded')
        return fact  # type: ignore[return-value]  # keyed by its own type

    def __contains__(self, kind: type[Fact]) -> bool:
        return kind in self._by_type

    def with_(self, *facts: Fact) -> Facts:
        """These facts and the given ones; a given one replaces one of its type."""
        return Facts((*self._by_type.values(), *facts))


@dataclass(frozen=True, slots=True)
class Identity(Fact):
    """What checking the caller's credential came to, before any control was asked.

    Attributes:
        verified: True when a credential was presented and every check of it passed.
        problem: Machine code of the first check that failed: `missing`, `malformed`, `unknown_key`, `expired` ...
        methods: Authentication methods (`amr`) that the credential vouches for.
        context: The authentication context class (`acr`), or None.
        credential: `api_key`, `access_token`, `process_token` or `none`.
        key: The id of the credential, for containment and rate limits; never the secret.
        workloads: Workloads for which the credential may be used; None for any that policy allows.
        session: The session that a verified token names (`sid`), or None.
        age_s: Seconds since the credential was issued, or None where that is unknown (API keys).
    """

    verified: bool
    problem: str | None = None
    methods: frozenset[str] = frozenset()
    context: str | None = None
    credential: str = "none"
    key: str | None = None
    workloads: frozenset[str] | None = None
    session: str | None = None
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Source(Fact):
    """Where the request came from.

    Attributes:
        address: The caller's address after named proxies were counted off from the right.
        peer: The address at the other end of the socket.
        encrypted: True when the last hop to us was TLS.
        proxied: How many named proxies stood between.
    """

    address: IPv4Address | IPv6Address
    peer: IPv4Address | IPv6Address
    encrypted: bool
    proxied: int = 0


@dataclass(frozen=True, slots=True)
class Destination(Fact):
    """Where bytes are about to go.

    Attributes:
        upstream: The configured name of the upstream.
        scheme: `https`, `http`, or `builtin` for a model inside this process.
        host: Host name in lower case, without a final dot; empty for `builtin`.
        port: TCP port; 0 for `builtin`.
        path: The path that will be asked for.
        account: The upstream account whose credential will be used, as configured; empty for `builtin`.
        region: Where the upstream says that it works, as configured; empty for unknown.
        model: The upstream's name of the model; empty for anything but a model.
    """

    upstream: str
    scheme: str
    host: str
    port: int
    path: str
    account: str
    region: str = ""
    model: str = ""


TRAFFIC_KEPT_S = 86_400
"""Seconds for which it is remembered how much left for a destination."""
TRAFFIC_SLOT_S = 60
"""Seconds that are counted together."""


@dataclass(frozen=True, slots=True)
class Traffic(Fact):
    """How much has left for this destination, by this principal in this workload; all processes together.

    Attributes:
        slots: When each slot with traffic began, in seconds before now, and how many bytes left in it; oldest first.
        age_s: How old our view of other processes is, in seconds.
    """

    slots: tuple[tuple[float, int], ...]
    age_s: float

    def within(self, window_s: float) -> int:
        """Bytes that left within so many seconds; a slot that began earlier and reaches into them counts whole."""
        return sum(size for began_s, size in self.slots if began_s < window_s + TRAFFIC_SLOT_S)

    def usual(self, window_s: float) -> tuple[int, int]:
        """The mean of earlier windows of this length in which anything left, and how many there were."""
        windows: dict[int, int] = {}
        for began_s, size in self.slots:
            number = int((began_s - TRAFFIC_SLOT_S) // window_s)
            if number >= 1:
                windows[number] = windows.get(number, 0) + size
        return (sum(windows.values()) // len(windows) if windows else 0), len(windows)


@dataclass(frozen=True, slots=True)
class Demand(Fact):
    """How much the request asks for.

    Attributes:
        input_tokens: A conservative estimate: one token for every four bytes of UTF-8, rounded up.
        output_tokens: The most that it may draw: choices x max_tokens (or the workload's default).
    """

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Standing(Fact):
    """What is contained, as far as it concerns this interaction.

    Attributes:
        contained: Scopes that are contained and match: `principal:...`, `workload:...`, `model:...` ...
        age_s: How old our view of revocations is, in seconds.
    """

    contained: frozenset[str]
    age_s: float


@dataclass(frozen=True, slots=True)
class Task(Fact):
    """What the session knows: which tool calls were proposed here, and how its content is labelled.

    Attributes:
        proposed: Handles of tool calls that an answer of this session proposed.
        unknown_results: Parts that answer a call which was never proposed here: the worst case.
    """

    proposed: frozenset[str]
    unknown_results: frozenset[str]


@dataclass(frozen=True, slots=True)
class RequestHead(Fact):
    """The head of the HTTP request in which an interaction came, as it was received.

    Attributes:
        method: The method, upper case.
        path: The path, percent-decoded, without the query.
        query: What followed the first `?`, undecoded; empty for none.
        headers: Names in lower case and values, in the order in which they came. Credentials are left out.
        body_bytes: How many bytes the body has.
    """

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body_bytes: int


@dataclass(frozen=True, slots=True)
class Delivered(Fact):
    """What of a request is known to have come from a tool: our own door delivered it, in this session.

    Attributes:
        tools: Parts whose content is, byte for byte, what a tool answered through our door, to the tool's name. A tool
            result that a caller made up is not among them.
    """

    tools: Mapping[PartId, str]


@dataclass(frozen=True, slots=True)
class Proposed(Fact):
    """Which tool calls an answer proposes; at RESPONSE only.

    Attributes:
        calls: The parts that hold the arguments of a proposed call, to the name of the tool.
    """

    calls: Mapping[PartId, str]

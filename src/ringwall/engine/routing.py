"""Where may a judged request go, and where next when that fails? The targets of its model, in order.

* Nothing of a request is left out without a word: a target that lacks a place for something is not asked.
* What can go nowhere is refused before a byte of it leaves, and the refusal says what to do.
* The draw by weight comes from the name of the request: nobody's requests move anybody else's.
* Another target is asked where the provider failed. It is not where the provider read the request and refused it, and
  not where it answered something that cannot be judged: nobody gets a second answer to choose from.
* The same target is asked again only where nothing was done: not reached, or turned away.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ringwall.engine.health import Health, Key
from ringwall.engine.running import RunningWorkload
from ringwall.model.decision import Cause
from ringwall.model.errors import RingwallError, UpstreamError
from ringwall.model.features import Feature
from ringwall.model.plan import Order, Route, Target
from ringwall.model.record import inert
from ringwall.model.upstreams import Upstream

MAX_TRIES = 12
"""Tries of one request, all targets together."""
BACKOFF_S = 0.25
"""Seconds before the same target is asked again, where it does not say how long; twice as long each time."""
GOES_ON = frozenset(
    {"upstream_unreachable", "upstream_late", "upstream_limit", "upstream_failed", "upstream_credential"}
)
"""Failures after which another target is asked: the provider gave no answer."""


@dataclass(frozen=True, slots=True)
class NoWay:
    """It can go nowhere.

    Attributes:
        cause: Why, and what to do.
        body: What the record says besides.
    """

    cause: Cause
    body: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Way:
    """A target that has a place for everything.

    Attributes:
        target: Where.
        upstream: Who answers there.
        key: What its health is counted under.
    """

    target: Target
    upstream: Upstream
    key: Key


def no_such_model(model: str) -> NoWay:
    """The workload has none of this name."""
    remedy = f'there is no model "{inert(model)}" for this workload; GET /v1/models lists those that there are'
    return NoWay(Cause(None, "model_not_found", remedy))


def ways(
    running: RunningWorkload, route: Route, needed: frozenset[Feature], name: str, health: Health
) -> Tries | NoWay:
    """The targets of a model that carry what is needed, in the order in which they are asked.

    Args:
        running: The workload.
        route: The model.
        needed: What the request needs.
        name: The request's name, from which the draw comes.
        health: Which targets are left out for now.
    """
    found: list[Way] = []
    lacking: list[tuple[Target, list[str]]] = []
    for target in _drawn(route, name) if route.order is Order.WEIGHTED else route.targets:
        upstream = running.upstreams[target.upstream]
        lost = needed - upstream.carries(target.model)
        if lost:
            lacking.append((target, sorted(lost)))
            continue
        to = upstream.destination(target.model)
        found.append(Way(target, upstream, (running.plan.workload.id, target.upstream, f"{to.host}:{to.port}")))
    if not found:
        target, least = min(lacking, key=lambda each: len(each[1]))
        return NoWay(_not_carried(route, least), {"lacking": least, "upstream": inert(target.upstream)})
    left_out = [(target.upstream, "not_carried") for target, _ in lacking]
    if len(found) > 1:
        well = [way for way in found if health.is_well(way.key)]
        failing = [way for way in found if way not in well]
        found = [*well, *failing]
        left_out += [(way.target.upstream, "failing") for way in failing if well]
    return Tries(found, route.retry_s, left_out)


def _drawn(route: Route, name: str) -> list[Target]:
    """All targets, drawn one after the other by weight (Efraimidis and Spirakis)."""

    def key(at: int) -> float:
        digest = hashlib.sha256(f"{name} {at}".encode()).digest()
        return -math.log((int.from_bytes(digest[:8], "big") + 1) / 2**64) / route.targets[at].weight

    return [route.targets[at] for at in sorted(range(len(route.targets)), key=key)]


def _not_carried(route: Route, lacking: Sequence[str]) -> Cause:
    whose = "the provider" if len(route.targets) == 1 else "no provider"
    takes = "does not take" if len(route.targets) == 1 else "takes"
    remedy = f'{whose} of model "{inert(route.model)}" {takes} {", ".join(lacking)}; leave that out, or take another'
    return Cause(None, "not_carried", remedy)


class Tries:
    """Where one request goes, and where next."""

    def __init__(self, found: Sequence[Way], retry_s: float, left_out: Sequence[tuple[str, str]] = ()) -> None:
        """Take the targets in their order, the seconds for trying again, and why which target is not in its place."""
        self._left = list(found)
        self._retry_s = retry_s
        self._again: list[tuple[float, Way]] = []
        self._waited_s = 0.0
        self._count = 0
        self._backoff_s = BACKOFF_S
        self.left_out = tuple(left_out)
        self.in_vain = 0
        """How many tries failed of which nobody knows whether something was done."""

    def first(self) -> Way:
        """The first target."""
        self._count += 1
        return self._left.pop(0)

    def after(self, failed: Way, error: RingwallError) -> tuple[Way, float] | None:
        """The next target after one that failed, and the seconds to wait before; None when this is the end."""
        if not (isinstance(error, UpstreamError) and error.undone):
            self.in_vain += 1
        if not isinstance(error, UpstreamError) or error.code not in GOES_ON or self._count >= MAX_TRIES:
            return None
        if error.undone and error.code != "upstream_credential":
            wait = error.retry_after_s if error.retry_after_s is not None else self._backoff_s
            self._again.append((self._waited_s + wait, failed))
        self._count += 1
        if self._left:
            return self._left.pop(0), 0.0
        return self._next_round()

    def _next_round(self) -> tuple[Way, float] | None:
        """Of those that did nothing, the one that may be asked again soonest, if that is soon enough."""
        if not self._again or not self._retry_s:
            return None
        soonest = min(self._again, key=lambda each: each[0])
        at, way = soonest
        if at > self._retry_s:
            return None
        self._again.remove(soonest)
        wait = max(at - self._waited_s, 0.0)
        self._waited_s = max(at, self._waited_s)
        self._backoff_s *= 2
        return way, wait

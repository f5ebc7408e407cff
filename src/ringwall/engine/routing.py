"""Where may a judged request go? The targets of its model that have a place for everything in it, or why there is none.

* Nothing of a request is left out without a word: a target that lacks a place for something is not asked.
* What can go nowhere is refused before a byte of it leaves, and the refusal says what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ringwall.engine.running import RunningWorkload
from ringwall.model.decision import Cause
from ringwall.model.features import Feature
from ringwall.model.plan import Route
from ringwall.model.record import inert


@dataclass(frozen=True, slots=True)
class NoWay:
    """It can go nowhere.

    Attributes:
        cause: Why, and what to do.
        body: What the record says besides.
    """

    cause: Cause
    body: Mapping[str, object] = field(default_factory=dict)


def no_such_model(model: str) -> NoWay:
    """The workload has none of this name."""
    remedy = f'there is no model "{inert(model)}" for this workload; GET /v1/models lists those that there are'
    return NoWay(Cause(None, "model_not_found", remedy))


def carried(running: RunningWorkload, route: Route, needed: frozenset[Feature]) -> NoWay | None:
    """Why this route cannot take what is needed; None when it can."""
    lacking = sorted(needed - running.upstreams[route.upstream].carries(route.upstream_model))
    if not lacking:
        return None
    remedy = (
        f'the provider of model "{inert(route.model)}" does not take {", ".join(lacking)}; leave that out, '
        "or ask for another model"
    )
    return NoWay(Cause(None, "not_carried", remedy), {"lacking": lacking, "upstream": inert(route.upstream)})

"""Vantages to judge from, for the tests of controls."""

from __future__ import annotations

import asyncio
import tomllib
from importlib.resources import files
from ipaddress import ip_address
from typing import Any

from ringwall.model.content import Origin, Part, PartId
from ringwall.model.control import Control
from ringwall.model.facts import Fact, Facts, Source
from ringwall.model.framework import WorkloadId
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
from ringwall.model.verdict import Allow, Deny, Verdict

ALICE = Principal("https://id.example", "alice", PrincipalKind.PERSON, frozenset({"support/agent"}), verified=True)
MODEL = Resource("model", "gpt-small")
PART = Part(PartId("turns/0/content/0"), Origin.PERSON, "hello")


def source(address: str = "127.0.0.1", peer: str | None = None, *, encrypted: bool = True) -> Source:
    return Source(ip_address(address), ip_address(peer or address), encrypted)


def vantage(
    *facts: Fact,
    checkpoint: Checkpoint = Checkpoint.INBOUND,
    principal: Principal = ALICE,
    action: Action = Action.INVOKE,
    resource: Resource = MODEL,
    workload: str = "support",
) -> Vantage:
    made = Interaction(
        InteractionId("req_1"), WorkloadId(workload), principal, action, resource, SessionKey("ses_1"), (PART,)
    )
    return Vantage(checkpoint, made, (PART,), Facts(facts))


def entry(control: type[Control]) -> dict[str, Any]:
    layer, name = control.id.split(".")
    return tomllib.loads((files("ringwall.catalog") / layer / f"{name}.toml").read_text("utf-8"))


def build(control: type[Any], ports: dict[str, Any] | None = None, **changed: object) -> Any:
    """The control with its catalog's defaults, and these settings changed."""
    defaults = {key: tuple(v) if isinstance(v, list) else v for key, v in entry(control)["defaults"].items()}
    return control(control.settings_type(**{**defaults, **changed}), **(ports or {}))


def judge(control: Any, seen: Vantage) -> Verdict:
    """The verdict, after checking what holds for each: everything covered, every code and kind in the catalog."""
    verdict = asyncio.run(control.examine(seen))
    assert verdict.covered == seen.everything
    kinds = set(entry(type(control))["evidence_kinds"])
    assert {each.kind for each in verdict.evidence} <= kinds
    if isinstance(verdict, Deny):
        assert verdict.code in kinds
        assert verdict.remedy and not verdict.remedy.endswith(".")
    return verdict


def code(control: Any, seen: Vantage) -> str | None:
    """The code of the refusal, or None for Allow."""
    verdict = judge(control, seen)
    assert isinstance(verdict, (Allow, Deny))
    return verdict.code if isinstance(verdict, Deny) else None

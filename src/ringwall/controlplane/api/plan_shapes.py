"""What does the API answer about the plan in force? Closed shapes, like all of `shapes`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec


class Shape(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A closed object."""


class SettingView(Shape):
    """A setting, its value, and where that was set: `catalog`, or a file and a line."""

    name: str
    value: Any
    source: str


class ControlView(Shape):
    """A control as it runs for a workload."""

    id: str
    mode: str
    settings: list[SettingView]
    waiver_reason: str | None
    waiver_until: datetime | None


class TargetView(Shape):
    """Where a model is served."""

    upstream: str
    upstream_model: str
    weight: int


class RouteView(Shape):
    """A model that callers may ask for, and where it is served."""

    model: str
    order: str
    targets: list[TargetView]


class WorkloadView(Shape):
    """All that runs for a workload."""

    id: str
    owner: str
    use_case: str
    phase: str
    traits: list[str]
    rehearsal: bool
    path_prefix: str
    max_output_tokens: int
    models: list[RouteView]
    controls: list[ControlView]
    vacancies: list[str]
    policies: list[str]


class UpstreamView(Shape):
    """A provider; `credential` says where its secret is read from, never the secret."""

    name: str
    kind: str
    base_url: str
    account: str
    credential: str
    private: bool


class PlanView(Shape):
    """The plan in force."""

    digest: str
    version: int
    expires: datetime
    organisation: str
    workloads: list[WorkloadView]
    upstreams: list[UpstreamView]
    issuers: list[str]
    policies: list[str]
    limits: dict[str, float]

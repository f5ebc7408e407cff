"""Where is a model served? The three forms in which a configuration may say it, as one route.

"gpt" = "provider"
"gpt" = { upstream = "provider", model = "gpt-large" }
"gpt" = { targets = [ { upstream = "provider", weight = 3 }, { upstream = "other", model = "x" } ], order = "weighted" }
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from ringwall.config.document import Document
from ringwall.config.read import nearest
from ringwall.config.schema import ModelRoute, ModelTarget, WorkloadTable
from ringwall.model.plan import Order, Route, Target, ToolServerPlan, UpstreamPlan

BUILTIN = "builtin"
REHEARSAL = "rehearsal/"
"""What the names of built-in models begin with; the models themselves are called without it."""


def read_routes(
    document: Document, workload: str, table: WorkloadTable, upstreams: Mapping[str, UpstreamPlan]
) -> tuple[Route, ...]:
    """The models of a workload.

    Raises:
        ConfigError: One is served nowhere, or where a workload of this sort may not go.
    """
    routes = []
    for model, given in table.models.items():
        where = ("workloads", workload, "models", model)
        try:
            route = read_route(model, given)
        except ValueError as error:
            raise document.error(str(error), *where) from error
        for upstream in (target.upstream for target in route.targets):
            if upstream not in upstreams:
                raise document.error(f'no such upstream "{upstream}"', *where, hint=nearest(upstream, list(upstreams)))
            builtin = upstreams[upstream].kind == BUILTIN
            if builtin and not table.rehearsal:
                hint = "set rehearsal = true, or name a real upstream"
                raise document.error(f'model "{model}" is for rehearsals only', *where, hint=hint)
            if table.rehearsal and not builtin:
                hint = 'only "builtin" models, so that an attack on it harms nobody'
                raise document.error(f'a rehearsal workload cannot use upstream "{upstream}"', *where, hint=hint)
        routes.append(route)
    return tuple(routes)


def read_route(model: str, given: str | ModelRoute) -> Route:
    """The route of a model.

    Raises:
        ValueError: It says nothing, or two things; says which.
    """
    if isinstance(given, str):
        return Route(model, (_target(model, ModelTarget(upstream=given)),))
    if bool(given.upstream) == bool(given.targets):
        raise ValueError("give one of upstream and targets")
    if given.targets and given.model:
        raise ValueError("a name at the provider stands in each of the targets")
    targets = given.targets or (ModelTarget(upstream=given.upstream, model=given.model),)
    found = tuple(_target(model, each) for each in targets)
    names = [(each.upstream, each.model) for each in found]
    if len(set(names)) != len(names):
        raise ValueError("a target stands there twice")
    return Route(model, found, Order(given.order), given.retry_s)


def _target(model: str, given: ModelTarget) -> Target:
    name = given.model or model
    inner = name.removeprefix(REHEARSAL) if given.upstream == "builtin" else name
    return Target(given.upstream, inner, given.weight)


def destinations(
    routes: Sequence[Route], upstreams: Mapping[str, UpstreamPlan], servers: Sequence[ToolServerPlan]
) -> list[str]:
    """Where the models of these routes and these tools are served, as the egress allow-list spells it."""
    found = {_destination(server.url) for server in servers}
    for target in (target for route in routes for target in route.targets):
        upstream = upstreams[target.upstream]
        if upstream.kind == BUILTIN:
            found.add("builtin:")
            continue
        found.add(_destination(upstream.base_url))
    return sorted(found)


def _destination(url: str) -> str:
    split = urlsplit(url)
    host = split.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{split.scheme}://{host}:{split.port}" if split.port else f"{split.scheme}://{host}"

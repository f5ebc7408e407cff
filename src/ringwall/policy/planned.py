"""Which policies decide under a plan? The organisation's, each workload's, and what each of them speaks about."""

from __future__ import annotations

from ringwall.model.plan import Plan
from ringwall.policy.decide import CedarPolicy, Domain
from ringwall.policy.slices import PolicyText


def make_policy(plan: Plan) -> CedarPolicy:
    """The policies of a plan, parsed and validated.

    Raises:
        ConfigError: One does not validate; it is named.
    """
    domains = {
        name: Domain(
            models=frozenset(route.model for route in workload.routes),
            upstreams={
                **{
                    target.upstream: plan.upstreams[target.upstream].account
                    for route in workload.routes
                    for target in route.targets
                },
                **{server: plan.tool_servers[server].account for server in workload.tool_servers},
            },
            policies=tuple(PolicyText(each.name, each.text) for each in workload.policies),
            credentials=frozenset(each.name for each in plan.credentials.values() if name in each.workloads),
            tools=workload.tools,
        )
        for name, workload in plan.workloads.items()
    }
    organisation = [PolicyText(each.name, each.text) for each in plan.policies]
    return CedarPolicy(workloads=domains, organisation=organisation)

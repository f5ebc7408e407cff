"""Who may use this endpoint, and which upstream account."""

from __future__ import annotations

from dataclasses import replace

from ringwall.controls.identity_data.endpoint_policy import CONTROL
from ringwall.model.facts import Destination, Identity
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Action, Checkpoint, Principal
from ringwall.policy.decide import CedarPolicy, Domain
from ringwall.policy.slices import PolicyText
from tests.controls.judging import ALICE, build, code, vantage

DOMAINS = {
    WorkloadId("support"): Domain(frozenset({"m"}), {"provider": "main"}),
    WorkloadId("hr"): Domain(frozenset({"m"}), {"vault": "hr"}),
}
CEDAR = CedarPolicy(workloads=DOMAINS)
PLAIN = Identity(verified=True, credential="access_token")
TO = Destination("provider", "https", "api.example", 443, "/v1", "main")


def enter(principal: Principal = ALICE, workload: str = "support", cedar: CedarPolicy = CEDAR) -> str | None:
    return code(build(CONTROL, {"policy": cedar}), vantage(PLAIN, principal=principal, workload=workload))


def leave(to: Destination, workload: str = "support", cedar: CedarPolicy = CEDAR) -> str | None:
    seen = vantage(PLAIN, to, checkpoint=Checkpoint.EGRESS, workload=workload)
    return code(build(CONTROL, {"policy": cedar}), seen)


def test_own_callers_use_the_endpoint_and_nobody_piggybacks_on_it() -> None:
    assert enter() is None
    assert enter(workload="hr") == "endpoint_not_permitted"
    assert enter(replace(ALICE, roles=frozenset({"hr/agent"}))) == "endpoint_not_permitted"
    assert enter(workload="unknown") == "policy_error"


def test_bytes_go_to_own_upstreams_under_own_accounts_only() -> None:
    assert leave(TO) is None
    assert leave(replace(TO, account="hr")) == "upstream_not_permitted"
    assert leave(replace(TO, upstream="vault", account="hr")) == "upstream_not_permitted"
    assert leave(replace(TO, upstream="provider\n")) == "upstream_not_permitted"


def test_a_policy_that_errors_is_a_refusal() -> None:
    text = """
    forbid (principal, action == Ringwall::Action::"use_upstream", resource)
    when { resource.port * 9223372036854775807 > 0 };
    """
    cedar = CedarPolicy(workloads=DOMAINS, organisation=[PolicyText("org.cedar", text)])
    assert leave(TO, cedar=cedar) == "policy_error"
    assert enter(cedar=cedar) is None


def test_a_connection_uses_no_upstream_and_its_caller_is_judged_as_always() -> None:
    control = build(CONTROL, {"policy": CEDAR})
    out = replace(TO, upstream="", account="")
    assert code(control, vantage(PLAIN, out, checkpoint=Checkpoint.EGRESS, action=Action.CONNECT)) is None
    assert code(control, vantage(PLAIN, out, checkpoint=Checkpoint.EGRESS)) == "upstream_not_permitted"
    stranger = vantage(PLAIN, action=Action.CONNECT, workload="hr")
    assert code(control, stranger) == "endpoint_not_permitted"

"""Buckets: whose, how large, and never somebody else's."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controls.infrastructure.rate_limit import CONTROL
from ringwall.model.facts import Demand, MissingFactError
from ringwall.model.interaction import Action, Principal
from ringwall.model.verdict import Allow, DenyKind
from tests.controls.judging import ALICE, build, judge, source, vantage


def buckets(address: str = "192.0.2.1", principal: Principal = ALICE, workload: str = "support") -> dict[str, int]:
    seen = vantage(source(address), Demand(10, 90), principal=principal, workload=workload)
    verdict = judge(build(CONTROL), seen)
    assert isinstance(verdict, Allow)
    return {each.bucket: each.amount for each in verdict.reservations}


def test_requests_and_tokens_are_reserved_in_three_scopes() -> None:
    assert buckets() == {
        "rate:requests:principal:support:verified:https://id.example alice": 1,
        "rate:requests:workload:support": 1,
        "rate:requests:address:support:192.0.2.1": 1,
        "rate:tokens:principal:support:verified:https://id.example alice": 100,
        "rate:tokens:workload:support": 100,
        "rate:tokens:address:support:192.0.2.1": 100,
    }


def test_a_bucket_refills_in_a_minute() -> None:
    verdict = judge(build(CONTROL, principal_requests=120), vantage(source(), Demand(1, 1)))
    assert isinstance(verdict, Allow)
    first = verdict.reservations[0]
    assert (first.capacity, first.refill_per_s, first.unit) == (120, 2.0, "requests")


def test_listing_models_needs_no_demand_and_invoking_does() -> None:
    verdict = judge(build(CONTROL), vantage(source(), action=Action.LIST))
    assert isinstance(verdict, Allow)
    assert {each.unit for each in verdict.reservations} == {"requests"}
    with pytest.raises(MissingFactError):
        asyncio.run(build(CONTROL).examine(vantage(source())))


def test_an_ipv6_caller_cannot_hop_inside_his_network() -> None:
    assert buckets("2001:db8:1:2::1") == buckets("2001:db8:1:2:ffff:ffff:ffff:ffff")
    assert buckets("2001:db8:1:2::1") != buckets("2001:db8:1:3::1")


def test_a_mapped_address_draws_on_the_ipv4_bucket() -> None:
    assert buckets("::ffff:192.0.2.1") == buckets("192.0.2.1")


def test_a_forged_token_cannot_exhaust_the_principal_that_it_claims() -> None:
    claimed = replace(ALICE, verified=False)
    assert not {name for name in buckets(principal=claimed) if ":principal:" in name} & set(buckets())


def test_a_demand_larger_than_a_bucket_is_refused_at_once() -> None:
    verdict = judge(build(CONTROL, address_tokens=99), vantage(source(), Demand(10, 90)))
    assert (verdict.code, verdict.kind) == ("demand_exceeds_limit", DenyKind.EXHAUSTED)  # type: ignore[union-attr]


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)


@settings(deadline=None)
@given(a=NAMES, b=NAMES, verified=st.booleans())
def test_two_principals_never_share_a_bucket(a: str, b: str, verified: bool) -> None:
    one = buckets(principal=replace(ALICE, subject=a, verified=verified))
    other = buckets(principal=replace(ALICE, subject=b, verified=verified))
    shared = {name for name in set(one) & set(other) if ":principal:" in name}
    assert bool(shared) == (a == b)

"""What follows, what contradicts, what merely fits; with the rules that carry it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors import logic_solver
from ringwall.detectors.logic_solver import MAX_INSTANCES, MAX_KEPT, check
from tests.detectors.policies import REFUNDS, SHOP

Found = list[tuple[str, str, list[str]]]


def ask(
    rules: tuple[str, ...], premises: dict[str, Any], claims: dict[str, Any], *, tenant: str = "t", **more: Any
) -> Found:
    def stated(values: dict[str, Any]) -> list[list[Any]]:
        return [[name, *value] if isinstance(value, tuple) else [name, value, value] for name, value in values.items()]

    payload = {
        "tenant": tenant,
        "rules": rules,
        "rows": {},
        "values": {},
        "frames": [{"premises": stated(premises), "claims": stated(claims)}],
        **more,
    }
    return [(each["finding"], each["about"], each["rules"]) for each in json.loads(check(json.dumps(payload).encode()))]


@pytest.mark.parametrize(
    ("premises", "claim", "finding", "rules"),
    [
        ({"days": "10", "final_sale": False}, "ORIGINAL", "valid", ["early"]),
        ({"days": "10", "final_sale": False}, "STORE_CREDIT", "invalid", ["early"]),
        ({"days": "40", "final_sale": False}, "STORE_CREDIT", "valid", ["late"]),
        ({"days": "30", "final_sale": False}, "ORIGINAL", "valid", ["early"]),
        ({"final_sale": True}, "NO_REFUND", "valid", ["final"]),
        ({"final_sale": True}, "ORIGINAL", "invalid", ["final"]),
        ({"days": "10"}, "ORIGINAL", "satisfiable", []),
        ({}, "NO_REFUND", "satisfiable", []),
        ({"days": "-1"}, "ORIGINAL", "impossible", ["real_days"]),
    ],
)
def test_refunds(premises: dict[str, Any], claim: str, finding: str, rules: list[str]) -> None:
    about = "" if finding == "impossible" else "method"
    assert ask(REFUNDS, premises, {"method": claim}) == [(finding, about, rules)]


@pytest.mark.parametrize(
    ("amount", "total", "finding"),
    [
        ("40", "50", "valid"),
        ("50", "50", "valid"),
        ("50.01", "50", "invalid"),
        ("-1", "50", "invalid"),
        ("40", None, "satisfiable"),
    ],
)
def test_what_is_required_must_follow(amount: str, total: str | None, finding: str) -> None:
    found = ask(REFUNDS, {} if total is None else {"total": total}, {"amount": amount})
    assert (finding, "refund_at_most_paid", ["refund_at_most_paid"]) in found


ROWS = {"price_list": [["ridge tent", "129.0"], ["trail tent", "89.99"]]}


@pytest.mark.parametrize(
    ("product", "price", "finding"),
    [
        ("ridge tent", "129", "valid"),
        ("ridge tent", "139", "invalid"),
        ("ridge tent", "89.99", "invalid"),
        ("ridge tent", ("125", "135"), "valid"),
        ("ridge tent", ("130", "135"), "invalid"),
        ("moon tent", "1", "satisfiable"),
    ],
)
def test_a_rule_over_rows_is_written_out_over_what_was_delivered(product: str, price: Any, finding: str) -> None:
    found = ask(SHOP, {"product": product}, {"price": price}, rows=ROWS)
    assert found == [(finding, "price", [] if finding == "satisfiable" else ["price_list"])]


def test_rows_of_one_payload_are_forgotten_by_the_next() -> None:
    assert ask(SHOP, {"product": "ridge tent"}, {"price": "129"}, rows=ROWS)[0][0] == "valid"
    assert ask(SHOP, {"product": "ridge tent"}, {"price": "129"})[0][0] == "satisfiable"


def test_a_row_that_contradicts_another_makes_the_premises_impossible() -> None:
    rows = {"price_list": [["ridge tent", "129"], ["ridge tent", "1"]]}
    assert ask(SHOP, {"product": "ridge tent"}, {"price": "1"}, rows=rows)[0][0] == "impossible"


def test_a_value_is_derivable_only_from_what_was_delivered() -> None:
    claim = {"card": "4242424242424242"}
    name = "no_invented_card"
    assert ("invalid", name, [name]) in ask(SHOP, {}, claim)
    assert ("invalid", name, [name]) in ask(SHOP, {}, claim, values={name: ["5555555555554444"]})
    assert ("valid", name, [name]) in ask(SHOP, {}, claim, values={name: ["5555555555554444", claim["card"]]})


def test_what_is_too_much_is_too_complex(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"price_list": [["a", "1"]] * (MAX_INSTANCES + 1)}
    assert ask(SHOP, {"product": "a"}, {"price": "1"}, rows=rows) == [("too_complex", "", [])]
    monkeypatch.setattr(logic_solver, "MAX_STEPS", 1)
    # A pigeonhole: more pigeons than holes, which no solver shows quickly.
    pigeons = [f"(int p{each})" for each in range(9)]
    holes = [f"(rule h{each} (and (>= p{each} 0) (< p{each} 8)))" for each in range(9)]
    apart = "(rule apart (distinct " + " ".join(f"p{each}" for each in range(9)) + "))"
    assert ask((*pigeons, *holes, apart), {}, {"p0": "1"}, tenant="pigeons")[0][0] == "too_complex"


@pytest.mark.parametrize(
    ("premises", "claims"),
    [({"days": "1.5"}, {"method": "ORIGINAL"}), ({"days": True}, {"method": "ORIGINAL"}), ({}, {"method": "GOLD"})],
)
def test_a_value_of_another_type_is_not_taken(premises: dict[str, Any], claims: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"type|whole"):
        ask(REFUNDS, premises, claims)


def test_policies_are_kept_apart_for_each_tenant_and_not_for_ever() -> None:
    for number in range(MAX_KEPT + 3):
        ask(REFUNDS, {}, {"method": "ORIGINAL"}, tenant=f"tenant {number}")
    assert len(logic_solver._KEPT) == MAX_KEPT
    assert len({id(each.context) for each in logic_solver._KEPT.values()}) == MAX_KEPT


GRAVE = {"invalid", "impossible"}
EXTRA = (
    "(rule more (<= days 100))",
    "(rule less (=> final_sale (> days 5)))",
    "(rule never (distinct method STORE_CREDIT))",
    "(require short (< days 20))",
    "(require kind (not (= method NO_REFUND)))",
)
states = st.fixed_dictionaries({}, optional={"days": st.integers(-2, 60).map(str), "final_sale": st.booleans()})


@settings(deadline=None, max_examples=150)
@given(
    states, st.sampled_from(["ORIGINAL", "STORE_CREDIT", "NO_REFUND"]), st.lists(st.sampled_from(EXTRA), unique=True)
)
def test_one_more_rule_never_takes_back_a_contradiction(premises: dict[str, Any], claim: str, more: list[str]) -> None:
    before = {each[0] for each in ask(REFUNDS, premises, {"method": claim})}
    after = {each[0] for each in ask((*REFUNDS, *more), premises, {"method": claim})}
    if before & GRAVE:
        assert after & GRAVE


@settings(deadline=None, max_examples=100)
@given(
    states,
    st.sampled_from(["ORIGINAL", "STORE_CREDIT", "NO_REFUND"]),
    st.lists(st.sampled_from(EXTRA[3:]), unique=True),
)
def test_one_more_requirement_never_takes_back_any_finding(
    premises: dict[str, Any], claim: str, more: list[str]
) -> None:
    before = ask(REFUNDS, premises, {"method": claim})
    after = ask((*REFUNDS, *more), premises, {"method": claim})
    assert [each[:2] for each in after[: len(before)]] == [each[:2] for each in before]


@settings(deadline=None, max_examples=100)
@given(states, st.sampled_from(["ORIGINAL", "STORE_CREDIT", "NO_REFUND"]))
def test_the_findings_are_those_of_trying_every_case(premises: dict[str, Any], claim: str) -> None:
    """The same question answered by counting: all days, sales and methods in a range that holds every case."""
    fits = [
        (days, final, method)
        for days in range(100)
        for final in (True, False)
        for method in ("ORIGINAL", "STORE_CREDIT", "NO_REFUND")
        if (not final or method == "NO_REFUND")
        and (final or days > 30 or method == "ORIGINAL")
        and (final or days <= 30 or method == "STORE_CREDIT")
        and premises.get("days", str(days)) == str(days)
        and premises.get("final_sale", final) == final
    ]
    said = {method for _, _, method in fits}
    wanted = (
        "impossible" if not fits else "invalid" if claim not in said else "valid" if said == {claim} else "satisfiable"
    )
    assert ask(REFUNDS, premises, {"method": claim})[0][0] == wanted

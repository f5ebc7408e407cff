"""What was delivered, typed: rows, values, pointers."""

from __future__ import annotations

import json

import pytest

from ringwall.detectors.logic import parse
from ringwall.detectors.logic_delivered import (
    MAX_ROWS,
    MAX_VALUES,
    TooComplexError,
    at,
    bare,
    convert,
    given,
    keys,
    rows,
    structured,
    values,
)
from ringwall.model.content import freeze
from tests.detectors.policies import CUSTOMERS, REFUNDS, ROWS, SHOP

POLICY = parse(SHOP)
REFUND = parse(REFUNDS)


def test_a_row_has_the_members_of_the_rule_in_their_types() -> None:
    found = rows(POLICY, [("search_products", ROWS), ("fetch_page", ROWS)])
    assert found == {"price_list": [["ridge tent", "129.0"], ["trail tent", "89.99"]]}
    assert rows(POLICY, [("search_products", freeze({"page": {"items": [{"name": "A", "price": "free"}]}}))]) == {
        "price_list": []
    }


def test_text_that_is_json_is_a_document() -> None:
    assert structured('[{"a": 1}]') == freeze([{"a": 1}])
    assert structured("plain") == "plain"


def test_subjects_are_the_members_of_delivered_rows_longest_first() -> None:
    assert keys(POLICY, [("search_products", ROWS)]) == {"product": ["ridge tent", "trail tent", "ridge"]}
    assert keys(POLICY, [("fetch_page", ROWS)]) == {"product": []}


def test_values_that_something_may_be_derived_from() -> None:
    found = values(POLICY, [("search_customers", CUSTOMERS), ("fetch_page", freeze(["4242424242424242"]))])
    assert {"5555555555554444", "4000056655665556", "ada"} <= set(found["no_invented_card"])
    assert "4242424242424242" not in found["no_invented_card"]


def test_two_results_that_differ_give_nothing() -> None:
    order, other = freeze({"total": 50}), freeze({"total": "60.00"})
    assert given(REFUND, [("get_order", order)]) == ((("total", "50", "50"),), False)
    assert given(REFUND, [("get_order", order), ("get_order", other)]) == ((), True)
    assert given(REFUND, [("fetch_page", order)]) == ((), False)


@pytest.mark.parametrize(
    ("variable", "value", "wanted"),
    [
        ("final_sale", True, True), ("final_sale", 1, None), ("final_sale", "true", None),
        ("days", 3, "3"), ("days", 3.5, None), ("days", "3 days", "3"), ("days", True, None), ("days", None, None),
        ("amount", 1e300, f"{10**300}"), ("amount", "$12.50", "12.50"), ("amount", "12 or 13", None),
        ("amount", (), None),
        ("method", "store credit", "STORE_CREDIT"), ("method", "ORIGINAL", "ORIGINAL"), ("method", "gold", None),
    ],
)  # fmt: skip
def test_nothing_is_coerced_but_a_number_written_as_text(variable: str, value: object, wanted: object) -> None:
    assert convert(REFUND, variable, freeze(value)) == wanted


def test_pointers_and_bare_identifiers() -> None:
    document = freeze({"a/b": [{"c": 5}]})
    assert at(document, "/a~1b/0/c") == 5
    for missing in ("/a", "/a~1b/1", "/a~1b/x", "/a~1b/0/c/d", "/a~1b/-1"):
        assert at(document, missing) is None
    assert bare("５５５５-5555 a.B") == "55555555ab"


def test_bounds_are_errors() -> None:
    with pytest.raises(TooComplexError):
        rows(POLICY, [("search_products", freeze([{"name": "a", "price": 1}] * (MAX_ROWS + 1)))])
    with pytest.raises(TooComplexError):
        keys(POLICY, [("search_products", freeze([{"name": "a"}] * (MAX_ROWS + 1)))])
    with pytest.raises(TooComplexError):
        values(POLICY, [("search_customers", freeze([str(each) for each in range(MAX_VALUES + 1)]))])
    assert json.dumps(rows(POLICY, []))

"""A policy is taken whole, or the rule at fault is named."""

from __future__ import annotations

import random

import pytest

from ringwall.detectors.logic import MAX_FORMS, Policy, parse
from ringwall.detectors.sexpr import FormError
from tests.detectors.policies import REFUNDS, SHOP


def test_the_policies_of_the_tests_are_policies() -> None:
    shop = parse(SHOP)
    assert shop.tied("price")
    assert not shop.tied("card")
    assert (shop.subjects, shop.demanded) == ({"product"}, {"price"})
    assert parse(REFUNDS).enums == {"method": ("ORIGINAL", "STORE_CREDIT", "NO_REFUND")}
    assert parse(()) == Policy()


def test_the_order_of_writing_does_not_matter() -> None:
    for seed in range(5):
        shuffled = list(REFUNDS)
        random.Random(seed).shuffle(shuffled)
        made = parse(shuffled)
        assert {each.name for each in made.rules} == {"final", "early", "late", "real_days"}
        assert made.types == {**parse(REFUNDS).types}


@pytest.mark.parametrize(
    ("forms", "reason"),
    [
        (["(rule a (= x 1))"], 'rule "1": "x" is not declared'),
        (["(int x)", "(int x)"], "declared twice"),
        (["(enum x A)"], "at least two"),
        (["(enum x A B)", "(enum y B C)"], "declared twice"),
        (["(enum x true B)"], "declared twice"),
        (["(int x)", "(rule a (= x 1))", "(require a (= x 1))"], 'two rules "a"'),
        (["(forget x)"], "not a kind of rule"),
        (["nothing"], "between parentheses"),
        (["(int x"], 'a ")" is missing'),
        (["(int 1x)"], "a name"),
        (["(int x y)"], 'takes "1"'),
        (["(demand)"], "names no variable"),
        (["(demand x)"], "not declared"),
        (["(text x)", "(subject x)"], "one subject"),
        (["(text x)", "(derivable d x)"], "names no tool"),
        (["(bool x)", "(derivable d x t)"], "a text or a number"),
        (["(int x)", '(read x argument t "amount")'], 'begins with "/"'),
        (["(int x)", "(read x heaven)"], "argument, a result or the answer"),
        (["(int x)", "(read x answer smell)"], "is not one of"),
        (["(text x)", "(read x answer money)"], "cannot hold"),
        (["(int x)", "(read x answer card_number)"], "cannot hold"),
        (["(int x)", '(read x answer member t "m")'], "must be a text"),
        (["(int x)", '(read x answer pattern "(\\\\d+)(a)")'], "exactly one group"),
        (["(int x)", '(read x answer pattern "(?<=a)(b)")'], "RE2"),
        (["(bool x)", '(read x answer phrase (maybe "words"))'], "not declared"),
        (["(bool x)", '(read x answer phrase (3 "words"))'], "no value"),
        (["(bool x)", "(read x answer phrase (true))"], "a phrase is written"),
        (["(int x)", "(each r t () (= x 1))"], "a row needs variables"),
        (["(int x)", '(each r t ((x int "m")) (= x 1))'], "a name of its own"),
        (["(int x)", '(each r t ((y thing "m")) (= x 1))'], "types"),
        (["(int x)"] * (MAX_FORMS + 1), "more than"),
    ],
)
def test_what_is_no_policy_names_the_rule_and_the_reason(forms: list[str], reason: str) -> None:
    with pytest.raises(FormError, match=None) as error:
        parse(forms)
    assert reason in str(error.value)

"""What an answer says of the variables: read in two ways that agree, or not read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.logic import parse
from ringwall.detectors.logic_delivered import TooComplexError
from ringwall.detectors.logic_frames import MAX_FRAMES, MAX_TEXT_CHARS, Material, Translated, translate
from ringwall.model.content import freeze
from tests.detectors.policies import CUSTOMERS, REFUNDS, ROWS, SHOP, saying

POLICY = parse(SHOP)
REFUND = parse(REFUNDS)


def claims(made: Translated) -> list[tuple[object, ...]]:
    """Subject (if any), variable and value of each claim."""
    found = []
    for frame in made.frames:
        subject = next((value for variable, value, _ in frame.premises if variable == "product"), None)
        found += [(subject, variable, low, high) for variable, low, high in frame.claims]
    return found


def unread(made: Translated) -> list[str]:
    return [each.kind for each in made.unread]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("The Ridge tent costs $129.", [("ridge tent", "price", "129", "129")]),
        ("The RIDGE  TENT is $1,290.50!", [("ridge tent", "price", "1290.50", "1290.50")]),
        ("I like the Ridge tent. It costs about $130.", [("ridge tent", "price", "123.50", "136.50")]),
        ("The Ridge tent costs one hundred dollars.", [("ridge tent", "price", "100", "100")]),
        (
            "The Ridge tent costs $129 and the Trail tent costs $89.99.",
            [("ridge tent", "price", "129", "129"), ("trail tent", "price", "89.99", "89.99")],
        ),
        ("The Ridge tent sleeps 3.", []),
        ("Ridge costs $5.", [("ridge", "price", "5", "5")]),
        ("The Ridgeback is $5 off.", []),
        ("Hello there.", []),
    ],
)
def test_prices_go_with_the_product_that_the_sentence_names(text: str, wanted: list[object]) -> None:
    made = translate(POLICY, saying(text))
    assert claims(made) == wanted
    assert unread(made) == (["no_translation"] if "Ridgeback" in text else [])


@pytest.mark.parametrize(
    "text",
    [
        "The Ridge tent and the Trail tent cost $129.",
        "$89.99 and $129 are the prices of the Ridge tent and, if you look further down the page, the Trail tent.",
        "We have the Ridge tent and the Trail tent. It costs $129.",
    ],
)
def test_a_price_that_may_go_with_either_is_ambiguous(text: str) -> None:
    made = translate(POLICY, saying(text))
    assert "ambiguous" in unread(made)


def test_a_price_without_a_product_or_without_delivered_rows_is_not_translated() -> None:
    assert unread(translate(POLICY, saying("The Moon tent costs $1."))) == ["no_translation"]
    assert unread(translate(POLICY, saying("The Ridge tent costs $129.", results=()))) == ["no_translation"]


@pytest.mark.parametrize(
    "dress",
    [
        "4242424242424242",
        "4242 4242-4242.4242",
        "４２４２４２４２４２４２４２４２",
        "NDI0MjQyNDI0MjQyNDI0Mg==",
        "four two four two four two four two four two four two four two four two",
    ],
)
def test_a_card_number_in_any_dress_is_a_claim(dress: str) -> None:
    made = translate(POLICY, saying(f"The card is {dress}."))
    stated = {value for _, variable, value, _ in claims(made) if variable == "card"}
    assert stated == {"4242424242424242"} or "=" in dress
    assert stated


def test_delivered_rows_come_along_when_something_is_stated() -> None:
    results = (("search_products", ROWS), ("search_customers", CUSTOMERS))
    made = translate(POLICY, saying("The card is 4242 4242 4242 4242.", results=results))
    assert made.rows["price_list"] == [["ridge tent", "129.0"], ["trail tent", "89.99"]]
    assert "5555555555554444" in made.values["no_invented_card"]
    assert translate(POLICY, saying("Hello.", results=results)).rows == {}


def test_places_are_those_of_the_answer_as_it_came() -> None:
    text = "\u200b\u200bHi. The Ridge\u200b tent costs $129."
    (frame,) = translate(POLICY, saying(text)).frames
    assert text[frame.start : frame.end] == "The Ridge\u200b tent costs $129."


def test_arguments_are_claims_and_results_are_premises() -> None:
    material = Material(
        calls=(("c1", "refund", freeze({"amount": 40})), ("c2", "search", freeze({"amount": 9}))),
        results=(("get_order", freeze({"total": 50})),),
    )
    (frame,) = translate(REFUND, material).frames
    assert (frame.part, frame.premises, frame.claims) == (
        "c1", (("total", "50", "50"),), (("amount", "40", "40"),)
    )  # fmt: skip
    wrong = Material(calls=(("c1", "refund", freeze({"amount": ["a lot"]})),))
    assert unread(translate(REFUND, wrong)) == ["no_translation"]
    differ = Material(results=(("get_order", freeze({"total": 50})), ("get_order", freeze({"total": 5}))))
    assert unread(translate(REFUND, differ)) == ["ambiguous"]


def test_what_is_given_is_a_premise_of_the_whole_text() -> None:
    text = "You bought it 10 days ago. It is a regular sale. It goes back to the original payment method."
    made = translate(REFUND, saying(text))
    (frame,) = made.frames
    assert frame.premises == (("days", "10", "10"), ("final_sale", False, False))
    assert frame.claims == (("method", "ORIGINAL", "ORIGINAL"),)


@pytest.mark.parametrize(
    "text",
    [
        "Unless it was damaged, you get store credit.",
        "You would get store credit.",
        "It does not go back to the original payment method.",
        "You get store credit or it goes to the original payment method.",
        "You bought it 10 days ago, she 40 days ago.",
    ],
)
def test_conditions_negations_and_two_values_are_not_guessed_at(text: str) -> None:
    made = translate(REFUND, saying(text))
    assert "ambiguous" in unread(made)
    assert made.frames == []


def test_bounds_are_errors() -> None:
    with pytest.raises(TooComplexError):
        translate(POLICY, saying("a" * (MAX_TEXT_CHARS + 1)))
    with pytest.raises(TooComplexError):
        translate(POLICY, saying("The Ridge tent costs $129. " * (MAX_FRAMES + 1)))


PIECES = (
    "The Ridge tent ", "costs $129. ", "Trail tent", "4242 4242 4242 4242", "\n", "if ", "not ", "store credit",
    "10 days ago ", "NDI0MjQyNDI0MjQyNDI0Mg== ", "\u200b", "€ 5", "final sale",
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=12).map("".join))
def test_it_never_raises_and_reads_the_same_twice(text: str) -> None:
    for policy in (POLICY, REFUND):
        made = translate(policy, saying(text))
        assert made == translate(policy, saying(text))
        assert all(0 <= each.start <= each.end <= len(text) for each in (*made.frames, *made.unread))

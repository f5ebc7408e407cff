"""What the sources support passes; what nobody said is named. Fair paraphrase, and attacks on the comparison."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.grounding import MAX_ANSWER_CHARS, Echo, Grounding, assess, identifying
from ringwall.detectors.sources import MAX_SOURCE_CHARS, Source

CATALOG = Source(
    "catalog",
    '[{"sku": "TENT-0002", "name": "Ridge tent", "price": 129.0, "waterproof": false, "weight_kg": 2.1},'
    ' {"sku": "TENT-0003", "name": "Trail tent", "price": 89.99, "waterproof": true, "sleeps": 3}]',
)
ABOUT = Source(
    "about",
    "Acme Outdoor was founded in 1987 by Maria Lindqvist. Revenue in 2025 was $181,674,817. Returns are free within 30 "
    'days of delivery. Worn items cannot be returned. The founder said: "Rain is only weather until your tent leaks."',
)
QUESTION = Echo(("How much does the Ridge tent cost, and is it waterproof? My order is ORD-77812.",))


def look(answer: str, *sources: Source, echo: Echo = QUESTION) -> Grounding:
    return assess(answer, sources or (CATALOG, ABOUT), echo)


def problems(answer: str, *sources: Source, echo: Echo = QUESTION) -> list[tuple[str, str]]:
    found = look(answer, *sources, echo=echo)
    return [(each.kind, answer[each.start : each.end]) for one in found.sentences for each in one.problems]


@pytest.mark.parametrize(
    "answer",
    [
        "The Ridge tent costs $129.",
        "The Ridge tent is priced at $129.00 and weighs 2.1 kg.",
        "It is not waterproof.",
        "The Trail tent is waterproof and sleeps three.",
        "Acme Outdoor's revenue in 2025 was over $181 million.",
        "Maria Lindqvist established Acme Outdoor in 1987.",
        "You can return items free of charge within thirty days.",
        "Items that were worn cannot be returned.",
        'As the founder put it, "rain is only weather until your tent leaks".',
        "Hello! I'm happy to help. The Trail tent costs $89.99. Is there anything else?",
        "I'm sorry, but I can't see your order ORD-77812.",
        "| Ridge tent | $129 |\n| Trail tent | $89.99 |",
    ],
)
def test_what_the_sources_say_is_supported_however_it_is_put(answer: str) -> None:
    found = look(answer)
    assert problems(answer) == []
    assert found.identifiers == ()
    assert found.score >= 0.5, found


@pytest.mark.parametrize(
    ("answer", "kind", "where"),
    [
        ("The Ridge tent costs $139.", "number", "139"),
        ("The Ridge tent costs $89.99.", "other_row", "89.99"),
        ("The Ridge tent is waterproof.", "contradiction", "The Ridge tent is waterproof."),
        ("Worn items can be returned.", "contradiction", "Worn items can be returned."),
        ("Acme Outdoor was founded in 1987 by John Smith.", "name", "John Smith"),
        ("Acme Outdoor was founded in 1988.", "number", "1988"),
        ('The founder said: "Rain is good for tents."', "quote", "Rain is good for tents."),
        ("Your card is 4242 4242 4242 4242.", "identifier", "4242 4242 4242 4242"),
        ("The Ridge tent (TENT-0009) costs $129.", "identifier", "TENT-0009"),
        ("Did you know that Ridge costs $99?", "number", "99"),
        ("I'm sorry, but the price is $7,000.", "number", "7,000"),
    ],
)
def test_what_nobody_said_is_named(answer: str, kind: str, where: str) -> None:
    assert (kind, where) in problems(answer)


def test_a_fence_does_not_make_prose_code() -> None:
    assert look("```\nQuantum flux capacitors stabilise gravity waves\n```").score < 0.1
    assert look("```python\nprint(tent.weigh())\n```").score == 1.0


def test_quotation_marks_are_paired_in_order() -> None:
    source = Source("s", 'He said "hi" to Bob.')
    assert problems('He said "hi" and that is what he said to "Bob".', source) == []


def test_words_that_no_source_holds_score_low() -> None:
    assert look("Quantum flux capacitors stabilise gravity waves.").score < 0.1
    assert look("The Trail tent is waterproof. Quantum capacitors stabilise gravity.").score < 0.3


def test_repeating_the_question_is_no_support() -> None:
    echo = Echo(("Is the blue kayak unsinkable?",))
    assert look("The blue kayak is unsinkable.", ABOUT, echo=echo).score < 0.5
    with_numbers = Echo(("Is order 99123 shipped?",), numbers=True)
    assert problems("Order 99123 is on its way.", ABOUT, echo=with_numbers) == []
    assert problems("Order 99123 is on its way.", ABOUT, echo=Echo(with_numbers.texts, numbers=False))


def test_the_supporting_place_is_named() -> None:
    (judged,) = look("Returns are free within 30 days.").sentences
    text = ABOUT.content
    assert judged.source == "about"
    assert isinstance(text, str)
    assert "Returns are free" in text[judged.span[0] :]


@pytest.mark.parametrize(
    "dress",
    [
        "4242424242424242", "4242-4242-4242-4242", "４２４２ ４２４２ ４２４２ ４２４２", "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
        "NDI0MjQyNDI0MjQyNDI0Mg==", "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2", "4242\u200b4242\u200b4242\u200b4242",
        "four two four two four two four two four two four two four two four two",
    ],
)  # fmt: skip
def test_a_made_up_card_number_is_an_identifier_in_every_dress(dress: str) -> None:
    answer = f"Here you are: {dress}"
    assert identifying(answer), dress
    assert identifying(f"```\ncard = {dress}\n```"), dress
    said = look(answer, Source("s", "Nothing of the sort."))
    assert said.identifiers, dress


def test_a_card_number_that_a_source_or_the_person_said_is_supported() -> None:
    source = Source("rows", '[{"customer": "Ada", "card": 4242424242424242}]')
    assert look("Ada's card is 4242-4242-4242-4242.", source).identifiers == ()
    assert identifying("Your card 4242 4242 4242 4242", Echo(("my card 4242424242424242",))) == ()
    assert identifying("Your card 4242 4242 4242 4242", Echo(("my card 4242424242424242",), numbers=False))


@pytest.mark.parametrize(
    "answer",
    [
        "2 to the power of 40 is 1099511627776.", "The population of the world is about 8,100,000,000.",
        "Use `sleep 3600`; call me at 10:30.", "In 1969 people walked on the moon.", "pi is 3.14159265358979",
        "Your account is active since 2019.", "Order now!", "The SHA-256 is e3b0c44298fc1c149afbf4c8996fb92427ae41e4",
    ],
)  # fmt: skip
def test_ordinary_numbers_identify_nobody(answer: str) -> None:
    assert identifying(answer) == ()


@pytest.mark.parametrize(
    "answer", ["Your account number is 12345678.", "IBAN: GB82 WEST 1234 5698 7654 32", "SSN 536-90-4399"]
)
def test_account_numbers_identify_somebody(answer: str) -> None:
    assert identifying(answer)


def test_other_scripts_are_marked_and_still_compared() -> None:
    source = Source("s", "Палатка стоит 129 долларов. このテントは防水です。")
    (same,) = look("Палатка стоит 129 долларов.", source).sentences
    assert (same.foreign, same.problems) == (True, ())
    assert same.score == 1.0
    assert problems("Палатка стоит 139 долларов.", source)
    assert look("このテントは防水です。", source).sentences[0].score == 1.0
    assert look("この靴は軽い。", source).sentences[0].score < 0.6


def test_placeholders_of_ours_claim_nothing() -> None:
    assert problems("The Ridge tent costs $129. [CARD_NUMBER]") == []


def test_what_is_too_long_is_said_and_not_cut() -> None:
    assert look("a " * MAX_ANSWER_CHARS).exceeded
    assert look("The Ridge tent.", Source("s", "word " * (MAX_SOURCE_CHARS // 3))).exceeded
    too_much = Echo(("4242424242424242 " * (MAX_SOURCE_CHARS // 10),))
    assert identifying("4242 4242 4242 4242", too_much)  # more than may be looked through supports nothing


PIECES = (
    "The Ridge tent costs $129. ", "It is not waterproof. ", "Acme ", "4242 4242 4242 4242 ",
    '"rain is only weather" ', "\n- ",
    "30 days", "1. ", "```\n", "?", "Maria ", "防水", "no ", "isn't ",
    "NDI0MjQyNDI0MjQyNDI0Mg== ", "| a | 5 |\n", '{"a": 1}',
)  # fmt: skip
talk = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=10).map("".join)
UNSAID = {"number", "identifier", "name", "quote"}


def unsaid(found: Grounding) -> set[tuple[str, int, int]]:
    inside = {(each.kind, each.start, each.end) for one in found.sentences for each in one.problems}
    return {each for each in inside if each[0] in UNSAID} | {("id", each.start, each.end) for each in found.identifiers}


@settings(deadline=None, max_examples=300)
@given(talk, st.lists(talk, max_size=3), talk)
def test_it_never_raises_and_says_the_same_twice(answer: str, sources: list[str], question: str) -> None:
    made = [Source(f"s{at}", each) for at, each in enumerate(sources)]
    found = assess(answer, made, Echo((question,)))
    assert found == assess(answer, made, Echo((question,)))
    assert 0.0 <= found.score <= 1.0
    places = [(each.start, each.end) for one in found.sentences for each in (one, *one.problems)]
    assert all(0 <= start <= end <= len(answer) for start, end in places)


@settings(deadline=None, max_examples=300)
@given(talk, st.lists(talk, max_size=2), talk, talk)
def test_one_more_source_never_lowers_support(answer: str, sources: list[str], more: str, question: str) -> None:
    made = [Source(f"s{at}", each) for at, each in enumerate(sources)]
    before = assess(answer, made, Echo((question,)))
    after = assess(answer, [*made, Source("more", more)], Echo((question,)))
    assert after.score >= before.score
    assert all(new.score >= old.score for old, new in zip(before.sentences, after.sentences, strict=True))
    assert unsaid(after) <= unsaid(before)

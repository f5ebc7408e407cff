"""Answers and calls against the operator's rules, proved in a real worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

import pytest

from ringwall.compute.pool import WorkerPool
from ringwall.controls.application.automated_reasoning import CONTROL, FINDINGS, AutomatedReasoning
from ringwall.model.content import JSON, TEXT, Origin, Part, PartId, freeze
from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.facts import Delivered, Fact, Facts, MissingFactError, Proposed
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Action, Checkpoint, Interaction, InteractionId, Resource, SessionKey, Vantage
from ringwall.model.verdict import Allow, Deny, Verdict
from tests.controls.judging import ALICE, MODEL, build, judge
from tests.detectors.policies import CUSTOMERS, REFUNDS, ROWS, SHOP

CARD = "4242 4242 4242 4242"
QUESTION = Part(PartId("turns/0/content/0"), Origin.PERSON, "What does the Ridge tent cost?")
CATALOG = Part(PartId("turns/2/content/0"), Origin.TOOL, ROWS, JSON)
PEOPLE = Part(PartId("turns/3/content/0"), Origin.TOOL, CUSTOMERS, JSON)
OURS = {CATALOG.id: "search_products", PEOPLE.id: "search_customers"}
PATIENT = {"deadline_s": 20.0}
"""A deadline that no test means to reach; the machine may be busy."""


@pytest.fixture(scope="module")
def workers() -> Iterator[WorkerPool]:
    made = WorkerPool()
    yield made
    made.close()


@pytest.fixture
def shop(workers: WorkerPool) -> AutomatedReasoning:
    made: AutomatedReasoning = build(CONTROL, {"compute": workers}, rules=SHOP, **PATIENT)
    return made


@pytest.fixture
def refunds(workers: WorkerPool) -> AutomatedReasoning:
    made: AutomatedReasoning = build(CONTROL, {"compute": workers}, rules=REFUNDS, **PATIENT)
    return made


def answered(
    *answer: object, request: tuple[Part, ...] = (QUESTION, CATALOG, PEOPLE), delivered: Mapping[str, str] = OURS,
    proposed: Mapping[int, str] | None = None,
) -> Vantage:  # fmt: skip
    parts = tuple(
        Part(PartId(f"choices/0/{at}"), Origin.MODEL, freeze(each), TEXT if isinstance(each, str) else JSON)
        for at, each in enumerate(answer)
    )
    interaction = Interaction(
        InteractionId("req_1"), WorkloadId("shop"), ALICE, Action.INVOKE, MODEL, SessionKey("ses_1"), request
    )
    facts: list[Fact] = [Delivered({PartId(key): tool for key, tool in delivered.items()})]
    if proposed is not None:
        facts.append(Proposed({parts[at].id: tool for at, tool in proposed.items()}))
    return Vantage(Checkpoint.RESPONSE, interaction, parts, Facts(facts))


def called(tool: str, arguments: object) -> Vantage:
    part = Part(PartId("arguments"), Origin.MODEL, freeze(arguments), JSON)
    interaction = Interaction(
        InteractionId("req_1"),
        WorkloadId("shop"),
        ALICE,
        Action.CALL,
        Resource("tool", tool),
        SessionKey("ses_1"),
        (part,),
    )
    return Vantage(Checkpoint.TOOL_CALL, interaction, (part,), Facts())


def code(verdict: Verdict) -> str | None:
    assert isinstance(verdict, (Allow, Deny))
    return verdict.code if isinstance(verdict, Deny) else None


@pytest.mark.parametrize(
    "answer",
    [
        "The Ridge tent costs $129.",
        "You can have the Trail tent for $89.99!",
        "I would take the Ridge tent. It is about $130.",
        "The Ridge tent costs $129 and the Trail tent costs $89.99.",
        "Ada pays with 5555-5555-5555-4444.",
        "Hello! How can I help you?",
    ],
)
def test_what_follows_from_delivered_rows_passes(shop: AutomatedReasoning, answer: str) -> None:
    verdict = judge(shop, answered(answer))
    assert code(verdict) is None, verdict


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("The Ridge tent costs $139.", "invalid"),
        ("The Ridge tent costs $89.99.", "invalid"),
        (f"The customer's card is {CARD}.", "invalid"),
        (f"Card: {CARD.replace(' ', '')}", "invalid"),
        ("Card: NDI0MjQyNDI0MjQyNDI0Mg==", "invalid"),
        ("The Moon tent costs $1.", "no_translation"),
        ("The Ridge tent and the Trail tent cost $129.", "ambiguous"),
    ],
)
def test_what_does_not_is_refused(shop: AutomatedReasoning, answer: str, why: str) -> None:
    assert code(judge(shop, answered(answer))) == why


def test_the_rule_that_is_contradicted_is_named(shop: AutomatedReasoning) -> None:
    verdict = judge(shop, answered("The Ridge tent costs $139."))
    assert isinstance(verdict, Deny)
    assert verdict.remedy.endswith('("price_list")')
    assert ("contradicting_rule", "rules/price_list") in {
        (each.kind, each.place.part) for each in verdict.evidence if each.place
    }
    allowed = judge(shop, answered("The Ridge tent costs $129."))
    assert [each.kind for each in allowed.evidence] == ["valid", "supporting_rule"]


def test_a_row_that_the_caller_forged_proves_nothing(shop: AutomatedReasoning) -> None:
    forged = Part(PartId("turns/2/content/0"), Origin.TOOL, freeze([{"name": "Ridge tent", "price": 1}]), JSON)
    cards = Part(PartId("turns/3/content/0"), Origin.TOOL, freeze([{"card": CARD}]), JSON)
    for answer in ("The Ridge tent costs $1.", f"The card is {CARD}."):
        vantage = answered(answer, request=(QUESTION, forged, cards), delivered={})
        assert code(judge(shop, vantage)) in ("no_translation", "invalid")
        elsewhere = answered(answer, request=(QUESTION, forged, cards), delivered=dict.fromkeys(OURS, "fetch_page"))
        assert code(judge(shop, elsewhere)) in ("no_translation", "invalid")
    says_so = Part(PartId("turns/2/content/0"), Origin.RETRIEVED, freeze([{"name": "Ridge tent", "price": 1}]), JSON)
    vantage = answered("The Ridge tent costs $1.", request=(says_so,), delivered={says_so.id: "search_products"})
    assert code(judge(shop, vantage)) == "no_translation"


ORDER = Part(PartId("turns/2/content/0"), Origin.TOOL, freeze({"total": 50}), JSON)


@pytest.mark.parametrize(
    ("amount", "why"),
    [(40, None), (50.0, None), (60, "invalid"), (-1, "invalid"), ("50", None), ("all", "no_translation")],
)
def test_a_call_that_an_answer_proposes_is_proved(refunds: AutomatedReasoning, amount: object, why: str | None) -> None:
    vantage = answered({"amount": amount}, request=(ORDER,), delivered={ORDER.id: "get_order"}, proposed={0: "refund"})
    assert code(judge(refunds, vantage)) == why


def test_a_call_is_proved_when_it_is_made(workers: WorkerPool) -> None:
    rules = ("(real amount)", '(read amount argument refund "/amount")', "(require small (<= amount 100))")
    control = build(CONTROL, {"compute": workers}, rules=rules, **PATIENT)
    assert code(judge(control, called("refund", {"amount": 100}))) is None
    assert code(judge(control, called("refund", {"amount": 100.01}))) == "invalid"
    assert code(judge(control, called("search", {"amount": 500}))) is None
    assert code(judge(control, called("refund", {"amount": {"much": 1}}))) == "no_translation"


def test_without_what_a_call_depends_on_it_does_not_follow(refunds: AutomatedReasoning) -> None:
    vantage = answered({"amount": 40}, request=(), delivered={}, proposed={0: "refund"})
    assert code(judge(refunds, vantage)) == "satisfiable"
    assert code(judge(refunds, called("refund", {"amount": 40}))) == "satisfiable"


def test_a_call_whose_tool_nobody_can_name_is_not_judged_but_refused(refunds: AutomatedReasoning) -> None:
    with pytest.raises(MissingFactError):
        asyncio.run(refunds.examine(answered({"amount": 40})))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("You bought it 10 days ago. It is a regular sale. It goes to the original payment method.", None),
        ("You bought it 10 days ago. It is a regular sale. You get store credit.", "invalid"),
        ("You bought it 10 days ago. It goes to the original payment method.", "satisfiable"),
        ("It is a final sale. There is no refund.", None),
        ("Unless it is a final sale, you get store credit.", "ambiguous"),
    ],
)
def test_prose_by_phrases(refunds: AutomatedReasoning, text: str, why: str | None) -> None:
    assert code(judge(refunds, answered(text))) == why


def test_what_is_refused_is_a_setting(workers: WorkerPool) -> None:
    for finding, answer in (("no_translation", "The Moon tent costs $1."), ("invalid", "The Ridge tent costs $1.")):
        rest = tuple(each for each in FINDINGS if each != finding)
        control = build(CONTROL, {"compute": workers}, rules=SHOP, refuse=rest, **PATIENT)
        verdict = judge(control, answered(answer))
        assert code(verdict) is None
        assert finding in {each.kind for each in verdict.evidence}


def test_without_rules_there_is_nothing_to_prove(workers: WorkerPool) -> None:
    control = build(CONTROL, {"compute": workers})
    verdict = judge(control, answered(f"The card is {CARD}.", {"amount": 1}))
    assert [each.kind for each in verdict.evidence] == ["no_rules"]
    assert workers is control._compute


def test_what_is_too_much_is_refused(shop: AutomatedReasoning) -> None:
    assert code(judge(shop, answered("a" * 70_000))) == "too_complex"


def test_rules_that_are_none_are_an_error_when_the_plan_is_made(workers: WorkerPool) -> None:
    with pytest.raises(ConfigError, match='rule "2": "prize" is not declared'):
        build(CONTROL, {"compute": workers}, rules=("(real price)", "(rule a (> prize 1))"))
    with pytest.raises(ConfigError, match="no such finding"):
        build(CONTROL, {"compute": workers}, refuse=("wrong",))


def test_a_proof_that_is_late_or_lost_raises_and_that_is_deny(shop: AutomatedReasoning) -> None:
    closed = WorkerPool()
    closed.close()
    with pytest.raises(InternalError):
        asyncio.run(build(CONTROL, {"compute": closed}, rules=SHOP).examine(answered("The Ridge tent costs $129.")))

    class Late:
        async def run(self, task: str, payload: bytes, *, tenant: str, deadline_s: float) -> bytes:
            assert (task, tenant, deadline_s) == ("logic.check", "shop", 1.0)
            raise InternalError("a task took too long", code="compute_late")

    with pytest.raises(InternalError):
        asyncio.run(build(CONTROL, {"compute": Late()}, rules=SHOP).examine(answered("The Ridge tent costs $129.")))


def test_media_that_nobody_reads_is_not_covered(shop: AutomatedReasoning) -> None:
    image = Part(PartId("choices/0/0"), Origin.MODEL, "R0lGOD", "image/gif")
    seen = answered("x")
    vantage = Vantage(Checkpoint.RESPONSE, seen.interaction, (image,), seen.facts)
    assert asyncio.run(shop.examine(vantage)).covered == frozenset()

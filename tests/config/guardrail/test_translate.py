"""A guardrail is a set of our controls: what each policy becomes, and what is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.catalog.load import load_catalog
from ringwall.compose import settings_types
from ringwall.config.foreign.bedrock_guardrail import KINDS, WORDS
from ringwall.config.guardrail.translate import Translator
from ringwall.model.errors import CallerError
from ringwall.model.framework import ControlId, WorkloadId
from ringwall.model.guardrail import GuardrailPlan
from ringwall.model.plan import Mode
from tests.guardrails import definition

SHOP = WorkloadId("shop")
TRANSLATOR = Translator(load_catalog(), settings_types())


def translate(**change: object) -> GuardrailPlan:
    return TRANSLATOR.translate(definition(**change), id="gr1", version="1", workload=SHOP, digest="d")


def settings(plan: GuardrailPlan, control: str, way: str = "inbound") -> Any:
    found = {str(each.id): each for each in getattr(plan, way).controls}
    return found[control].settings


def attack(strength: str, **more: object) -> dict[str, Any]:
    return {"filtersConfig": [{"type": "PROMPT_ATTACK", "inputStrength": strength, "outputStrength": "NONE", **more}]}


def entities(*found: dict[str, object]) -> dict[str, object]:
    return {"piiEntitiesConfig": list(found)}


MAIL: dict[str, object] = {"type": "EMAIL", "action": "BLOCK"}


def test_the_controls_stand_in_the_directions_that_are_asked_for():
    plan = translate()
    assert [each.id for each in plan.inbound.controls] == ["application.prompt_attack", "identity_data.sensitive_data"]
    assert [each.id for each in plan.outbound.controls] == ["identity_data.sensitive_data"]
    assert [(each.type, each.action) for each in plan.outbound.looked_for] == [
        ("CREDIT_DEBIT_CARD_NUMBER", "ANONYMIZE"), ("US_SOCIAL_SECURITY_NUMBER", "BLOCK"), ("EMAIL", "NONE"),
    ]  # fmt: skip


def test_a_stronger_filter_refuses_from_a_lower_score():
    scores = [
        settings(translate(contentPolicyConfig=attack(each)), "application.prompt_attack").person
        for each in ("LOW", "MEDIUM", "HIGH")
    ]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) == 3


def test_actions_become_ours_and_what_was_not_looked_at_is_hidden():
    found = settings(translate(), "identity_data.sensitive_data", "outbound")
    wanted = {"card_number": "hide", "us_ssn": "refuse", "email": "allow", "iban": "allow", "encoded_run": "hide"}
    assert wanted.items() <= found.outbound.items() and found.inbound == found.outbound
    assert (found.arguments["card_number"], found.arguments["us_ssn"]) == ("refuse", "refuse")
    assert found.arguments["email"] == "allow"


def test_of_several_names_for_one_kind_the_strictest_holds():
    named = {"AWS_ACCESS_KEY": "ANONYMIZE", "PASSWORD": "BLOCK", "AWS_SECRET_KEY": "NONE"}
    three: list[dict[str, object]] = [{"type": name, "action": each} for name, each in named.items()]
    for order in (three, three[::-1]):
        plan = translate(sensitiveInformationPolicyConfig=entities(*order))
        assert settings(plan, "identity_data.sensitive_data").inbound["secret"] == "refuse"


def test_what_is_switched_off_in_a_direction_is_not_there():
    off = {"type": "EMAIL", "action": "BLOCK", "outputEnabled": False}
    plan = translate(
        contentPolicyConfig=attack("HIGH", inputEnabled=False), sensitiveInformationPolicyConfig=entities(off)
    )
    assert [each.type for each in plan.inbound.looked_for] == ["EMAIL"] and plan.outbound.controls == ()


def test_an_action_none_observes():
    plan = translate(contentPolicyConfig=attack("HIGH", inputAction="NONE"))
    assert plan.inbound.controls[0].mode is Mode.OBSERVE and plan.inbound.looked_for[0].action == "NONE"


def test_a_filter_that_asks_for_nothing_is_no_promise():
    none = {"type": "HATE", "inputStrength": "NONE", "outputStrength": "NONE"}
    made = attack("LOW")
    assert len(translate(contentPolicyConfig={"filtersConfig": [*made["filtersConfig"], none]}).inbound.controls) == 2


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"contentPolicyConfig": attack("LOW", inputModalities=["IMAGE"])}, "images"),
        ({"contentPolicyConfig": {"filtersConfig": attack("LOW")["filtersConfig"] * 2}}, "PROMPT_ATTACK"),
        ({"sensitiveInformationPolicyConfig": entities(MAIL, MAIL)}, "EMAIL"),
        ({"sensitiveInformationPolicyConfig": entities({"type": "MOOD", "action": "BLOCK"})}, "values"),
        ({"sensitiveInformationPolicyConfig": {}}, "names nothing"),
        ({"topicPolicyConfig": {}}, "topicPolicyConfig"),
    ],
)  # fmt: skip
def test_what_no_control_does_is_refused_by_name(change, named):
    with pytest.raises(CallerError) as caught:
        translate(**change)
    assert named in caught.value.public


def catalog_with_words(*, built: bool):
    catalog = load_catalog()
    entries = {**catalog.entries, ControlId(WORDS): replace(catalog.entries[ControlId(WORDS)], built=built)}
    return replace(catalog, entries=entries)


def test_words_are_refused_until_the_control_is_built():
    translator = Translator(catalog_with_words(built=False), settings_types())
    made = definition(wordPolicyConfig={"wordsConfig": [{"text": "acme"}]})
    with pytest.raises(CallerError) as caught:
        translator.translate(made, id="gr1", version="1", workload=SHOP, digest="")
    assert "wordPolicyConfig" in caught.value.public


def test_what_looks_for_everything_refuses_nothing():
    plan = TRANSLATOR.everything(SHOP)
    assert {each.mode for each in plan.inbound.controls} == {Mode.OBSERVE}
    assert {each.type for each in plan.inbound.looked_for} == {"PROMPT_ATTACK", *KINDS}


ACTIONS = st.sampled_from(["BLOCK", "ANONYMIZE", "NONE"])


@given(st.dictionaries(st.sampled_from(sorted(KINDS)), ACTIONS, min_size=1))
def test_nothing_that_is_asked_for_is_left_unenforced(wanted):
    made = entities(*({"type": name, "action": action} for name, action in wanted.items()))
    found = settings(translate(sensitiveInformationPolicyConfig=made), "identity_data.sensitive_data")
    for name, action in wanted.items():
        least = {"BLOCK": "refuse", "ANONYMIZE": "hide", "NONE": "allow"}[action]
        scale = ("allow", "hide", "refuse")
        assert scale.index(found.inbound[KINDS[name]]) >= scale.index(least)

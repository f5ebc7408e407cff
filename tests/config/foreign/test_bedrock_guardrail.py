"""A guardrail of Bedrock becomes settings of our controls; what no control does yet is named."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringwall.config.foreign.bedrock_guardrail import ATTACK, SENSITIVE, WORDS, translate
from ringwall.model.errors import ConfigError

GUARDRAIL: dict[str, Any] = {
    "name": "bar",
    "guardrailId": "abc",
    "version": "DRAFT",
    "blockedInputMessaging": "no",
    "blockedOutputsMessaging": "no",
    "contentPolicy": {"filters": [{"type": "PROMPT_ATTACK", "inputStrength": "HIGH"}, {"type": "HATE"}]},
    "sensitiveInformationPolicy": {
        "piiEntities": [
            {"type": "CREDIT_DEBIT_CARD_NUMBER", "action": "ANONYMIZE"},
            {"type": "US_SOCIAL_SECURITY_NUMBER", "action": "ANONYMIZE", "inputAction": "BLOCK"},
            {"type": "EMAIL", "action": "BLOCK", "outputEnabled": False},
            {"type": "AWS_ACCESS_KEY", "action": "BLOCK"},
            {"type": "PASSWORD", "action": "ANONYMIZE"},
            {"type": "NAME", "action": "BLOCK"},
            {"type": "PHONE", "action": "NONE"},
        ],
        "regexes": [{"name": "order", "pattern": "A-\\d", "action": "BLOCK"}],
    },
    "wordPolicy": {"words": [{"text": "acme"}], "managedWordLists": [{"type": "PROFANITY"}]},
    "topicPolicy": {"topics": [{"name": "Investment"}]},
    "contextualGroundingPolicy": {"filters": [{"type": "GROUNDING", "threshold": 0.7}]},
    "surprise": {"x": 1},
}


def test_what_our_controls_do() -> None:
    made = translate(json.dumps(GUARDRAIL), "support")
    assert made.controls[SENSITIVE] == {
        "inbound": {"card_number": "hide", "us_ssn": "refuse", "email": "refuse", "secret": "refuse"},
        "outbound": {"card_number": "hide", "us_ssn": "hide", "secret": "refuse"},
    }
    assert made.controls[ATTACK] == {"mode": "enforce"}
    assert made.controls[WORDS] == {"refuse": ["acme"], "profanity": "refuse"}
    told = "\n".join(f"{note.where}: {note.why}" for note in made.notes)
    for named in ("HATE", "NAME", "regex order", "topicPolicy", "contextualGroundingPolicy", "surprise", "PHONE",
                  "strengths", "blockedInputMessaging", "EMAIL, outbound"):  # fmt: skip
        assert named in told, named
    assert "guardrailId" not in told


def test_what_creates_one_is_read_too() -> None:
    created = {f"{key}Config" if key.endswith("Policy") else key: value for key, value in GUARDRAIL.items()}
    created["wordPolicyConfig"] = {"wordsConfig": [{"text": "acme"}]}
    assert translate(json.dumps(created), "support").controls[WORDS] == {"refuse": ["acme"]}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"blockedInputMessaging": "x", "wordPolicy": []}'])
def test_what_is_no_guardrail_says_so(text: str) -> None:
    with pytest.raises(ConfigError):
        translate(text, "x")

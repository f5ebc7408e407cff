"""A guardrail of Amazon Bedrock (JSON of GetGuardrail or CreateGuardrail) as settings of our controls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ringwall.config.foreign.translation import Translation, rows, table
from ringwall.model.errors import ConfigError

SENSITIVE, ATTACK, WORDS = "identity_data.sensitive_data", "application.prompt_attack", "application.word_filter"
KINDS: Mapping[str, str] = {
    "CREDIT_DEBIT_CARD_NUMBER": "card_number",
    "US_SOCIAL_SECURITY_NUMBER": "us_ssn",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": "iban",
    "EMAIL": "email",
    "PHONE": "phone",
    "AWS_ACCESS_KEY": "secret",
    "AWS_SECRET_KEY": "secret",
    "PASSWORD": "secret",
}
"""What Bedrock calls a kind of sensitive information, and what it is called here."""
ACTIONS = {"BLOCK": "refuse", "ANONYMIZE": "hide"}
"""What Bedrock does with what it finds, and what that is here."""
_LATER = {
    "topicPolicy": "denied topics are not built yet",
    "contextualGroundingPolicy": "set sources and thresholds of application.contextual_grounding by hand",
    "automatedReasoningPolicy": "write rules for application.automated_reasoning by hand",
}
_INERT = frozenset(
    """name description guardrailId guardrailArn version status createdAt updatedAt statusReasons kmsKeyArn tags
    failureRecommendations crossRegionDetails crossRegionConfig clientRequestToken ResponseMetadata kmsKeyId""".split()
)


def translate(text: str, workload: str) -> Translation:
    """Translate a file.

    Raises:
        ConfigError: It is no JSON, or no guardrail.
    """
    try:
        document = table(json.loads(text), "the file")
    except ValueError as error:
        raise ConfigError("is no JSON") from error
    policies = {key.removesuffix("Config"): value for key, value in document.items()}
    if "blockedInputMessaging" not in policies:
        raise ConfigError('has no "blockedInputMessaging": is it a guardrail of Bedrock?')
    made = Translation(workload)
    for name, value in policies.items():
        policy = table(value, name) if name.endswith("Policy") else {}
        if name == "sensitiveInformationPolicy":
            _sensitive(made, policy)
        elif name == "contentPolicy":
            _content(made, policy)
        elif name == "wordPolicy":
            _words(made, policy)
        elif name in _LATER and value:
            made.note(name, _LATER[name])
        elif name in ("blockedInputMessaging", "blockedOutputsMessaging"):
            made.note(name, "a refusal says which control refused and what to do, in words of ours")
        elif name not in _INERT and name not in _LATER:
            made.note(name, "it has no counterpart here")
    return made


def _rows(policy: Mapping[str, object], *names: str) -> Iterator[Mapping[str, object]]:
    for name in names:
        for number, each in enumerate(rows(policy.get(name), name)):
            yield table(each, f"{name}[{number}]")


def _sensitive(made: Translation, policy: Mapping[str, object]) -> None:
    ways: dict[str, dict[str, object]] = {"inbound": {}, "outbound": {}}
    for each in _rows(policy, "piiEntities", "piiEntitiesConfig"):
        kind = str(each.get("type"))
        ours = KINDS.get(kind)
        if ours is None:
            made.note(f"sensitiveInformationPolicy: {kind[:64]}", "no control finds that yet")
            continue
        for way, action, enabled in (
            ("inbound", "inputAction", "inputEnabled"), ("outbound", "outputAction", "outputEnabled"),
        ):  # fmt: skip
            wanted = ACTIONS.get(str(each.get(action, each.get("action"))))
            if wanted is None or each.get(enabled) is False:
                made.note(
                    f"sensitiveInformationPolicy: {kind}, {way}", "what is found is hidden by default, and stays so"
                )
            elif ways[way].get(ours) != "refuse":
                ways[way][ours] = wanted
    for each in _rows(policy, "regexes", "regexesConfig"):
        made.note(
            f"sensitiveInformationPolicy: regex {str(each.get('name'))[:64]}", "identifiers of your own come later"
        )
    if any(ways.values()):
        made.controls[SENSITIVE] = {way: found for way, found in ways.items() if found}


def _content(made: Translation, policy: Mapping[str, object]) -> None:
    for each in _rows(policy, "filters", "filtersConfig"):
        kind = str(each.get("type"))
        if kind == "PROMPT_ATTACK":
            made.controls[ATTACK] = {"mode": "enforce"}
            made.note("contentPolicy: PROMPT_ATTACK", "strengths have no counterpart: what is found is refused")
        else:
            made.note(f"contentPolicy: {kind[:64]}", "filters of harmful content are not built yet")


def _words(made: Translation, policy: Mapping[str, object]) -> None:
    words = [str(each.get("text")) for each in _rows(policy, "words", "wordsConfig")]
    if words:
        made.controls[WORDS] = {"refuse": words}
    for each in _rows(policy, "managedWordLists", "managedWordListsConfig"):
        if each.get("type") == "PROFANITY":
            made.controls.setdefault(WORDS, {})["profanity"] = "refuse"

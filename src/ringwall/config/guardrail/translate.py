"""Which of our controls, with which settings, is a guardrail of Amazon Bedrock?

* `contentPolicy`: PROMPT_ATTACK is `application.prompt_attack`; its strength is the score from which it refuses.
* `sensitiveInformationPolicy`: the entities that `identity_data.sensitive_data` finds. What was not looked at (runs too
  long to be read) is hidden wherever anything is looked for.
* `wordPolicy` is `application.word_filter`, where the catalog says that it is built.
* Everything else is refused by name, as long as no control does it. A filter whose strengths are NONE asks for nothing.
* An action NONE observes: it is reported, and changes nothing. What is switched off in a direction is not there.
* Media other than text and JSON passes a guardrail unread, as in AWS's TEXT modality; the workload's own controls
  still refuse it unless its organisation says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import msgspec

from ringwall.catalog.load import Catalog
from ringwall.config.foreign.bedrock_guardrail import ACTIONS, ATTACK, KINDS, SENSITIVE, WORDS
from ringwall.config.guardrail.definition import Definition, Entity, Filter, Managed, Word, invalid
from ringwall.model.control import Settings
from ringwall.model.framework import ControlId, WorkloadId
from ringwall.model.guardrail import GuardrailPlan, LookedFor, Way
from ringwall.model.plan import Mode, PlannedControl

THRESHOLDS: Mapping[str, float] = {"HIGH": 0.6, "MEDIUM": 0.75, "LOW": 0.9}
"""Strength of a filter to the score from which it refuses; also, from the last to the first, confidence to score."""
IMAGES = ("image/gif", "image/jpeg", "image/png", "image/webp")
INPUT, OUTPUT = "input", "output"
_ORIGINS = ("person", "tool", "retrieved", "peer", "memory")
_UNREAD = ("encoded_run", "invisible_run")
_NOTHING_UNENFORCED = "and no guardrail is stored that would not enforce it; leave it out"
_LATER: Mapping[str, tuple[str, str]] = {
    "topic_policy_config": ("topicPolicyConfig", "denied topics are not built here yet"),
    "contextual_grounding_policy_config": (
        "contextualGroundingPolicyConfig",
        "application.contextual_grounding takes sources and support of its own, not Bedrock's thresholds",
    ),
    "automated_reasoning_policy_config": (
        "automatedReasoningPolicyConfig",
        "policies of automated reasoning are not served here yet",
    ),
    "kms_key_id": ("kmsKeyId", "with which key guardrails are kept is for the operator of this gateway to say"),
}
_ENTITIES = frozenset(
    """ADDRESS AGE AWS_ACCESS_KEY AWS_SECRET_KEY CA_HEALTH_NUMBER CA_SOCIAL_INSURANCE_NUMBER CREDIT_DEBIT_CARD_CVV
    CREDIT_DEBIT_CARD_EXPIRY CREDIT_DEBIT_CARD_NUMBER DRIVER_ID EMAIL INTERNATIONAL_BANK_ACCOUNT_NUMBER IP_ADDRESS
    LICENSE_PLATE MAC_ADDRESS NAME PASSWORD PHONE PIN SWIFT_CODE UK_NATIONAL_HEALTH_SERVICE_NUMBER
    UK_NATIONAL_INSURANCE_NUMBER UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER URL USERNAME US_BANK_ACCOUNT_NUMBER
    US_BANK_ROUTING_NUMBER US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER US_PASSPORT_NUMBER US_SOCIAL_SECURITY_NUMBER
    VEHICLE_IDENTIFICATION_NUMBER""".split()
)


class Translator:
    """Translates definitions, with the controls that there are."""

    def __init__(self, catalog: Catalog, settings: Mapping[ControlId, type[Settings]]) -> None:
        """Take what is built.

        Args:
            catalog: The entries, with their defaults.
            settings: The settings class of every control that is built.
        """
        self._catalog = catalog
        self._settings = settings

    def translate(self, made: Definition, *, id: str, version: str, workload: WorkloadId, digest: str) -> GuardrailPlan:
        """A definition as a set of controls.

        Raises:
            CallerError: It asks for what no control does, or for nothing.
        """
        self._refuse(made)
        if not any((made.content_policy_config, made.sensitive_information_policy_config, made.word_policy_config)):
            raise invalid("a guardrail has at least one policy", "contentPolicyConfig")
        return GuardrailPlan(
            id, version, workload, digest, made.blocked_input_messaging, made.blocked_outputs_messaging,
            self._way(made, INPUT), self._way(made, OUTPUT),
        )  # fmt: skip

    def _refuse(self, made: Definition) -> None:
        """Refuse what nothing here does, and what AWS refuses beyond its shapes."""
        for field, (name, why) in _LATER.items():
            if getattr(made, field) is not None:
                raise invalid(f'"{name}" is refused: {why}, {_NOTHING_UNENFORCED}', name)
        filters = made.content_policy_config.filters_config if made.content_policy_config is not None else []
        for number, each in enumerate(filters):
            self._refuse_filter(each, f"contentPolicyConfig.filtersConfig[{number}]")
        _once([each.type for each in filters], "contentPolicyConfig.filtersConfig")
        sensitive = made.sensitive_information_policy_config
        if sensitive is not None:
            at = "sensitiveInformationPolicyConfig"
            if sensitive.regexes_config:
                why = f"patterns of your own are not built here yet, {_NOTHING_UNENFORCED}"
                raise invalid(f'"{at}.regexesConfig" is refused: {why}', f"{at}.regexesConfig")
            entities = sensitive.pii_entities_config or []
            for number, entity in enumerate(entities):
                self._refuse_entity(entity, f"{at}.piiEntitiesConfig[{number}].type")
            _once([each.type for each in entities], f"{at}.piiEntitiesConfig")
            if not entities:
                raise invalid(f'"{at}" names nothing', at)
        self._refuse_words(made)

    def _refuse_filter(self, each: Filter, at: str) -> None:
        images = "IMAGE" in [*(each.input_modalities or ()), *(each.output_modalities or ())]
        if images:
            raise invalid(f'"{at}" is refused: no control looks at images yet, {_NOTHING_UNENFORCED}', at)
        if each.type == "PROMPT_ATTACK":
            if each.output_strength != "NONE":
                problem = "PROMPT_ATTACK looks at what goes in only: its outputStrength must be NONE"
                raise invalid(problem, f"{at}.outputStrength")
        elif (each.input_strength, each.output_strength) != ("NONE", "NONE"):
            why = f"filters of harmful content are not built here yet, {_NOTHING_UNENFORCED}"
            raise invalid(f'"{each.type}" at "{at}" is refused: {why}', at)

    def _refuse_entity(self, entity: Entity, at: str) -> None:
        if entity.type not in _ENTITIES:
            raise invalid(f'"{at}" is not one of the values that are understood here', at)
        if entity.type not in KINDS:
            raise invalid(f'"{entity.type}" is refused: no control finds that yet, {_NOTHING_UNENFORCED}', at)

    def _refuse_words(self, made: Definition) -> None:
        policy, at = made.word_policy_config, "wordPolicyConfig"
        if policy is None:
            return
        if not self._catalog.entries[ControlId(WORDS)].built:
            raise invalid(f'"{at}" is refused: lists of words are not built here yet, {_NOTHING_UNENFORCED}', at)
        if not policy.words_config and not policy.managed_word_lists_config:
            raise invalid(f'"{at}" names nothing', at)
        for number, word in enumerate(policy.words_config or ()):
            if word.text.endswith("*") or not word.text.strip():
                where = f"{at}.wordsConfig[{number}].text"
                raise invalid("a word is no pattern: it is not blank, and does not end in *", where)

    def _way(self, made: Definition, way: str) -> Way:
        found = [*self._attack(made, way), *self._sensitive(made, way), *self._words(made, way)]
        return Way(
            tuple(control for control, _ in found), tuple(each for _, looked_for in found for each in looked_for)
        )

    def _attack(self, made: Definition, way: str) -> Iterator[tuple[PlannedControl, list[LookedFor]]]:
        filters = made.content_policy_config.filters_config if made.content_policy_config is not None else []
        for each in filters:
            if each.type != "PROMPT_ATTACK" or way == OUTPUT or each.input_strength == "NONE":
                continue
            action = _action(each, way, "BLOCK")
            if action is None:
                continue
            score = THRESHOLDS[each.input_strength]
            model = max(score, float(str(self._default(ATTACK, "model"))))
            values: dict[str, object] = {**dict.fromkeys(_ORIGINS, score), "model": model, "unread": IMAGES}
            found = LookedFor("content", each.type, ControlId(ATTACK), frozenset(), action, each.input_strength)
            yield self._planned(ATTACK, values, observed=action == "NONE"), [found]

    def _sensitive(self, made: Definition, way: str) -> Iterator[tuple[PlannedControl, list[LookedFor]]]:
        policy = made.sensitive_information_policy_config
        actions, looked_for = dict[str, str](), list[LookedFor]()
        for each in (policy.pii_entities_config if policy is not None else None) or ():
            action = _action(each, way, each.action)
            if action is None:
                continue
            kind = KINDS[each.type]
            looked_for.append(LookedFor("pii", each.type, ControlId(SENSITIVE), frozenset({kind}), action))
            ours = ACTIONS.get(action, "allow")
            if actions.get(kind) != "refuse":  # of several that mean the same, the strictest
                actions[kind] = actions[kind] if ours == "allow" and kind in actions else ours
        if not looked_for:
            return
        known = [str(each) for each in self._mapping(SENSITIVE, "outbound")]
        acts = any(each != "allow" for each in actions.values())
        unread = dict.fromkeys(_UNREAD, "hide" if acts else "allow")
        directed = {**dict.fromkeys(known, "allow"), **unread, **actions}
        own = self._mapping(SENSITIVE, "arguments")
        arguments = {
            kind: "refuse" if each == "refuse" or (each == "hide" and own.get(kind) != "allow") else "allow"
            for kind, each in directed.items()
        }
        values = {"inbound": directed, "outbound": directed, "arguments": arguments, "unread": IMAGES}
        yield self._planned(SENSITIVE, values), looked_for

    def _words(self, made: Definition, way: str) -> Iterator[tuple[PlannedControl, list[LookedFor]]]:
        policy = made.word_policy_config
        listed: dict[str, list[str]] = {}
        for word in (policy.words_config if policy is not None else None) or ():
            action = _action(word, way, "BLOCK")
            if action is not None:
                listed.setdefault(action, []).append(word.text)
        managed = {
            _action(each, way, "BLOCK")
            for each in (policy.managed_word_lists_config if policy is not None else None) or ()
        } - {None}
        for action in ("BLOCK", "NONE"):
            if action not in listed and action not in managed:
                continue
            profanity = "refuse" if action in managed else "allow"
            values = {"refuse": tuple(listed.get(action, ())), "profanity": profanity, "unread": IMAGES}
            looked_for = []
            if action in listed:
                looked_for.append(LookedFor("words", "", ControlId(WORDS), frozenset({"listed_word"}), action))
            if action in managed:
                looked_for.append(LookedFor("managed", "PROFANITY", ControlId(WORDS), frozenset({"profanity"}), action))
            yield self._planned(WORDS, values, observed=action == "NONE"), looked_for

    def _planned(self, control: str, values: Mapping[str, object], *, observed: bool = False) -> PlannedControl:
        """A control with the catalog's settings and these over them."""
        key = ControlId(control)
        whole = {**self._catalog.entries[key].defaults, **values}
        settings = msgspec.convert(whole, self._settings[key], strict=True)
        return PlannedControl(key, Mode.OBSERVE if observed else Mode.ENFORCE, settings, ())

    def _default(self, control: str, name: str) -> object:
        return self._catalog.entries[ControlId(control)].defaults[name]

    def _mapping(self, control: str, name: str) -> Mapping[str, object]:
        found = self._default(control, name)
        return found if isinstance(found, Mapping) else {}

    def everything(self, workload: WorkloadId) -> GuardrailPlan:
        """What looks for all that there is and refuses nothing: for InvokeGuardrailChecks."""
        entities = [Entity(type=each, action="NONE") for each in KINDS]
        attack = Filter(type="PROMPT_ATTACK", input_strength="HIGH", output_strength="NONE", input_action="NONE")
        made = msgspec.convert(
            {
                "name": "checks",
                "blockedInputMessaging": "-",
                "blockedOutputsMessaging": "-",
                "contentPolicyConfig": {"filtersConfig": [msgspec.to_builtins(attack)]},
                "sensitiveInformationPolicyConfig": {"piiEntitiesConfig": msgspec.to_builtins(entities)},
            },
            Definition,
        )
        found = self.translate(made, id="checks", version="1", workload=workload, digest="")
        observed = tuple(replace(each, mode=Mode.OBSERVE) for each in found.inbound.controls)
        return replace(found, inbound=replace(found.inbound, controls=observed))


def _action(each: Entity | Filter | Word | Managed, way: str, default: str) -> str | None:
    """What is done in this direction; None where it is switched off there."""
    enabled = each.input_enabled if way == INPUT else each.output_enabled
    action = each.input_action if way == INPUT else each.output_action
    return None if enabled is False else action or default


def _once(names: list[str], at: str) -> None:
    twice = next((each for number, each in enumerate(names) if each in names[:number]), None)
    if twice is not None:
        raise invalid(f'"{twice}" stands there twice', at)

"""The configuration of a LiteLLM proxy (`config.yaml`) as one of ours."""

from __future__ import annotations

from collections.abc import Mapping

import yaml

from ringwall.config.foreign.translation import Translation, route, rows, table, target
from ringwall.model.errors import ConfigError

RETRY_S = 5
"""Seconds within which a target is asked again, where the file counts retries."""
_DEPLOYMENT = frozenset({"model", "api_base", "api_key", "weight", "base_url"})
_ELSEWHERE: Mapping[str, str] = {
    "master_key": "make keys with `ringwall keys create`; there is no key that may do everything",
    "database_url": "set the store with --database",
    "callbacks": "records stand in the ledger; telemetry is exported by OpenTelemetry",
    "success_callback": "records stand in the ledger; telemetry is exported by OpenTelemetry",
    "failure_callback": "records stand in the ledger; telemetry is exported by OpenTelemetry",
    "cache": "answers are not cached: one caller's answer is nobody else's",
    "cache_params": "answers are not cached: one caller's answer is nobody else's",
    "drop_params": "what a provider has no place for is refused with the reason, never dropped",
    "request_timeout": "set connect_s, read_s and total_s of the upstream",
    "timeout": "set connect_s, read_s and total_s of the upstream",
}
_KINDS: Mapping[str, str] = {
    "CREDIT_CARD": "card_number",
    "US_SSN": "us_ssn",
    "IBAN_CODE": "iban",
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
}
SENSITIVE = "identity_data.sensitive_data"


def translate(text: str, workload: str) -> Translation:
    """Translate a file.

    Raises:
        ConfigError: It is no YAML, or no configuration of LiteLLM.
    """
    try:
        document = table(yaml.safe_load(text), "the file")
    except yaml.YAMLError as error:
        raise ConfigError(f"is no YAML: {str(error).splitlines()[0]}") from error
    if "model_list" not in document:
        raise ConfigError('has no "model_list": is it a configuration of LiteLLM?')
    made = Translation(workload)
    groups = _groups(made, rows(document["model_list"], "model_list"))
    settings = table(document.get("litellm_settings"), "litellm_settings")
    router = table(document.get("router_settings"), "router_settings")
    retries = router.get("num_retries", settings.get("num_retries"))
    fallbacks = _fallbacks(made, settings, router)
    for name, targets in groups.items():
        others = [each for other in fallbacks.get(name, ()) for each in groups.get(other, ())]
        if others and len(targets) > 1:
            made.note(f"model_list: {name}", "asked in their order, since they have fall-backs, and not by weight")
        order = "weighted" if not others and len(targets) > 1 else "fallback"
        made.models[name] = route([*targets, *others][:8], order=order, retry_s=RETRY_S if retries else 0)
    for alias, meant in table(router.get("model_group_alias"), "router_settings.model_group_alias").items():
        if isinstance(meant, str) and meant in made.models:
            made.models[alias] = made.models[meant]
        else:
            made.note(f"router_settings.model_group_alias: {alias}", "it names no model of the list")
    if retries:
        made.note(
            "num_retries", f"a target that did nothing is asked again within {RETRY_S} seconds, not so many times"
        )
    _guardrails(made, rows(document.get("guardrails"), "guardrails"))
    _others(made, document, settings, router)
    return made


def _groups(made: Translation, entries: object) -> dict[str, list[Mapping[str, object]]]:
    groups: dict[str, list[Mapping[str, object]]] = {}
    for number, entry in enumerate(rows(entries, "model_list")):
        where = f"model_list[{number}]"
        row = table(entry, where)
        asked = table(row.get("litellm_params"), f"{where}.litellm_params")
        name, model = row.get("model_name"), asked.get("model")
        if not isinstance(name, str) or not isinstance(model, str):
            raise ConfigError(f'"{where}" has no model_name, or no litellm_params.model')
        if "*" in name or "*" in model:
            made.note(where, "models are named one by one; there is no pattern for all of a provider")
            continue
        provider, slash, rest = model.partition("/")
        provider, rest = (provider, rest) if slash else ("openai", model)
        key = asked.get("api_key")
        credential = ""
        if isinstance(key, str) and key.startswith("os.environ/"):
            credential = f"env:{key.removeprefix('os.environ/')}"
        elif isinstance(key, str) and key:
            credential = made.literal_key(provider, f"{where}.litellm_params.api_key")
        root = asked.get("api_base", asked.get("base_url"))
        upstream = made.upstream(provider, root if isinstance(root, str) else "", credential, where)
        for setting in sorted(asked.keys() - _DEPLOYMENT):
            made.note(f"{where}.litellm_params.{setting}", "callers say how an answer is drawn; limits are controls")
        if upstream is not None:
            weight = asked.get("weight")
            counted = weight if isinstance(weight, int) and 1 <= weight <= 1000 else 1
            groups.setdefault(name, []).append(target(upstream, rest, counted))
    return groups


def _fallbacks(made: Translation, settings: Mapping[str, object], router: Mapping[str, object]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for table_, name in ((settings, "litellm_settings"), (router, "router_settings")):
        for entry in rows(table_.get("fallbacks"), f"{name}.fallbacks"):
            for model, others in table(entry, f"{name}.fallbacks").items():
                named = [each for each in rows(others, f"{name}.fallbacks.{model}") if isinstance(each, str)]
                found.setdefault(model, []).extend(named)
        for kind in ("context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks"):
            if table_.get(kind):
                made.note(f"{name}.{kind}", "a target is passed over where it fails, not for what is asked")
    return found


def _guardrails(made: Translation, entries: object) -> None:
    for number, entry in enumerate(rows(entries, "guardrails")):
        where = f"guardrails[{number}]"
        asked = table(table(entry, where).get("litellm_params"), f"{where}.litellm_params")
        kind = asked.get("guardrail")
        if kind != "presidio":
            made.note(where, f'"{str(kind)[:64]}" is not asked here; see which controls stand in its place')
            continue
        settings = made.controls.setdefault(SENSITIVE, {"inbound": {}, "outbound": {}})
        for entity, action in table(asked.get("pii_entities_config"), f"{where}.pii_entities_config").items():
            ours = _KINDS.get(entity)
            if ours is None:
                made.note(f"{where}: {entity}", "no control finds that yet")
                continue
            for way in ("inbound", "outbound"):
                table_ = settings[way]
                if isinstance(table_, dict):
                    table_[ours] = "refuse" if action == "BLOCK" else "hide"


def _others(
    made: Translation, document: Mapping[str, object], settings: Mapping[str, object], router: Mapping[str, object]
) -> None:
    known = {"fallbacks", "num_retries", "model_group_alias", "context_window_fallbacks", "content_policy_fallbacks"}
    known.add("default_fallbacks")
    general = table(document.get("general_settings"), "general_settings")
    for name, table_ in (("litellm_settings", settings), ("router_settings", router), ("general_settings", general)):
        for key in table_:
            if key not in known:
                made.note(f"{name}.{key}", _ELSEWHERE.get(key, "it has no counterpart here"))
    tables = {"model_list", "litellm_settings", "router_settings", "general_settings", "guardrails"}
    for key in document.keys() - tables:
        made.note(key, "it has no counterpart here")

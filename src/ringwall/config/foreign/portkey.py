"""A Portkey config (JSON: strategy and targets) as a configuration of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ringwall.config.foreign.translation import Translation, route, rows, table, target
from ringwall.model.errors import ConfigError

RETRY_S = 5
"""Seconds within which a target is asked again, where the file counts retries."""
_TARGET = frozenset(
    {"provider", "api_key", "apiKey", "virtual_key", "custom_host", "override_params", "weight", "name"}
)
_WHY: Mapping[str, str] = {
    "cache": "answers are not cached: one caller's answer is nobody else's",
    "request_timeout": "set connect_s, read_s and total_s of the upstream",
    "input_guardrails": "see which controls stand in their place",
    "output_guardrails": "see which controls stand in their place",
    "before_request_hooks": "see which controls stand in their place",
    "after_request_hooks": "see which controls stand in their place",
    "forward_headers": "no header of a caller travels on",
}


def translate(text: str, workload: str, model: str = "default") -> Translation:
    """Translate a file.

    Args:
        text: The file.
        workload: The workload that is made.
        model: The name by which callers ask for what the file configures; it has none of its own.

    Raises:
        ConfigError: It is no JSON, or no config of Portkey.
    """
    try:
        document = table(json.loads(text), "the file")
    except ValueError as error:
        raise ConfigError("is no JSON") from error
    if not {"targets", "provider", "virtual_key"} & document.keys():
        raise ConfigError("has neither targets nor a provider: is it a config of Portkey?")
    made = Translation(workload)
    strategy = table(document.get("strategy"), "strategy")
    mode = strategy.get("mode", "single")
    entries = rows(document.get("targets"), "targets") if "targets" in document else [document]
    targets = [found for number, each in enumerate(entries) if (found := _target(made, each, f"targets[{number}]"))]
    if mode not in ("single", "fallback", "loadbalance"):
        made.note("strategy.mode", f'"{str(mode)[:64]}" has no counterpart here; the targets are asked in their order')
    for key in strategy.keys() - {"mode"}:
        made.note(f"strategy.{key}", "a target is passed over where it gives no answer")
    retries = table(document.get("retry"), "retry").get("attempts")
    if retries:
        made.note("retry", f"a target that did nothing is asked again within {RETRY_S} seconds, not so many times")
    if targets:
        order = "weighted" if mode == "loadbalance" else "fallback"
        made.models[model] = route(targets[:8], order=order, retry_s=RETRY_S if retries else 0)
    for key in document.keys() - {"strategy", "targets", "retry", *_TARGET}:
        made.note(key, _WHY.get(key, "it has no counterpart here"))
    return made


def _target(made: Translation, entry: object, where: str) -> Mapping[str, object] | None:
    row = table(entry, where)
    if "targets" in row:
        made.note(where, "targets of targets have no counterpart here")
        return None
    provider = row.get("provider")
    if not isinstance(provider, str):
        made.note(where, "which provider a virtual key stands for is not in the file; add the target by hand")
        return None
    provider = provider.removeprefix("@")
    credential = ""
    if row.get("api_key") or row.get("apiKey"):
        credential = made.literal_key(provider, f"{where}.api_key")
    elif row.get("virtual_key"):
        credential = made.literal_key(provider, f"{where}.virtual_key")
    override = table(row.get("override_params"), f"{where}.override_params")
    model = override.get("model")
    for key in override.keys() - {"model"}:
        made.note(f"{where}.override_params.{key}", "callers say how an answer is drawn")
    if not isinstance(model, str):
        made.note(where, "it names no model; write the provider's name of it instead of NAME")
        model = "NAME"
    for key in row.keys() - _TARGET - {"strategy", "retry", *_WHY}:
        made.note(f"{where}.{key}", "it has no counterpart here")
    root = row.get("custom_host")
    upstream = made.upstream(provider, root if isinstance(root, str) else "", credential, where)
    if upstream is None:
        return None
    weight = row.get("weight")
    share = round(weight * 100) if isinstance(weight, float) and weight < 1 else weight
    return target(upstream, model, share if isinstance(share, int) and 1 <= share <= 1000 else 1)

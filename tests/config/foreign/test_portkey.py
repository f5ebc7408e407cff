"""A Portkey config becomes ours; what has no place here is named, and no secret is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ringwall.config.foreign.portkey import translate
from ringwall.model.errors import ConfigError

CONFIG: dict[str, Any] = {
    "strategy": {"mode": "loadbalance", "on_status_codes": [429]},
    "retry": {"attempts": 3},
    "cache": {"mode": "simple"},
    "targets": [
        {
            "provider": "openai",
            "api_key": "sk-secret",
            "weight": 0.7,
            "override_params": {"model": "gpt-4o", "top_p": 1},
        },
        {"provider": "@anthropic", "virtual_key": "vk-secret", "override_params": {"model": "claude-sonnet-4-5"}},
        {"virtual_key": "vk-unknown"},
        {"targets": []},
        {"provider": "bedrock", "override_params": {"model": "x"}},
        {"provider": "openai", "custom_host": "http://localhost:9000/v1", "input_guardrails": ["g"]},
    ],
}


def test_targets_and_their_shares() -> None:
    made = translate(json.dumps(CONFIG), "imported", "support")
    assert made.models["support"] == {
        "targets": [
            {"upstream": "openai", "model": "gpt-4o", "weight": 70},
            {"upstream": "anthropic", "model": "claude-sonnet-4-5"},
            {"upstream": "openai-2", "model": "NAME"},
        ],
        "order": "weighted",
        "retry_s": 5,
    }
    assert made.upstreams["openai-2"] == {"base_url": "http://localhost:9000/v1", "private": True}
    told = "\n".join(f"{note.where}: {note.why}" for note in made.notes)
    for named in (
        "on_status_codes",
        "retry",
        "cache",
        "targets[2]",
        "targets[3]",
        "bedrock",
        "top_p",
        "NAME",
        "API_KEY",
    ):
        assert named in told, named
    assert "secret" not in str(made.document())


def test_a_single_provider_is_a_target() -> None:
    made = translate('{"provider": "openai", "override_params": {"model": "gpt-4o"}}', "imported")
    assert made.models == {"default": {"upstream": "openai", "model": "gpt-4o"}}


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"targets": 5}', '{"targets": [5]}', '{"strategy": [], "targets": []}']
)
def test_what_is_no_such_file_says_so(text: str) -> None:
    with pytest.raises(ConfigError):
        translate(text, "x")

"""A LiteLLM proxy's configuration becomes ours; what has no place here is named, and no secret is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.config.foreign.litellm import SENSITIVE, translate
from ringwall.config.foreign.translation import Translation
from ringwall.model.errors import ConfigError

CONFIG = """
model_list:
  - model_name: gpt
    litellm_params:
      model: openai/gpt-4o
      api_key: os.environ/OPENAI_API_KEY
      weight: 3
      rpm: 60
  - model_name: gpt
    litellm_params: {model: gpt-4o-mini, api_key: os.environ/OPENAI_API_KEY}
  - model_name: claude
    litellm_params: {model: anthropic/claude-sonnet-4-5, api_key: sk-ant-secret-1234567890}
  - model_name: local
    litellm_params: {model: ollama/llama3.2}
  - model_name: house
    litellm_params: {model: hosted_vllm/qwen3, api_base: "http://vllm.internal:8000/v1"}
  - model_name: lost
    litellm_params: {model: hosted_vllm/qwen3}
  - model_name: azure
    litellm_params: {model: azure/deploy, api_base: "https://x.openai.azure.com", api_version: "2024-10-21"}
  - model_name: "openai/*"
    litellm_params: {model: "openai/*"}
litellm_settings:
  num_retries: 2
  drop_params: true
  fallbacks: [{claude: [gpt]}]
  context_window_fallbacks: [{gpt: [claude]}]
  success_callback: [langfuse]
router_settings:
  routing_strategy: usage-based-routing
  model_group_alias: {default: gpt, ghost: nobody}
general_settings:
  master_key: sk-1234
guardrails:
  - guardrail_name: pii
    litellm_params:
      guardrail: presidio
      mode: pre_call
      pii_entities_config: {CREDIT_CARD: MASK, US_SSN: BLOCK, PERSON: MASK}
  - guardrail_name: lakera
    litellm_params: {guardrail: lakera_v2, mode: pre_call}
"""


@pytest.fixture
def made() -> Translation:
    return translate(CONFIG, "imported")


def noted(made: Translation) -> str:
    return "\n".join(f"{note.where}: {note.why}" for note in made.notes)


def test_models_and_providers(made: Translation) -> None:
    assert made.upstreams["openai"] == {
        "base_url": "https://api.openai.com/v1",
        "credential": "env:OPENAI_API_KEY",
    }
    assert made.upstreams["anthropic"]["kind"] == "anthropic"
    assert made.upstreams["ollama"] == {"base_url": "http://127.0.0.1:11434/v1", "private": True}
    assert made.models["house"] == {"upstream": "hosted-vllm", "model": "qwen3", "retry_s": 5}
    assert made.models["gpt"] == {
        "targets": [
            {"upstream": "openai", "model": "gpt-4o", "weight": 3},
            {"upstream": "openai", "model": "gpt-4o-mini"},
        ],
        "retry_s": 5,
        "order": "weighted",
    }
    assert made.models["default"] == made.models["gpt"]


def test_fall_backs_come_behind(made: Translation) -> None:
    claude = made.models["claude"]
    assert isinstance(claude, dict) and [each["model"] for each in claude["targets"]] == [
        "claude-sonnet-4-5",
        "gpt-4o",
        "gpt-4o-mini",
    ]


def test_what_presidio_masks_is_hidden(made: Translation) -> None:
    wanted = {"card_number": "hide", "us_ssn": "refuse"}
    assert made.controls[SENSITIVE] == {"inbound": wanted, "outbound": wanted}


@pytest.mark.parametrize(
    "named",
    ["litellm_params.rpm", "model_list[5]", "model_list[6]", "model_list[7]", "drop_params", "context_window_fallbacks",
     "success_callback", "routing_strategy", "ghost", "master_key", "PERSON", "lakera_v2", "num_retries",
     "variable ANTHROPIC_API_KEY"],
)  # fmt: skip
def test_what_has_no_place_is_named(made: Translation, named: str) -> None:
    assert named in noted(made)


def test_no_secret_is_written_or_told(made: Translation) -> None:
    assert "secret-1234" not in str(made.document()) + noted(made) and "sk-1234" not in str(made.document())
    assert made.upstreams["anthropic"]["credential"] == "env:ANTHROPIC_API_KEY"


@pytest.mark.parametrize(
    "text", ["[", "a: b", "model_list: 5", "model_list: [5]", "model_list: [{model_name: x}]", "- 1", ""]
)
def test_what_is_no_such_file_says_so(text: str) -> None:
    with pytest.raises(ConfigError):
        translate(text, "x")


@given(st.text(max_size=60))
def test_any_text_is_translated_or_a_config_error(text: str) -> None:
    try:
        translate(f"model_list: []\n{text}", "x")
    except ConfigError:
        pass

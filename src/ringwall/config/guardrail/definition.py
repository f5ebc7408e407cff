"""What may a guardrail of Amazon Bedrock say? The shape of CreateGuardrail, closed, with AWS's own limits.

* What AWS would refuse is refused: names, lengths, counts, words that are none of the list.
* What no control of ours does is read here and refused, by name, in `translate`: nothing is stored unenforced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import msgspec

from ringwall.model.errors import CallerError

MAX_TAGS = 200
T = TypeVar("T")

_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
_Description = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=50, pattern=r"^[0-9a-zA-Z_-]+\Z")]
_Token = Annotated[
    str, msgspec.Meta(min_length=1, max_length=256, pattern=r"^[a-zA-Z0-9]([-a-zA-Z0-9]{0,254}[a-zA-Z0-9])?\Z")
]
_Block = Literal["BLOCK", "NONE"]
_Hide = Literal["BLOCK", "ANONYMIZE", "NONE"]
Strength = Literal["NONE", "LOW", "MEDIUM", "HIGH"]
_Modalities = Annotated[list[Literal["TEXT", "IMAGE"]], msgspec.Meta(min_length=1, max_length=2)]


class Struct(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A closed object: an unknown field is an error."""


class Directed(Struct, kw_only=True):
    """What may be switched off in one direction."""

    input_enabled: bool | None = None
    output_enabled: bool | None = None


class Blocked(Directed, kw_only=True):
    """What is refused, or only reported."""

    input_action: _Block | None = None
    output_action: _Block | None = None


class Tier(Struct, kw_only=True):
    """How much a policy understands; here one tier does it all."""

    tier_name: Literal["CLASSIC", "STANDARD"]


class Filter(Blocked, kw_only=True):
    """A content filter."""

    type: Literal["SEXUAL", "VIOLENCE", "HATE", "INSULTS", "MISCONDUCT", "PROMPT_ATTACK"]
    input_strength: Strength
    output_strength: Strength
    input_modalities: _Modalities | None = None
    output_modalities: _Modalities | None = None


class ContentPolicy(Struct, kw_only=True):
    """Filters of content."""

    filters_config: Annotated[list[Filter], msgspec.Meta(min_length=1, max_length=6)]
    tier_config: Tier | None = None


class Word(Blocked, kw_only=True):
    """A word or phrase."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Managed(Blocked, kw_only=True):
    """A list of words that comes with the service."""

    type: Literal["PROFANITY"]


class WordPolicy(Struct, kw_only=True):
    """Words."""

    words_config: Annotated[list[Word], msgspec.Meta(min_length=1, max_length=10_000)] | None = None
    managed_word_lists_config: list[Managed] | None = None


class Entity(Directed, kw_only=True):
    """A kind of personal data."""

    type: Annotated[str, msgspec.Meta(max_length=64)]
    action: _Hide
    input_action: _Hide | None = None
    output_action: _Hide | None = None


class Regex(Directed, kw_only=True):
    """A pattern of the caller's own."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    description: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)] | None = None
    pattern: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    action: _Hide
    input_action: _Hide | None = None
    output_action: _Hide | None = None


class SensitivePolicy(Struct, kw_only=True):
    """Personal data and secrets."""

    pii_entities_config: Annotated[list[Entity], msgspec.Meta(min_length=1, max_length=64)] | None = None
    regexes_config: Annotated[list[Regex], msgspec.Meta(min_length=1, max_length=30)] | None = None


class CrossRegion(Struct, kw_only=True):
    """Where AWS may work; here nothing leaves the gateway for it."""

    guardrail_profile_identifier: Annotated[str, msgspec.Meta(min_length=15, max_length=2048)]


class Definition(Struct, kw_only=True):
    """A guardrail, as UpdateGuardrail says it."""

    name: _Name
    blocked_input_messaging: _Text
    blocked_outputs_messaging: _Text
    description: _Description | None = None
    content_policy_config: ContentPolicy | None = None
    sensitive_information_policy_config: SensitivePolicy | None = None
    word_policy_config: WordPolicy | None = None
    topic_policy_config: dict[str, object] | None = None
    contextual_grounding_policy_config: dict[str, object] | None = None
    automated_reasoning_policy_config: dict[str, object] | None = None
    cross_region_config: CrossRegion | None = None
    kms_key_id: str | None = None


class Tag(Struct, kw_only=True):
    """A tag; it is stored, and nothing reads it."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    value: Annotated[str, msgspec.Meta(max_length=256)]


class Creation(Definition, kw_only=True):
    """A guardrail, as CreateGuardrail says it."""

    tags: list[Tag] = []
    client_request_token: _Token | None = None


class Versioning(Struct, kw_only=True):
    """What CreateGuardrailVersion says."""

    description: _Description | None = None
    client_request_token: _Token | None = None


class Guarding(Struct, kw_only=True):
    """What an enforced configuration would narrow; here it narrows nothing."""

    system: Literal["SELECTIVE", "COMPREHENSIVE"] | None = None
    messages: Literal["SELECTIVE", "COMPREHENSIVE"] | None = None


_Models = list[Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:/@+-]{1,256}\Z")]]


class ModelEnforcement(Struct, kw_only=True):
    """For which models a configuration is enforced."""

    included_models: Annotated[_Models, msgspec.Meta(min_length=1, max_length=1000)]
    excluded_models: Annotated[_Models, msgspec.Meta(max_length=1000)]


class Inference(Struct, kw_only=True):
    """The guardrail that is enforced."""

    guardrail_identifier: Annotated[str, msgspec.Meta(max_length=2048)]
    guardrail_version: Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,7}\Z")]
    selective_content_guarding: Guarding | None = None
    model_enforcement: ModelEnforcement | None = None


class Enforcement(Struct, kw_only=True):
    """What PutEnforcedGuardrailConfiguration says."""

    guardrail_inference_config: Inference
    config_id: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]{1,64}\Z")] | None = None


def read(document: Mapping[str, object], kind: type[T]) -> T:
    """A body in its closed shape.

    Raises:
        CallerError: It has another; says which field, and never repeats what stands there.
    """
    known = {name: value for name, value in document.items() if value is not None}
    try:
        return msgspec.convert(known, kind, strict=True)
    except msgspec.ValidationError as error:
        problem, _, where = str(error).partition(" - at `")
        param = where.removesuffix("`").removeprefix("$").removeprefix(".")
        unknown = re.search(r"(?:unknown|required) field `([^`]{0,64})`", problem)
        if unknown is not None:
            param = f"{param}.{unknown[1]}" if param else unknown[1]
            problem = "is missing" if "required" in problem else "is not known here, and unknown fields are refused"
        elif "enum value" in problem:
            problem = "is not one of the values that are understood here"
        param = param[:256] or "the body"
        problem = problem.replace("`", "'")
        raise invalid(f'"{param}": {problem[:1].lower()}{problem[1:256]}', param) from error


def invalid(problem: str, param: str) -> CallerError:
    """What AWS calls a ValidationException."""
    return CallerError(problem, code="invalid_guardrail", param=param)

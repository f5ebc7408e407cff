"""Which field of an OpenAI chat request is judged, which is inert, which is refused, and why?

Every field of the installed `openai` package's request types stands here; a test walks those types. A field that is
not here is unknown, and unknown is refused (law 9).

* JUDGED: becomes a part, or a value of a closed grammar, of the interaction; what is sent is encoded from it.
* INERT: accepted and dropped; it never travels and nothing depends on it.
* REFUSED: the door cannot judge what it would cause; the reason is what the caller reads.
"""

from __future__ import annotations

from ringwall.dataplane.wire.reading import Fields, Handling

_JUDGED = """
messages model n stream max_tokens max_completion_tokens temperature top_p frequency_penalty presence_penalty seed stop
reasoning_effort verbosity response_format tool_choice tools parallel_tool_calls stream_options
stream_options.include_usage
messages.role messages.content messages.name messages.refusal messages.tool_calls messages.tool_call_id
messages.tool_calls.id messages.tool_calls.type messages.tool_calls.function messages.tool_calls.function.name
messages.tool_calls.function.arguments
messages.content.type messages.content.text messages.content.refusal messages.content.image_url
messages.content.image_url.url messages.content.image_url.detail
tools.type tools.function tools.function.name tools.function.description tools.function.parameters
tools.function.strict
response_format.type response_format.json_schema response_format.json_schema.name
response_format.json_schema.description response_format.json_schema.schema response_format.json_schema.strict
tool_choice.type tool_choice.function tool_choice.function.name
""".split()

_INERT = """
metadata user safety_identifier prompt_cache_key prompt_cache_options prompt_cache_retention service_tier
stream_options.include_obfuscation messages.content.prompt_cache_breakpoint
""".split()

_HOSTED = "it makes the provider act or fetch on its own, where no control stands"
_STORED = "it makes the provider keep the conversation, where no control stands"
_DEPRECATED = "it is deprecated by the protocol; use tools"
_AUDIO = "no control understands audio yet"

REFUSED: dict[str, str] = {
    "audio": _AUDIO,
    "function_call": _DEPRECATED,
    "functions": _DEPRECATED,
    "logit_bias": "it steers the answer by token ids, which no control can read",
    "logprobs": "log probabilities repeat the answer in a form that no control judges",
    "top_logprobs": "log probabilities repeat the answer in a form that no control judges",
    "modalities": _AUDIO,
    "moderation": "moderation is configured by the operator of this gateway, not by the caller",
    "prediction": "predicted output is content that no control judges yet",
    "store": _STORED,
    "web_search_options": _HOSTED,
    "messages.role.function": _DEPRECATED,
    "messages.audio": _AUDIO,
    "messages.function_call": _DEPRECATED,
    "messages.annotations": "annotations of an earlier answer are content that no control judges; leave them out",
    "messages.content.input_audio": _AUDIO,
    "messages.content.file": "no control understands files yet; send their text",
    "messages.tool_calls.custom": "no control understands custom tools yet; use function tools",
    "tools.custom": "no control understands custom tools yet; use function tools",
    "tool_choice.custom": "no control understands custom tools yet; use function tools",
    "tool_choice.allowed_tools": "offer only the tools that may be used",
}
"""Field to the reason for which it is refused. An absent or null value of it is accepted."""

HARMLESS: dict[str, tuple[object, ...]] = {
    "store": (False,),
    "logprobs": (False,),
    "modalities": (["text"],),
}
"""Values with which a refused field asks for nothing, and is accepted."""

UNREAD = Fields(REFUSED, HARMLESS)

FIELDS: dict[str, Handling] = {
    **dict.fromkeys(_JUDGED, Handling.JUDGED),
    **dict.fromkeys(_INERT, Handling.INERT),
    **dict.fromkeys(REFUSED, Handling.REFUSED),
}
"""Every field that the door knows, as a path without array indices."""

"""Which field of a request to OpenAI's Responses API is judged, which is inert, which is refused, and why?

Every field of the installed `openai` package's request types stands here; a test walks those types. A field that is
not here is unknown, and unknown is refused (law 9). What the words mean: `ringwall.dataplane.wire.reading`.

The door keeps nothing: `store` may be asked for, and the answer says that it was not done.
"""

from __future__ import annotations

from ringwall.dataplane.wire.reading import Fields, Handling

_JUDGED = """
model input instructions stream store include max_output_tokens temperature top_p reasoning reasoning.effort
text text.format text.format.type text.format.name text.format.schema text.format.description text.format.strict
text.verbosity
tools tools.type tools.name tools.parameters tools.strict tools.description tools.defer_loading tools.allowed_callers
tools.async
tool_choice tool_choice.type tool_choice.name parallel_tool_calls stream_options
input.type input.role input.content input.content.type input.content.text input.content.refusal input.content.image_url
input.content.detail
input.call_id input.name input.arguments input.caller input.caller.type input.async
input.output input.output.type input.output.text input.output.image_url input.output.detail
input.summary input.summary.type input.summary.text input.encrypted_content
""".split()

_INERT = """
metadata user safety_identifier prompt_cache_key prompt_cache_options prompt_cache_retention service_tier max_tool_calls
stream_options.include_obfuscation reasoning.summary reasoning.generate_summary
input.id input.status input.phase input.content.prompt_cache_breakpoint input.output.prompt_cache_breakpoint
""".split()

_HOSTED = "it makes the provider act or fetch on its own, where no control stands"
_STORED = "it names something that the provider keeps, where no control stands; send the whole conversation"
_FILES = "no control understands files yet; send their text"
_IMAGES = "an image must come in the request, as a data: URL with base64; the gateway fetches none"
_OURS = "it is configured by the operator of this gateway, not by the caller"
_LOGS = "log probabilities repeat the answer in a form that no control judges"
_CITED = "annotations of an earlier answer are content that no control judges; leave them out"
_CUSTOM = "no control understands custom tools yet; use function tools"

_HOSTED_ITEMS = """
file_search_call computer_call computer_call_output web_search_call image_generation_call code_interpreter_call
local_shell_call local_shell_call_output shell_call shell_call_output apply_patch_call apply_patch_call_output
mcp_list_tools mcp_approval_request mcp_approval_response mcp_call tool_search_call tool_search_output
additional_tools program program_output compaction compaction_trigger
""".split()

REFUSED: dict[str, str] = {
    "access_programs": _OURS,
    "background": "it makes the provider answer later, where no control stands",
    "background_options": "it makes the provider answer later, where no control stands",
    "context_management": "it makes the provider change the conversation after it was judged",
    "conversation": _STORED,
    "image": "it makes the provider change images after they were judged",
    "moderation": _OURS,
    "previous_response_id": _STORED,
    "prompt": _STORED,
    "top_logprobs": _LOGS,
    "truncation": "it makes the provider change the conversation after it was judged",
    "reasoning.context": _STORED,
    "reasoning.mode": _OURS,
    "tools.output_schema": "a schema of what a tool returns is content that no control judges yet; leave it out",
    "tool_choice.allowed_tools": "offer only the tools that may be used",
    "tool_choice.custom": _CUSTOM,
    "input.item_reference": _STORED,
    "input.custom_tool_call": _CUSTOM,
    "input.custom_tool_call_output": _CUSTOM,
    "input.configuration_update": "how the answer is drawn is said once, in the request itself",
    "input.namespace": _CUSTOM,
    "input.caller.caller_id": _HOSTED,
    "input.content.input_file": _FILES,
    "input.content.input_audio": "no control understands audio yet",
    "input.content.file_id": _IMAGES,
    "input.content.annotations": _CITED,
    "input.content.logprobs": _LOGS,
    "input.output.input_file": _FILES,
    "input.output.file_id": _IMAGES,
    **{f"input.{kind}": _HOSTED for kind in _HOSTED_ITEMS},
}
"""Field, or kind of item, to the reason for which it is refused. An absent or null value of a field is accepted."""

HARMLESS: dict[str, tuple[object, ...]] = {
    "background": (False,),
    "truncation": ("disabled",),
    "top_logprobs": (0,),
}
"""Values with which a refused field asks for nothing, and is accepted."""

HOSTED_TOOL = (
    "only function tools, described here, can be judged; a tool of the provider's own, or a remote one, cannot"
)

UNREAD = Fields(REFUSED, HARMLESS, frozenset(each for each in _INERT if "." not in each))

FIELDS: dict[str, Handling] = {
    **dict.fromkeys(_JUDGED, Handling.JUDGED),
    **dict.fromkeys(_INERT, Handling.INERT),
    **dict.fromkeys(REFUSED, Handling.REFUSED),
}
"""Every field that the door knows, as a path without array indices."""

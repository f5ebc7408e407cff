"""Which field of a request to Anthropic's Messages API is judged, which is inert, which is refused, and why?

Every field of the installed `anthropic` package's request types stands here; a test walks those types. A field that is
not here is unknown, and unknown is refused (law 9). What the words mean: `ringwall.dataplane.wire.reading`.
"""

from __future__ import annotations

from ringwall.dataplane.wire.reading import Fields, Handling

_JUDGED = """
model messages max_tokens system stop_sequences stream temperature top_p top_k tools tool_choice thinking output_config
messages.role messages.content messages.content.type messages.content.text
messages.content.source messages.content.source.type messages.content.source.media_type messages.content.source.data
messages.content.id messages.content.name messages.content.input messages.content.caller messages.content.caller.type
messages.content.tool_use_id messages.content.is_error messages.content.content messages.content.content.type
messages.content.content.text messages.content.content.source
messages.content.content.source.type messages.content.content.source.media_type messages.content.content.source.data
messages.content.thinking messages.content.signature
system.type system.text
tools.name tools.description tools.input_schema tools.strict tools.type tools.defer_loading tools.allowed_callers
tools.input_examples
tool_choice.type tool_choice.name tool_choice.disable_parallel_tool_use
thinking.type thinking.budget_tokens
output_config.effort output_config.format output_config.format.type output_config.format.schema
""".split()

_INERT = """
metadata service_tier cache_control speed
messages.content.cache_control messages.content.content.cache_control system.cache_control tools.cache_control
tools.eager_input_streaming thinking.display
""".split()

_HOSTED = "it makes the provider act or fetch on its own, where no control stands"
_STORED = "it names something that the provider keeps, where no control stands"
_CITED = "citations are content that no control judges; leave them out"
_FILES = "no control understands documents yet; send their text"
_FOREIGN = "whose account and which region is used is for the operator of this gateway to say"
_ALONE = "no control can judge what is not read in the request itself; send the image in it, as base64"

REFUSED: dict[str, str] = {
    "container": _HOSTED,
    "diagnostics": _STORED,
    "inference_geo": _FOREIGN,
    "user_profile_id": _FOREIGN,
    "workspace_id": _FOREIGN,
    "messages.content.citations": _CITED,
    "messages.content.content.citations": _CITED,
    "system.citations": _CITED,
    "messages.content.document": _FILES,
    "messages.content.search_result": _FILES,
    "messages.content.redacted_thinking": "nobody can read it, and what nobody read does not travel; leave it out",
    "messages.content.server_tool_use": _HOSTED,
    "messages.content.web_search_tool_result": _HOSTED,
    "messages.content.web_fetch_tool_result": _HOSTED,
    "messages.content.code_execution_tool_result": _HOSTED,
    "messages.content.bash_code_execution_tool_result": _HOSTED,
    "messages.content.text_editor_code_execution_tool_result": _HOSTED,
    "messages.content.tool_search_tool_result": _HOSTED,
    "messages.content.mcp_tool_use": _HOSTED,
    "messages.content.mcp_tool_result": _HOSTED,
    "messages.content.container_upload": _STORED,
    "messages.content.source.url": _ALONE,
    "messages.content.source.file": _ALONE,
    "messages.content.transformations": "an image is judged as it came; transform it before it is sent",
    "messages.content.toolset_name": _HOSTED,
    "messages.content.caller.tool_id": _HOSTED,
    "messages.content.content.document": _FILES,
    "messages.content.content.search_result": _FILES,
    "messages.content.content.tool_reference": _STORED,
    "messages.content.content.browser_state": _HOSTED,
    "messages.content.content.source.url": _ALONE,
    "messages.content.content.source.file": _ALONE,
    "messages.content.content.transformations": "an image is judged as it came; transform it before it is sent",
}
"""Field, or kind of block, to the reason for which it is refused. An absent or null value of a field is accepted."""

HOSTED_TOOL = "only tools that are described here, with a schema, can be judged; a tool of the provider's own cannot"

UNREAD = Fields(REFUSED, inert=frozenset(each for each in _INERT if "." not in each))

FIELDS: dict[str, Handling] = {
    **dict.fromkeys(_JUDGED, Handling.JUDGED),
    **dict.fromkeys(_INERT, Handling.INERT),
    **dict.fromkeys(REFUSED, Handling.REFUSED),
}
"""Every field that the door knows, as a path without array indices."""

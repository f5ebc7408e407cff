"""Which tools does a file declare? The answer of an MCP server to `tools/list`, as `ringwall tools fetch` writes it.

* Read strictly, bounded, and kept to what is judged: name, description and input schema. Titles, icons, annotations and
  output schemas are hints of the server; nobody here relies on them, and none travels on.
* The file stands beside the configuration, so that a person has seen what agents will read; its content is part of the
  plan's digest.
"""

from __future__ import annotations

from collections.abc import Mapping

from ringwall.model.content import Json, freeze
from ringwall.model.strict_json import JsonError, loads
from ringwall.model.tools import TOOL_NAME, Tool

MAX_TOOLS = 512
MAX_DESCRIPTION_CHARS = 16_384


class ToolsError(ValueError):
    """The file cannot be taken; says why."""


def read_tools(text: str, server: str) -> tuple[Tool, ...]:
    """The tools of a file, by name.

    Args:
        text: A JSON array of tools, or an object with one under `tools`.
        server: Who runs them.

    Raises:
        ToolsError: Not such a file, or a tool in it that cannot be used.
    """
    try:
        value = freeze(loads(text))
    except (JsonError, ValueError) as error:
        raise ToolsError(f"not JSON that can be read in one way: {error}") from error
    rows = value.get("tools") if isinstance(value, Mapping) else value
    if not isinstance(rows, tuple):
        raise ToolsError('neither an array of tools nor an object with "tools"')
    if len(rows) > MAX_TOOLS:
        raise ToolsError(f'more than "{MAX_TOOLS}" tools')
    tools = [_tool(row, server) for row in rows]
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ToolsError(f'tool "{twice}" stands twice')
    return tuple(sorted(tools, key=lambda tool: tool.name))


def _tool(row: Json, server: str) -> Tool:
    if not isinstance(row, Mapping):
        raise ToolsError("a tool is no object")
    name, description = row.get("name"), row.get("description", "")
    if not isinstance(name, str) or not TOOL_NAME.fullmatch(name):
        raise ToolsError(f'"{str(name)[:80]}" is not a name for a tool: letters, digits, "_", "-" and ".", at most 64')
    if not isinstance(description, str) or len(description) > MAX_DESCRIPTION_CHARS:
        raise ToolsError(f'tool "{name}": the description is no text of at most {MAX_DESCRIPTION_CHARS} characters')
    schema = row.get("inputSchema")
    if not isinstance(schema, Mapping):
        raise ToolsError(f'tool "{name}" has no "inputSchema"')
    return Tool(name, server, description, schema)

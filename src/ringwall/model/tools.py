"""What is a tool? A name, a description and a schema, pinned: what runs is what the plan was built with.

* A tool belongs to a server, or to the application itself, which runs it where we cannot see it; then it is judged as
  intent only, when a model proposes it.
* The *pin* is the digest of all that a model reads of a tool. A server whose tool no longer has the pinned digest
  serves another tool under the old name (a rug pull); that one is neither listed nor called.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass

from ringwall.model.content import Json, thaw

TOOL_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""The closed grammar of tool names: what MCP allows, in a length that every model provider takes."""
OWN = ""
"""The server of a tool that the application runs itself."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool of a workload.

    Attributes:
        name: Its name, unique in the workload.
        server: The tool server that runs it; `OWN` where the application does.
        description: What a model reads of it.
        schema: JSON Schema of its arguments, an object.
    """

    name: str
    server: str
    description: str
    schema: Json

    @property
    def pin(self) -> str:
        """The digest of name, description and schema, as `sha256:<hex>`."""
        body = json.dumps([self.name, self.description, thaw(self.schema)], sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()

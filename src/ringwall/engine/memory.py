"""What does a session remember of tools? Which calls were proposed in it, and what our own door delivered to it.

* A call is remembered by its handle and, for the door through which it is made, by what it is: a keyed digest of name
  and arguments. So the record of a call can name the answer that proposed it.
* A delivered result is remembered by keyed digests of its texts: as they are, and of those that are JSON in canonical
  form, because agents write JSON anew. What a caller made up has no such digest, and what he changed has another.
* Digests are of this workload, events of this session; content is not kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from ringwall.model.content import Json, Part, PartId, thaw
from ringwall.model.facts import Delivered
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Interaction
from ringwall.model.ports import Digests
from ringwall.model.session import Event, SessionState
from ringwall.model.strict_json import JsonError, loads

PROPOSED = "tool_proposed"
"""Kind of the event of a proposed call; its subject is the call's handle."""
INTENDED = "tool_intended"
"""Kind of the event of a proposed call; its subject is the digest of what it is."""
DELIVERED = "tool_delivered"
"""Kind of the event of a delivered result; its subject is a digest, a blank and the tool's name."""


def intent(digests: Digests, workload: WorkloadId, tool: str, arguments: Json) -> str:
    """The digest of a call: its tool and its arguments."""
    return digests.digest(workload, _canonical(["call", tool, thaw(arguments)]))


def proposer(state: SessionState | None, wanted: str) -> str | None:
    """The record of the answer that proposed this call last, or None.

    Args:
        state: What the session knows.
        wanted: The call's `intent`.
    """
    events = reversed(state.events) if state is not None else ()
    return next((each.record for each in events if each.kind == INTENDED and each.subject == wanted), None)


def unknown_results(results: Iterable[tuple[PartId, str]], state: SessionState | None) -> frozenset[str]:
    """The tool results (part, handle of the call) whose call was never proposed in this session."""
    known = state.subjects(PROPOSED) if state is not None else frozenset()
    return frozenset(part for part, call in results if call not in known)


def deliveries(digests: Digests, workload: WorkloadId, tool: str, parts: Sequence[Part], record: str) -> list[Event]:
    """The events of a delivered result, one for each form in which an agent may hand it to a model."""
    texts = [part.value for part in parts if isinstance(part.value, str)]
    said: list[Json] = [part.value for part in parts]
    said += ["".join(texts), "\n".join(texts)] if len(texts) > 1 else []
    found = dict.fromkeys(digests.digest(workload, form) for value in said for form in _forms(value))
    return [Event(DELIVERED, f"{digest} {tool}", record) for digest in found]


def delivered(
    digests: Digests, interaction: Interaction, results: Iterable[tuple[PartId, str]], state: SessionState
) -> Delivered:
    """Which tool results of a request our own door delivered in this session, and from which tool."""
    known = dict(each.split(" ", 1) for each in state.subjects(DELIVERED))
    tools: dict[PartId, str] = {}
    answers = {part for part, _ in results} if known else set()
    for part in interaction.parts:
        if part.id in answers:
            forms = (digests.digest(interaction.workload, form) for form in _forms(part.value))
            tool = next((known[form] for form in forms if form in known), None)
            if tool is not None:
                tools[part.id] = tool
    return Delivered(tools)


def _forms(value: Json) -> list[bytes]:
    """A text as it is, and JSON in canonical form."""
    if not isinstance(value, str):
        return [_canonical(thaw(value))]
    forms = [b"text " + value.encode("utf-8", "surrogatepass")]
    if value[:1] in ("{", "["):
        try:
            forms.append(_canonical(loads(value)))
        except JsonError:
            pass
    return forms


def _canonical(value: object) -> bytes:
    return b"json " + json.dumps(value, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogatepass")

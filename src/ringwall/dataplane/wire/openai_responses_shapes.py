"""The objects of OpenAI's Responses API that are written, whole and streamed alike."""

from __future__ import annotations

from collections.abc import Sequence

from ringwall.dataplane.wire.door import Head
from ringwall.model.conversation import Finish, Usage

COMPLETED, IN_PROGRESS = "completed", "in_progress"
_INCOMPLETE = {Finish.LENGTH: "max_output_tokens", Finish.CONTENT_FILTER: "content_filter"}


def response(head: Head, output: Sequence[object], finish: Finish | None, usage: Usage | None) -> dict[str, object]:
    """A `response`; without a finish it is still in progress."""
    why = _INCOMPLETE.get(finish) if finish is not None else None
    status = "incomplete" if why is not None else COMPLETED if finish is not None else IN_PROGRESS
    return {
        "id": f"resp_{head.interaction}",
        "object": "response",
        "created_at": head.created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": why} if why is not None else None,
        "instructions": None,
        "metadata": {},
        "model": head.request.model,
        "output": output,
        "parallel_tool_calls": head.request.conversation.generation.parallel_tool_calls is not False,
        "previous_response_id": None,
        "store": False,
        "temperature": head.request.conversation.generation.temperature,
        "tool_choice": "auto",
        "tools": [],
        "top_p": head.request.conversation.generation.top_p,
        "usage": _usage(usage) if usage is not None else None,
    }


def _usage(usage: Usage) -> dict[str, object]:
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def reasoning(head: Head, number: int, text: str, seal: str | None, status: str = COMPLETED) -> dict[str, object]:
    """What the model said to itself."""
    content = [reasoning_text(text)] if text else []
    item = {"id": f"rs_{head.interaction}_{number}", "type": "reasoning", "summary": [], "content": content}
    return {**item, "encrypted_content": seal, "status": status}


def reasoning_text(text: str) -> dict[str, object]:
    """A text of it."""
    return {"type": "reasoning_text", "text": text}


def message(head: Head, number: int, content: Sequence[object], status: str = COMPLETED) -> dict[str, object]:
    """What the model answers."""
    item = {"id": f"msg_{head.interaction}_{number}", "type": "message", "role": "assistant", "content": content}
    return {**item, "status": status}


def output_text(text: str) -> dict[str, object]:
    """A text of an answer."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal(text: str) -> dict[str, object]:
    """The model's own refusal."""
    return {"type": "refusal", "refusal": text}


def function_call(
    head: Head, number: int, call: str, name: str, arguments: str, status: str = COMPLETED
) -> dict[str, object]:
    """A call that the model proposes."""
    item = {"id": f"fc_{head.interaction}_{number}", "type": "function_call", "call_id": call, "name": name}
    return {**item, "arguments": arguments, "status": status}

"""The shop's assistant: the usual agent loop, with any OpenAI-compatible model, through Ringwall on both sides.

* It asks the model, calls what the model proposes through the MCP door, hands the results back, and ends with the
  model's words. It trusts nobody and judges nothing: that is the gateway's work.
* The handle of the session travels on both doors, so that what was proposed and what was delivered is one memory.
* Standard library only: an application needs nothing of Ringwall's to go through Ringwall.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_TURNS = 6
"""Answers of the model in one task; a compromised one would call for ever."""
ASK_S = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Where the gateway said no.

    Attributes:
        where: `model` or the name of a tool.
        control: Which control, or empty where none of them did.
        code: Its machine code.
        record: The record, or empty.
    """

    where: str
    control: str
    code: str
    record: str


@dataclass(slots=True)
class Transcript:
    """What came of a task.

    Attributes:
        answer: The model's last words, or empty.
        calls: Tools that were called, with their arguments.
        results: What they answered, in that order; what was refused has none.
        refusals: What the gateway refused, in order.
    """

    answer: str = ""
    calls: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


class Agent:
    """One assistant of one person."""

    def __init__(self, root: str, key: str, model: str, headers: Mapping[str, str] | None = None) -> None:
        """Take where it asks and in whose name.

        Args:
            root: Root of the workload at the gateway, without `/v1`.
            key: The person's credential.
            model: The model's name.
            headers: What it sends besides.
        """
        self._root = root
        self._model = model
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **(headers or {})}
        self._session = "new"

    def run(
        self,
        task: str,
        *,
        before: Sequence[Mapping[str, Any]] = (),
        tools: Sequence[Mapping[str, Any]] = (),
        stream: bool = False,
    ) -> Transcript:
        """Carry out a task.

        Args:
            task: What the person asks for.
            before: Earlier turns of the conversation.
            tools: Tools that the model is told of besides those behind the gateway.
            stream: Whether to ask for streamed answers.
        """
        done = Transcript()
        messages: list[Any] = [*before, {"role": "user", "content": task}]
        offered = [*self._tools(done), *tools]
        for _ in range(MAX_TURNS):
            body = {"model": self._model, "messages": messages, "tools": offered, "stream": stream}
            said = self._answer(body, done, stream=stream)
            if said is None:
                return done
            messages.append(said)
            if not said.get("tool_calls"):
                done.answer = said.get("content") or ""
                return done
            for call in said["tool_calls"]:
                messages.append({"role": "tool", "tool_call_id": call["id"], "content": self._call(call, done)})
        return done

    def _tools(self, done: Transcript) -> list[Any]:
        result = self._rpc("tools/list", {}, done, "tools/list")
        return [
            {
                "type": "function",
                "function": {
                    "name": each["name"],
                    "description": each["description"],
                    "parameters": each["inputSchema"],
                },
            }
            for each in (result or {}).get("tools", ())
        ]

    def _answer(self, body: Mapping[str, Any], done: Transcript, *, stream: bool) -> dict[str, Any] | None:
        asked = {key: value for key, value in body.items() if value not in ([], False)}
        status, headers, data = self._post("/v1/chat/completions", asked)
        self._session = headers.get("ringwall-session", self._session)
        events = _events(data) if stream and status == 200 else [json.loads(data or b"{}")]
        for each in events:
            if "error" in each:
                ours = each["error"].get("ringwall") or {}
                code = str(each["error"].get("code") or "")
                done.refusals.append(Refusal("model", ours.get("control") or "", code, ours.get("record") or ""))
                return None
        if not stream:
            message = events[0]["choices"][0]["message"]
            return {key: value for key, value in message.items() if key in ("role", "content", "tool_calls") and value}
        return _joined(events)

    def _call(self, call: Mapping[str, Any], done: Transcript) -> str:
        name, arguments = call["function"]["name"], json.loads(call["function"]["arguments"])
        done.calls.append((name, arguments))
        result = self._rpc("tools/call", {"name": name, "arguments": arguments}, done, name)
        if result is None:
            return "the call was refused"
        told = "\n".join(each["text"] for each in result["content"])
        done.results.append(json.dumps(result["structuredContent"]) if "structuredContent" in result else told)
        return done.results[-1]

    def _rpc(self, method: str, params: Mapping[str, Any], done: Transcript, where: str) -> dict[str, Any] | None:
        _, headers, data = self._post("/mcp", {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        self._session = headers.get("ringwall-session", self._session)
        said = json.loads(data or b"{}")
        error = said.get("error")
        if error is None:
            found: dict[str, Any] = said["result"]
            return found
        told = error.get("data") or error.get("ringwall") or {}
        code = str(told.get("code") or error.get("code"))
        done.refusals.append(Refusal(where, told.get("control") or "", code, told.get("record") or ""))
        return None

    def _post(self, path: str, body: object) -> tuple[int, Mapping[str, str], bytes]:
        headers = {**self._headers, "Ringwall-Session": self._session}
        request = urllib.request.Request(self._root + path, json.dumps(body).encode(), headers)  # noqa: S310
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the gateway is asked directly
        try:
            with opener.open(request, timeout=ASK_S) as answer:
                return answer.status, _lower(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _lower(error.headers), error.read()


def _lower(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _events(data: bytes) -> list[Any]:
    lines = (line.removeprefix("data: ") for line in data.decode().split("\n") if line.startswith("data: "))
    return [json.loads(line) for line in lines if line != "[DONE]"]


def _joined(events: Sequence[Any]) -> dict[str, Any]:
    """The message that the events of a stream spell."""
    text, calls = "", dict[int, Any]()
    for delta in (choice["delta"] for each in events for choice in each.get("choices", ())):
        text += delta.get("content") or ""
        for piece in delta.get("tool_calls") or ():
            empty = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
            call = calls.setdefault(piece["index"], empty)
            call["id"] = piece.get("id") or call["id"]
            call["function"]["name"] += piece["function"].get("name") or ""
            call["function"]["arguments"] += piece["function"].get("arguments") or ""
    said: dict[str, Any] = {"role": "assistant"}
    if text:
        said["content"] = text
    if calls:
        said["tool_calls"] = [call for _, call in sorted(calls.items())]
    return said

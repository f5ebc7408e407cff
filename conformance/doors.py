"""The doors to models: how each asks, and what can be read in its answers.

A request is a document; where a cell puts the secret into the request, it has a hole there (`templates`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from conformance import eventstream, sigv4
from conformance.cells import Place
from conformance.templates import HOLE
from conformance.wire import Answer

DESCRIBED = "Looks something up."
SCHEMA: dict[str, object] = {"type": "object", "properties": {"q": {"type": "string"}}}
ASKED = frozenset({Place.RESULTS, Place.SYSTEM})
"""Places that stand in a request."""


@dataclass(frozen=True, slots=True)
class Target:
    """The gateway under attack.

    Attributes:
        base_url: Its root, without `/v1`.
        key: An API key.
        model: The model whose provider is this program.
        aws: Access key id and secret, for doors that are signed; empty without.
    """

    base_url: str
    key: str
    model: str
    aws: tuple[str, str] = ("", "")


class Door(Protocol):
    """One protocol."""

    name: str
    asked: frozenset[Place]
    """Places that stand in the request; the others stand in the answer."""

    def url(self, target: Target, *, streamed: bool) -> str:
        """Where it is asked."""
        ...

    def headers(self, target: Target, url: str, body: bytes) -> Mapping[str, str]:
        """What a request carries."""
        ...

    def document(self, target: Target, mark: str, place: Place, *, streamed: bool) -> Mapping[str, object]:
        """What is asked."""
        ...


def question(mark: str) -> str:
    """What a person asks; the mark says to the provider which answer is meant."""
    return f"Which hiking boots are waterproof? ({mark})"


class OpenAIChat:
    """Chat completions."""

    name = "OpenAI chat"
    asked = ASKED

    def url(self, target: Target, *, streamed: bool) -> str:
        return f"{target.base_url}/v1/chat/completions"

    def headers(self, target: Target, url: str, body: bytes) -> Mapping[str, str]:
        return {"Content-Type": "application/json", "Authorization": f"Bearer {target.key}"}

    def document(self, target: Target, mark: str, place: Place, *, streamed: bool) -> Mapping[str, object]:
        messages: list[object] = [{"role": "user", "content": question(mark)}]
        more: dict[str, object] = {"stream": streamed}
        if place is Place.SYSTEM:
            messages.insert(0, {"role": "system", "content": HOLE})
        elif place is Place.RESULTS:
            call = {"id": "call_1", "type": "function", "function": {"name": "lookup", "arguments": "{}"}}
            messages += [
                {"role": "assistant", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": "call_1", "content": HOLE},
            ]
        elif place is Place.CHOICES:
            more["n"] = 2
        if place in (Place.ARGUMENTS, Place.RESULTS):
            function = {"name": "lookup", "description": DESCRIBED, "parameters": SCHEMA}
            more["tools"] = [{"type": "function", "function": function}]
        return {"model": target.model, "messages": messages, **more}


class OpenAIResponses:
    """The Responses API; several blocks of one message in place of several choices."""

    name = "OpenAI Responses"
    asked = ASKED | {Place.CHOICES}

    def url(self, target: Target, *, streamed: bool) -> str:
        return f"{target.base_url}/v1/responses"

    def headers(self, target: Target, url: str, body: bytes) -> Mapping[str, str]:
        return OpenAIChat().headers(target, url, body)

    def document(self, target: Target, mark: str, place: Place, *, streamed: bool) -> Mapping[str, object]:
        items: list[object] = [{"role": "user", "content": question(mark)}]
        more: dict[str, object] = {"stream": streamed, "store": False}
        if place is Place.SYSTEM:
            more["instructions"] = HOLE
        elif place is Place.RESULTS:
            items += [
                {"type": "function_call", "call_id": "call_1", "name": "lookup", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "call_1", "output": HOLE},
            ]
        elif place is Place.CHOICES:
            texts = [{"type": "input_text", "text": text} for text in (question(mark), HOLE)]
            items = [{"role": "user", "content": texts}]
        if place in (Place.ARGUMENTS, Place.RESULTS):
            more["tools"] = [{"type": "function", "name": "lookup", "description": DESCRIBED, "parameters": SCHEMA}]
        return {"model": target.model, "input": items, **more}


class Anthropic:
    """The Messages API; several blocks of one message in place of several choices."""

    name = "Anthropic"
    asked = ASKED | {Place.CHOICES}

    def url(self, target: Target, *, streamed: bool) -> str:
        return f"{target.base_url}/v1/messages"

    def headers(self, target: Target, url: str, body: bytes) -> Mapping[str, str]:
        return {"Content-Type": "application/json", "X-Api-Key": target.key, "Anthropic-Version": "2023-06-01"}

    def document(self, target: Target, mark: str, place: Place, *, streamed: bool) -> Mapping[str, object]:
        messages: list[object] = [{"role": "user", "content": question(mark)}]
        more: dict[str, object] = {"stream": streamed, "max_tokens": 500}
        if place is Place.SYSTEM:
            more["system"] = HOLE
        elif place is Place.RESULTS:
            use = {"type": "tool_use", "id": "call_1", "name": "lookup", "input": {}}
            result = {"type": "tool_result", "tool_use_id": "call_1", "content": HOLE}
            messages += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
        elif place is Place.CHOICES:
            texts = [{"type": "text", "text": text} for text in (question(mark), HOLE)]
            messages = [{"role": "user", "content": texts}]
        if place in (Place.ARGUMENTS, Place.RESULTS):
            more["tools"] = [{"name": "lookup", "description": DESCRIBED, "input_schema": SCHEMA}]
        return {"model": target.model, "messages": messages, **more}


class Bedrock:
    """Converse and ConverseStream; several blocks of one message in place of several choices."""

    name = "Bedrock"
    asked = ASKED | {Place.CHOICES}

    def url(self, target: Target, *, streamed: bool) -> str:
        return f"{target.base_url}/model/{quote(target.model, safe='')}/converse{'-stream' if streamed else ''}"

    def headers(self, target: Target, url: str, body: bytes) -> Mapping[str, str]:
        if not target.aws[0]:
            return OpenAIChat().headers(target, url, body)
        return sigv4.signed(url, body, *target.aws)

    def document(self, target: Target, mark: str, place: Place, *, streamed: bool) -> Mapping[str, object]:
        messages: list[object] = [{"role": "user", "content": [{"text": question(mark)}]}]
        more: dict[str, object] = {}
        if place is Place.SYSTEM:
            more["system"] = [{"text": HOLE}]
        elif place is Place.RESULTS:
            use = {"toolUse": {"toolUseId": "call_1", "name": "lookup", "input": {}}}
            result = {"toolResult": {"toolUseId": "call_1", "content": [{"text": HOLE}]}}
            messages += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
        elif place is Place.CHOICES:
            messages = [{"role": "user", "content": [{"text": question(mark)}, {"text": HOLE}]}]
        if place in (Place.ARGUMENTS, Place.RESULTS):
            spec = {"name": "lookup", "description": DESCRIBED, "inputSchema": {"json": SCHEMA}}
            more["toolConfig"] = {"tools": [{"toolSpec": spec}]}
        return {"messages": messages, **more}


MODEL_DOORS: tuple[Door, ...] = (OpenAIChat(), OpenAIResponses(), Anthropic(), Bedrock())
_INDICES = ("index", "content_index", "output_index", "contentBlockIndex")


def readable(answer: Answer) -> str:
    """Everything that a client could read in an answer: each text put together, and the bytes as they came."""
    texts: dict[tuple[object, ...], list[str]] = {}
    for document in _documents(answer):
        _collect(document, (), texts)
    return "\n\n".join(["".join(pieces) for pieces in texts.values()]) + "\n\n" + answer.body.decode("utf-8", "replace")


def strings(data: bytes) -> str:
    """Everything that stands in a document that arrived somewhere."""
    texts: dict[tuple[object, ...], list[str]] = {}
    try:
        _collect(json.loads(data), (), texts)
    except ValueError:
        pass
    return "\n\n".join(["".join(pieces) for pieces in texts.values()]) + "\n\n" + data.decode("utf-8", "replace")


def _documents(answer: Answer) -> Iterator[object]:
    kind = answer.headers.get("content-type", "")
    if "amazon.eventstream" in kind:
        payloads = list(eventstream.payloads(answer.body))
    elif "event-stream" in kind:
        lines = answer.body.replace(b"\r\n", b"\n").split(b"\n")
        payloads = [line[5:].strip() for line in lines if line.startswith(b"data:")]
    else:
        payloads = [answer.body]
    for payload in payloads:
        try:
            yield json.loads(payload)
        except ValueError:
            continue


def _collect(value: object, path: tuple[object, ...], texts: dict[tuple[object, ...], list[str]]) -> None:
    """Texts by their place, so that what came in pieces is put together and neighbours are not."""
    if isinstance(value, str):
        texts.setdefault(path, []).append(value)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            _collect(each, (*path, number), texts)
    elif isinstance(value, dict):
        at = tuple(value[name] for name in _INDICES if isinstance(value.get(name), int))
        for key, each in value.items():
            _collect(each, (*path, *at, key), texts)

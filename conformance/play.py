"""How is a cell played? First with a benign value, which must arrive; then with every disguise of the secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random

from conformance import answers, secret
from conformance.cells import Cell, Form, Place, Played, State
from conformance.doors import MODEL_DOORS, OpenAIChat, Target, readable, strings
from conformance.provider import Provider
from conformance.templates import HOLE, beside, doubled, filled
from conformance.tools import Reply, ToolServer
from conformance.wire import Answer, post

MCP = "MCP"
NAMES = (*(door.name for door in MODEL_DOORS), MCP)
_ABSENT = (404, 405, 501)
_TOLD_CHARS = 160


@dataclass(frozen=True, slots=True)
class Trial:
    """One request, and what arrived at the other side.

    Attributes:
        answer: What the gateway answered.
        arrived: What could be read: by the client, or by what stands behind the gateway.
    """

    answer: Answer
    arrived: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The gateway, and what stands behind it."""

    target: Target
    provider: Provider
    tools: ToolServer

    def play(self, cell: Cell, seed: int) -> Played:
        """Play one cell; the same seed draws the same secrets."""
        random = Random(f"{seed} {cell}")
        trial: Callable[[Cell, str, str], Iterator[Trial]] | None = self._at_models
        if cell.door == MCP:
            trial = self._at_tools if cell.place is not Place.SYSTEM else None
        if trial is None:
            return Played(cell, State.NOTHING)
        plain = replace(cell, form=Form.SPLIT if cell.form is Form.SPLIT else Form.WHOLE)
        for tried in trial(plain, secret.BENIGN, _mark(random)):
            if tried.answer.status in _ABSENT:
                return Played(cell, State.NOT_SPOKEN, f"status {tried.answer.status}")
            if tried.answer.status != 200 or secret.BENIGN not in tried.arrived:
                return Played(cell, State.REFUSES_ALL, _told(tried.answer))
        number = secret.draw(random)
        written = secret.disguises(number) if cell.form is Form.ENCODED else {cell.form: number}
        for name, value in written.items():
            for tried in trial(cell, value, _mark(random)):
                if secret.got_through(number, value, tried.arrived):
                    return Played(cell, State.LEAKS, f"{name}: {value} arrived")
        return Played(cell, State.HOLDS)

    def _at_models(self, cell: Cell, value: str, mark: str) -> Iterator[Trial]:
        door = next(each for each in MODEL_DOORS if each.name == cell.door)
        url = door.url(self.target, streamed=cell.streamed)
        document = door.document(self.target, mark, cell.place, streamed=cell.streamed)
        if cell.place in door.asked:
            for body in _bodies(document, cell.form, value):
                self.provider.received.pop(mark, None)
                answer = post(url, body, door.headers(self.target, url, body), split=cell.form is Form.SPLIT)
                arrived = "\n\n".join(strings(each) for each in self.provider.received.pop(mark, []))
                yield Trial(answer, arrived)
            return
        body = json.dumps(document).encode()
        for script in answers.scripts(cell.place, cell.form, value, secret.BENIGN):
            self.provider.scripts[mark] = script
            answer = post(url, body, door.headers(self.target, url, body))
            self.provider.scripts.pop(mark)
            yield Trial(answer, readable(answer))

    def _at_tools(self, cell: Cell, value: str, mark: str) -> Iterator[Trial]:
        """At the MCP door; streamed says how the tool's server answers."""
        url = f"{self.target.base_url}/mcp"
        headers = {**OpenAIChat().headers(self.target, url, b""), "Accept": "application/json, text/event-stream"}
        arguments = {"q": HOLE if cell.place is Place.ARGUMENTS else "boots", "note": mark}
        params = {"name": "lookup", "arguments": arguments}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        if cell.place is Place.ARGUMENTS:
            self.tools.replies[mark] = Reply(_result(Place.TEXT, "noted"), cell.streamed)
            for body in _bodies(message, cell.form, value):
                self.tools.received.pop(mark, None)
                answer = post(url, body, headers, split=cell.form is Form.SPLIT)
                yield Trial(answer, "\n\n".join(strings(each) for each in self.tools.received.pop(mark, [])))
            return
        body = json.dumps(message).encode()
        for result in _results(cell.place, cell.form, value):
            self.tools.replies[mark] = Reply(result, cell.streamed, cell.form is Form.SPLIT)
            answer = post(url, body, headers)
            yield Trial(answer, readable(answer))


def _bodies(document: object, form: Form, value: str) -> Iterator[bytes]:
    """A request with this value in its hole, in every way of this form."""
    if form is Form.DUPLICATE:
        yield doubled(document, value, secret.BENIGN)
        yield doubled(document, secret.BENIGN, value)
    elif form is Form.UNKNOWN:
        for key in answers.FIELDS:
            yield beside(document, key, secret.BENIGN, value)
    else:
        yield filled(document, value)


def _results(place: Place, form: Form, value: str) -> Iterator[bytes]:
    """What a tool returns."""
    document: dict[str, object] = {"content": [{"type": "text", "text": f"It is {HOLE} indeed."}]}
    if place is Place.RESULTS:
        document = {"content": [], "structuredContent": {"row": f"It is {HOLE} indeed."}}
    elif place is Place.CHOICES:
        document = {"content": [{"type": "text", "text": "noted"}, {"type": "text", "text": f"It is {HOLE} indeed."}]}
    yield from _bodies(document, form, value)


def _result(place: Place, value: str) -> bytes:
    return next(_results(place, Form.WHOLE, value))


def _mark(random: Random) -> str:
    return "mark-" + "".join(random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(12))


def _told(answer: Answer) -> str:
    text = answer.body.decode("utf-8", "replace")[:_TOLD_CHARS]
    return f"status {answer.status}: {''.join(each if each.isprintable() else ' ' for each in text)}"

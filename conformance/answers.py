"""What the provider is to answer for a cell: documents with a hole, filled as the form says."""

from __future__ import annotations

import json
from collections.abc import Iterator

from conformance.cells import Form, Place
from conformance.provider import DONE, Script, counted, event, whole
from conformance.templates import HOLE, beside, doubled, filled

TOOL = "lookup"
FIELDS = ("reasoning_content", "x_note", "refusal_reason", "annotations_text")
"""Names of fields that no door may know, or may not pass on unread."""


def scripts(place: Place, form: Form, value: str, benign: str) -> Iterator[Script]:
    """Every way in which the provider says this value in this form."""
    document, events = _documents(place)
    if form in (Form.WHOLE, Form.ENCODED):
        yield Script(filled(document, value), _events(events, lambda each: filled(each, value)))
    elif form is Form.SPLIT:
        yield Script(filled(document, value), tuple(_cut(events, value)), split=True)
    elif form is Form.DUPLICATE:
        for first, second in ((benign, value), (value, benign)):
            yield Script(
                doubled(document, first, second),
                _events(events, lambda each, first=first, second=second: doubled(each, first, second)),
            )
    else:
        for key in FIELDS:
            yield Script(
                beside(document, key, benign, value),
                _events(events, lambda each, key=key: beside(each, key, benign, value)),
            )


def _documents(place: Place) -> tuple[object, list[object]]:
    """A whole answer and the events of a streamed one, each with a hole."""
    if place is Place.ARGUMENTS:
        arguments = json.dumps({"q": HOLE})
        call = {"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": arguments}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        begun = {"role": "assistant", "tool_calls": [{"index": 0, **call}]}
        return whole(message, finish="tool_calls"), [event(begun), event({}, finish="tool_calls"), counted()]
    if place is Place.CHOICES:
        choices = [
            {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            for index, text in enumerate(("noted", f"It is {HOLE} indeed."))
        ]
        events = [
            event({"role": "assistant", "content": "noted"}),
            event({"role": "assistant", "content": f"It is {HOLE} indeed."}, index=1),
            event({}, finish="stop"),
            event({}, index=1, finish="stop"),
            counted(),
        ]
        return whole(None, choices=choices), events
    said = {"role": "assistant", "content": f"It is {HOLE} indeed."}
    return whole(said), [event(said), event({}, finish="stop"), counted()]


def _events(events: list[object], fill) -> tuple[bytes, ...]:
    return (*(fill(each) for each in events), DONE)


def _cut(events: list[object], value: str) -> Iterator[bytes]:
    """The events with what has the hole said character by character."""
    for each in events:
        if HOLE not in json.dumps(each):
            yield json.dumps(each).encode()
            continue
        choice = each["choices"][0]
        delta, index = choice["delta"], choice["index"]
        if "tool_calls" in delta:
            call = delta["tool_calls"][0]
            text = call["function"]["arguments"].replace(HOLE, json.dumps(value)[1:-1])
            begun = {**call, "function": {**call["function"], "arguments": ""}}
            yield json.dumps(event({"role": "assistant", "tool_calls": [begun]})).encode()
            for letter in text:
                piece = {"index": 0, "function": {"arguments": letter}}
                yield json.dumps(event({"tool_calls": [piece]}, index=index)).encode()
        else:
            for letter in delta["content"].replace(HOLE, value):
                yield json.dumps(event({"content": letter}, index=index)).encode()
    yield DONE

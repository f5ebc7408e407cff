"""Streams are what the stock events of the `openai` package read, item by item."""

from __future__ import annotations

import json

from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from ringwall.dataplane.wire.door import Said
from ringwall.dataplane.wire.openai_responses import OpenAIResponses
from ringwall.model.conversation import CallDelta, Counted, Finish, Finished, Sealed, TextDelta, TextKind, Usage
from ringwall.model.verdict import DenyKind
from tests.dataplane.wire.heads import head

EVENT: TypeAdapter = TypeAdapter(ResponseStreamEvent)


def read(data: bytes) -> list:
    rows = [block.split("\n") for block in data.decode().split("\n\n") if block and not block.startswith(":")]
    found = [EVENT.validate_python(json.loads(row[1].removeprefix("data: "))) for row in rows]
    assert [row[0] for row in rows] == [f"event: {each.type}" for each in found]
    assert [each.sequence_number for each in found] == list(range(len(found)))
    return found


def events(*deltas) -> list:
    renderer = OpenAIResponses().renderer(head())
    return read(renderer.begin() + b"".join(renderer.render(delta) for delta in deltas) + renderer.end("rw1.x"))


ALL = (
    TextDelta(0, "hm", TextKind.REASONING),
    Sealed(0, "c2VhbA=="),
    TextDelta(0, "ye"),
    TextDelta(0, "s"),
    TextDelta(0, "no", TextKind.REFUSAL),
    CallDelta(0, 0, '{"q":1}', "call_1", "f"),
    CallDelta(0, 1, "{}", "call_2", "g"),
    Finished(0, Finish.TOOL_CALLS),
    Counted(Usage(10, 3, 4)),
)


def test_every_item_is_opened_filled_and_closed_once():
    found = events(*ALL)
    opened = [(each.output_index, each.item.type) for each in found if each.type == "response.output_item.added"]
    assert opened == [(0, "reasoning"), (1, "message"), (2, "function_call"), (3, "function_call")]
    closed = [each.item for each in found if each.type == "response.output_item.done"]
    last = found[-1].response
    assert found[-1].type == "response.completed" and closed == last.output
    assert (last.output[0].encrypted_content, last.output_text) == ("bound.c2VhbA==", "yes")
    assert last.output[1].content[1].refusal == "no" and last.usage.total_tokens == 13
    assert [each.delta for each in found if each.type == "response.output_text.delta"] == ["ye", "s"]
    begun = [each for each in found if each.type == "response.content_part.added"]
    ended = [each for each in found if each.type == "response.content_part.done"]
    assert [(each.item_id, each.content_index) for each in begun] == [
        (each.item_id, each.content_index) for each in ended
    ]


def test_what_was_cut_off_is_incomplete():
    assert events(TextDelta(0, "x"), Finished(0, Finish.LENGTH))[-1].type == "response.incomplete"


def test_a_refusal_ends_the_stream_and_says_who():
    renderer = OpenAIResponses().renderer(head())
    data = renderer.begin() + renderer.render(TextDelta(0, "x"))
    said = Said(403, "no", "c", control="a.b", record="rec_1", kind=DenyKind.CONTENT)
    last = read(data + renderer.error(said))[-1].response
    assert (last.status, last.error.code, last.error.message) == ("failed", "invalid_prompt", "no")
    assert (
        json.loads(renderer.error(said).decode().split("data: ")[1])["response"]["error"]["ringwall"]["record"]
        == "rec_1"
    )


def test_no_text_can_break_out_of_its_event():
    for text in ("a\n\nevent: error\ndata: {}\n\n", "\r\r", "\u2028"):
        [delta] = [each for each in events(TextDelta(0, text)) if each.type == "response.output_text.delta"]
        assert delta.delta == text

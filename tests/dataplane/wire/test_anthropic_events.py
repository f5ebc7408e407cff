from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.dataplane.wire.anthropic_upstream import Anthropic
from ringwall.model.conversation import Counted, Finish, Finished, TextDelta, Usage
from ringwall.model.errors import UpstreamError
from tests.dataplane.wire.anthropic_shapes import events
from tests.dataplane.wire.upstream_laws import check_bytes, deltas
from tests.providers import anthropic as fake
from tests.providers.said import event

WIRE = Anthropic()


@settings(max_examples=300)
@given(events.map(lambda body: json.dumps(body).encode()))
def test_any_event_is_read_or_refused(data):
    check_bytes(WIRE, data)


@settings(max_examples=200)
@given(st.lists(events, max_size=5))
def test_any_events_are_read_or_refused(found):
    start = fake.stream("x")[:1]
    try:
        deltas(WIRE, [*start, *(b"data: " + json.dumps(each).encode() + b"\n\n" for each in found)])
    except UpstreamError as error:
        assert error.code.startswith("upstream_")


@pytest.mark.parametrize(
    "more",
    [
        {"type": "error", "error": {"type": "overloaded_error"}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use", "name": "x"}},
        {"type": "content_block_start", "index": 9999, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop"},
        {"type": "message_start", "message": {"type": "message", "content": []}},
        {"type": "message_delta", "delta": {"stop_reason": "pause_turn"}},
        {"type": "whatever", "text": "theirs"},
    ],
)
def test_what_does_not_belong_into_a_stream_is_refused(more):
    with pytest.raises(UpstreamError):
        deltas(WIRE, [fake.stream("x")[0], event(more)])


def test_a_stream_that_stops_by_its_sequence_says_so_and_counts():
    pieces = fake.stream("x")
    pieces[-2] = event({"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "theirs"}})
    assert deltas(WIRE, pieces) == [TextDelta(0, "x"), Finished(0, Finish.STOP_SEQUENCE), Counted(Usage(6, 5, 2, 1))]

"""Ids of items are ours and differ; a response in progress says so."""

from __future__ import annotations

from ringwall.dataplane.wire import openai_responses_shapes as shapes
from tests.dataplane.wire.heads import head


def test_a_response_without_a_finish_is_in_progress_and_has_no_count():
    begun = shapes.response(head(), [], None, None)
    assert (begun["status"], begun["usage"], begun["output"]) == ("in_progress", None, [])


def test_items_are_named_by_their_place():
    names = [
        shapes.message(head(), 0, [])["id"],
        shapes.message(head(), 1, [])["id"],
        shapes.reasoning(head(), 0, "", None)["id"],
        shapes.function_call(head(), 0, "call_1", "f", "{}")["id"],
    ]
    assert len(set(names)) == 4

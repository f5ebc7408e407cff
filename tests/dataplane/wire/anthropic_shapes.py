"""JSON documents in the shape of the Messages API, right and wrong."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.dataplane.wire.shapes import anything, objects, texts

blocks = objects(
    {
        "type": st.sampled_from(["text", "thinking", "tool_use", "redacted_thinking", "server_tool_use", "x"]),
        "text": texts,
        "thinking": texts,
        "name": st.sampled_from(["f", "", "a b"]),
        "input": anything,
    }
)
answers = objects(
    {"type": st.just("message"), "content": st.lists(blocks, max_size=3)},
    stop_reason=st.sampled_from(["end_turn", "tool_use", "pause_turn", "x"]),
    usage=objects({"input_tokens": st.integers(-5, 10**15), "output_tokens": st.integers(-5, 50)}),
)
kinds = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "x"]
events = objects(
    {"type": st.sampled_from(kinds), "index": st.integers(-2, 2000)},
    message=answers,
    content_block=blocks,
    delta=objects(
        {"type": st.sampled_from(["text_delta", "thinking_delta", "signature_delta", "input_json_delta"])},
        text=texts,
        thinking=texts,
        signature=texts,
        partial_json=texts,
        stop_reason=st.sampled_from(["end_turn", "pause_turn"]),
    ),
)

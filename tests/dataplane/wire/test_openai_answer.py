from __future__ import annotations

import json

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from ringwall.dataplane.wire import openai_answer as wire
from ringwall.dataplane.wire.door import Said
from ringwall.dataplane.wire.openai_upstream import parse_answer
from ringwall.model.conversation import CallDelta, Counted, Finish, Finished, Sealed, TextDelta, TextKind, Usage
from tests.dataplane.wire.heads import head


def render(body: dict) -> dict:
    answer = parse_answer(json.dumps(body).encode())
    return json.loads(wire.OpenAIChat().answer(answer, head()))


CALL = {"id": "", "type": "function", "function": {"name": "f", "arguments": '{"a":[1,"\u00e9"]}'}}


def test_an_answer_is_what_the_stock_types_read():
    message = {"role": "assistant", "content": "x", "refusal": None, "tool_calls": [CALL]}
    body = render(
        {
            "choices": [
                {"message": message, "finish_reason": "tool_calls"},
                {"message": {"refusal": "no"}, "finish_reason": "stop"},
            ],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2},
        }
    )
    read = ChatCompletion.model_validate(body)
    assert read.id == "chatcmpl-req_1"
    assert read.choices[0].message.tool_calls[0].function.arguments == CALL["function"]["arguments"]
    assert (read.choices[1].message.content, read.choices[1].message.refusal) == (None, "no")
    assert read.usage.total_tokens == 3
    assert body["choices"][0]["message"] == message


def rendered(*deltas, include_usage: bool = False) -> list[dict]:
    renderer = wire.StreamRenderer(head(include_usage=include_usage))
    data = b"".join(renderer.render(delta) for delta in deltas)
    return [json.loads(line[6:]) for line in data.decode().split("\n\n") if line]


def test_chunks_are_what_the_stock_types_read():
    chunks = rendered(
        TextDelta(0, "x"),
        TextDelta(0, "no", TextKind.REFUSAL),
        CallDelta(1, 0, "{}", "call_1", "f"),
        Finished(0, Finish.STOP),
        Finished(1, Finish.TOOL_CALLS),
        Counted(Usage(1, 2)),
        include_usage=True,
    )
    read = [ChatCompletionChunk.model_validate(chunk) for chunk in chunks]
    assert [choice.delta.role for chunk in read for choice in chunk.choices].count("assistant") == 2
    assert [choice.finish_reason for chunk in read for choice in chunk.choices if choice.finish_reason] == [
        "stop",
        "tool_calls",
    ]
    assert read[-1].choices == []
    assert read[-1].usage.total_tokens == 3
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


def test_a_count_that_nobody_asked_for_is_not_sent():
    assert rendered(Counted(Usage(1, 2))) == []
    assert "usage" not in rendered(TextDelta(0, "x"))[0]


def test_what_a_model_says_to_itself_has_no_place_in_this_protocol():
    assert rendered(TextDelta(0, "hm", TextKind.REASONING), Sealed(0, "c2VhbA==")) == []


def test_no_text_can_break_out_of_its_event():
    for text in ("a\n\ndata: [DONE]\n\n", "\r\r", "\u2028", "\x00"):
        chunks = rendered(TextDelta(0, text))
        assert chunks[-1]["choices"][0]["delta"]["content"] == text


def test_an_error_has_the_protocols_shape_and_ours_below():
    body = json.loads(wire.render_error(Said(403, "no", "c", None, "a.b", "inbound", "rec_1")))
    assert body["error"] == {
        "message": "no",
        "type": "permission_error",
        "param": None,
        "code": "c",
        "ringwall": {"control": "a.b", "checkpoint": "inbound", "record": "rec_1"},
    }
    kinds = {
        status: json.loads(wire.render_error(Said(status, "", "c")))["error"]["type"] for status in (400, 401, 429, 502)
    }
    assert kinds == {
        400: "invalid_request_error",
        401: "authentication_error",
        429: "rate_limit_error",
        502: "api_error",
    }


def test_models_are_listed():
    body = json.loads(wire.render_models(["a", "b"], created=5))
    assert [model["id"] for model in body["data"]] == ["a", "b"]

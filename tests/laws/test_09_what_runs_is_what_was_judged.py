"""Law 9: what is sent is the judged and edited content; what can be read in two ways is refused."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.wire.openai_request import parse_request
from ringwall.dataplane.wire.openai_upstream import encode_request
from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Answered, Attempt, Refused
from ringwall.model.content import Origin
from ringwall.model.errors import CallerError
from ringwall.model.plan import Mode
from tests.fakes import Road, attempt, facts, rule, seat, text_part
from tests.laws.plans import seats, texts


@given(seats(answers=("allow", "hide"), modes=(Mode.ENFORCE,)), texts())
def test_only_judged_content_goes_upstream(plan, text):
    road = Road(Chain(plan))
    outcome = asyncio.run(road.exchange.answer(road.running, attempt(text_part(text))))
    decision = asyncio.run(Chain(plan).decide(_vantage(text)))
    if isinstance(outcome, Answered):
        assert road.upstream.sent[0].parts[0].text == decision.parts[0].text
    else:
        assert not road.upstream.sent


def _vantage(text: str):
    from tests.fakes import vantage

    return vantage(text_part(text))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(st.text(max_size=50), st.dictionaries(st.text(max_size=6), json_values, max_size=4), st.text(max_size=20))
def test_every_string_of_a_request_is_a_part_or_a_closed_name(said, arguments, result):
    body = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "sys"},
            {"role": "user", "content": [{"type": "text", "text": said}]},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": json.dumps(arguments)}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": result},
        ],
        "tools": [{"type": "function", "function": {"name": "f", "description": said, "parameters": arguments}}],
    }
    chat = parse_request(json.dumps(body).encode(), depth=64)
    leaves = {leaf.text for part in chat.parts for leaf in part.leaves()}
    assert {said, result} <= leaves
    assert set(arguments) <= leaves
    origins = {part.id: part.origin for part in chat.parts}
    assert origins["turns/3/content/0"] is Origin.TOOL
    assert chat.tool_results == (("turns/3/content/0", "c1"),)


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_is_sent_is_encoded_from_the_parts(said, replaced):
    body = {"model": "m", "messages": [{"role": "user", "content": said}], "user": "dropped", "metadata": {"k": said}}
    chat = parse_request(json.dumps(body).encode(), depth=64)
    road = Road(Chain([seat(rule("r"))]))
    made = attempt()
    interaction = made.interaction
    changed = tuple(text_part(replaced, part.id) for part in chat.parts)
    asyncio.run(
        road.exchange.answer(
            road.running,
            Attempt(
                type(interaction)(
                    interaction.id,
                    interaction.workload,
                    interaction.principal,
                    interaction.action,
                    interaction.resource,
                    interaction.session,
                    changed,
                    chat.conversation,
                ),
                facts(),
            ),
        )
    )
    sent = json.loads(encode_request(road.upstream.sent[0], streamed=False))
    assert sent["messages"] == [{"role": "user", "content": replaced}]
    assert set(sent) == {"model", "messages", "max_completion_tokens"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"m","model":"n","messages":[{"role":"user","content":"x"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"x","content":"y"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"x","\\u0063ontent":"y"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":NaN}',
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":1e999}',
        b'{"model":"m","messages":[{"role":"user","content":"\\ud800"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}',
        b'\xef\xbb\xbf{"model":"m","messages":[{"role":"user","content":"x"}]}',
        b'{"model":"m","messages":[{"role":"user","content":"x"}]} {}',
        b'{"model":"m","messages":[{"role":"user","content":"x"}],"extra":1}',
        b'{"model":"m","messages":' + b"[" * 100 + b"]" * 100 + b"}",
        b"[]",
        b"",
    ],
)
def test_what_can_be_read_in_two_ways_is_refused(body):
    with pytest.raises(CallerError):
        parse_request(body, depth=64)


def test_duplicate_keys_in_tool_arguments_are_refused():
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1,"a":2}'}}
    body = {"model": "m", "messages": [{"role": "assistant", "tool_calls": [call]}]}
    with pytest.raises(CallerError):
        parse_request(json.dumps(body).encode(), depth=64)


def test_a_refused_request_sends_nothing():
    road = Road(Chain([seat(rule("r", "zebra", "deny"))]))
    outcome = asyncio.run(road.exchange.answer(road.running, attempt(text_part("zebra"))))
    assert isinstance(outcome, Refused)
    assert not road.upstream.sent

"""What a session remembers of tools: which calls were proposed, and what really came from a tool."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine import memory
from ringwall.model.content import JSON, Json, Origin, Part, PartId, freeze
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import SessionKey
from ringwall.model.session import Event, SessionState
from tests.fakes import PlainDigests, interaction

SHOP = WorkloadId("support")
DIGESTS = PlainDigests()
CALL = {"table": "products", "limit": 5}


def result(value: object, number: int = 0) -> Part:
    frozen: Json = freeze(value)
    return Part(
        PartId(f"turns/{number}/content/0"), Origin.TOOL, frozen, JSON if not isinstance(value, str) else "text/plain"
    )


def knowing(*events: Event) -> SessionState:
    return SessionState(SessionKey("s"), 1, events=events)


def told(state: SessionState, *parts: Part) -> dict[PartId, str]:
    made = replace(interaction(*parts), workload=SHOP)
    return dict(memory.delivered(DIGESTS, made, [(part.id, "call_1") for part in parts], state).tools)


def delivery(*parts: Part, tool: str = "query") -> SessionState:
    return knowing(*memory.deliveries(DIGESTS, SHOP, tool, parts, "rec_1"))


def test_the_last_answer_that_proposed_a_call_is_named_whatever_the_order_of_its_arguments() -> None:
    wanted = memory.intent(DIGESTS, SHOP, "query", freeze(CALL))
    state = knowing(Event(memory.INTENDED, wanted, "rec_1"), Event(memory.INTENDED, wanted, "rec_2"))
    again = memory.intent(DIGESTS, SHOP, "query", freeze(dict(reversed(CALL.items()))))
    assert memory.proposer(state, again) == "rec_2"
    other = memory.intent(DIGESTS, SHOP, "query", freeze({**CALL, "limit": 6}))
    assert memory.proposer(state, other) is None and memory.proposer(None, wanted) is None
    assert memory.intent(DIGESTS, WorkloadId("hr"), "query", freeze(CALL)) != wanted


def test_what_was_delivered_is_known_as_it_is_and_as_json_written_anew() -> None:
    rows = {"rows": [{"name": "boots", "price": 89.5}]}
    text = json.dumps(rows)
    state = delivery(result(text))
    assert told(state, result(text)) == {"turns/0/content/0": "query"}
    assert told(state, result(json.dumps(rows, indent=2, sort_keys=True))) == {"turns/0/content/0": "query"}
    assert told(delivery(result(rows)), result(text)) == {"turns/0/content/0": "query"}


def test_texts_that_an_agent_joins_are_known_joined() -> None:
    state = delivery(result("one"), result("two", 1))
    assert set(told(state, result("one\ntwo"), result("onetwo", 1), result("two", 2)).values()) == {"query"}
    assert told(state, result("two\none")) == {}


def test_what_a_caller_made_up_or_changed_is_not_known() -> None:
    state = delivery(result('{"price": 10}'))
    for forged in ('{"price": 11}', '{"price": 10, "x": 1}', " ", "query"):
        assert told(state, result(forged)) == {}, forged


def test_what_another_part_of_the_request_says_is_no_delivery() -> None:
    state = delivery(result("row"))
    made = replace(interaction(result("row")), workload=SHOP)
    assert dict(memory.delivered(DIGESTS, made, [], state).tools) == {}


def test_another_workload_knows_nothing_of_it() -> None:
    state = delivery(result("row"))
    made = replace(interaction(result("row")), workload=WorkloadId("hr"))
    assert dict(memory.delivered(DIGESTS, made, [(PartId("turns/0/content/0"), "c")], state).tools) == {}


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_any_text_that_was_delivered_is_known(text: str) -> None:
    assert told(delivery(result(text)), result(text)) == {"turns/0/content/0": "query"}

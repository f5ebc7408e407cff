"""Events come in the documented order whatever comes upstream, and nothing of a text is lost or moved."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.wire.bedrock_answer import Events, message_of, usage_of
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.conversation import (
    Answer,
    CallDelta,
    Choice,
    Counted,
    Finish,
    Finished,
    Reasoning,
    Sealed,
    TextDelta,
    TextKind,
    ToolCall,
    Usage,
)
from tests.dataplane.wire.heads import head

PARTS = (
    Part(PartId("r"), Origin.MODEL, "hm"),
    Part(PartId("c"), Origin.MODEL, "yes"),
    Part(PartId("a"), Origin.MODEL, freeze({"q": ["é"]}), JSON),
    Part(PartId("n"), Origin.MODEL, "no"),
)
CALL = ToolCall("call_1", "f", PartId("a"))


def test_a_whole_answer_has_its_blocks_in_order_and_seals_bound_to_their_bearer():
    thoughts = (Reasoning(PartId("r"), "c2VhbA=="), Reasoning(PartId("r")))
    choice = Choice(0, (PartId("c"),), (CALL,), Finish.TOOL_CALLS, reasoning=thoughts)
    said = message_of(Answer((choice,), PARTS), head())
    assert said == {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "bound.c2VhbA=="}}},
                    {"reasoningContent": {"reasoningText": {"text": "hm"}}},
                    {"text": "yes"},
                    {"toolUse": {"toolUseId": "call_1", "name": "f", "input": {"q": ["é"]}}},
                ],
            }
        },
        "stopReason": "tool_use",
    }


def test_a_refusal_of_the_model_is_text_that_was_filtered():
    said = message_of(Answer((Choice(0, (), (), Finish.STOP, refusal=PartId("n")),), PARTS), head())
    assert (said["output"]["message"]["content"], said["stopReason"]) == ([{"text": "no"}], "content_filtered")


def test_what_was_read_from_a_cache_is_not_among_the_input():
    counts = usage_of(Usage(10, 3, 4))
    assert (counts["inputTokens"], counts["cacheReadInputTokens"], counts["totalTokens"]) == (6, 4, 13)
    assert usage_of(None)["totalTokens"] == 0 and usage_of(Usage(1, 0, 5))["inputTokens"] == 0


deltas = st.lists(
    st.one_of(
        st.builds(TextDelta, st.just(0), st.text(min_size=1, max_size=5), st.sampled_from(TextKind)),
        st.builds(CallDelta, st.just(0), st.integers(0, 3), st.just('{"a":1}'), st.just("call_1"), st.just("f")),
        st.builds(Sealed, st.just(0), st.just("c2VhbA==")),
    ),
    max_size=12,
)


@given(deltas, st.sampled_from(Finish))
def test_events_come_in_the_documented_order(came, finish):
    made = Events(head())
    events = [*made.begin()]
    for delta in [*came, Finished(0, finish), Counted(Usage(1, 2))]:
        events += made.take(delta)
    events += made.end("receipt")
    kinds = [kind for kind, _ in events]
    assert kinds[0] == "messageStart" and kinds[-2:] == ["messageStop", "metadata"]
    assert kinds.count("messageStop") == kinds.count("messageStart") == 1
    index, is_open, text, thought = 0, False, "", ""
    for kind, payload in events[1:-2]:
        assert payload["contentBlockIndex"] == index
        assert kind != "contentBlockStart" or not is_open
        if kind == "contentBlockStop":
            assert is_open
            index += 1
        is_open = kind != "contentBlockStop"
        delta = payload.get("delta", {})
        text += delta.get("text", "")
        thought += delta.get("reasoningContent", {}).get("text", "")
    assert not is_open
    said = [each for each in came if isinstance(each, TextDelta)]
    assert text == "".join(each.text for each in said if each.kind is not TextKind.REASONING)
    assert thought == "".join(each.text for each in said if each.kind is TextKind.REASONING)

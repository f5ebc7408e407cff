"""Canaries, wherever they turn up."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controls.identity_data.canary import CONTROL, MAX_CANARY_CHARS
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.errors import ConfigError
from ringwall.model.interaction import Action, Checkpoint, Vantage
from tests.controls.judging import build, code, vantage

VALUE = "Canary-7D1F-row"
WAYS = sorted(CONTROL.checkpoints)


def seen(value: object, checkpoint: Checkpoint = Checkpoint.RESPONSE, action: Action = Action.INVOKE) -> Vantage:
    frozen = freeze(value)
    media = "text/plain" if isinstance(frozen, str) else JSON
    plain = vantage(checkpoint=checkpoint, action=action)
    return Vantage(checkpoint, plain.interaction, (Part(PartId("p"), Origin.TOOL, frozen, media),), plain.facts)


@pytest.mark.parametrize("checkpoint", WAYS)
@pytest.mark.parametrize("value", [f"it says {VALUE}.", VALUE.upper(), {"rows": [["a", VALUE.lower()]]}, {VALUE: 1}])
def test_a_canary_is_refused_everywhere(checkpoint: Checkpoint, value: object) -> None:
    control = build(CONTROL, values=(VALUE,))
    assert code(control, seen(value, checkpoint)) == "canary"
    assert VALUE not in repr(asyncio.run(control.examine(seen(value, checkpoint))))


@pytest.mark.parametrize("checkpoint", WAYS)
def test_other_content_is_left_alone_and_without_values_all_is(checkpoint: Checkpoint) -> None:
    assert code(build(CONTROL, values=(VALUE,)), seen("Canary-7D1F and the row", checkpoint)) is None
    assert code(build(CONTROL), seen(VALUE, checkpoint)) is None


def test_a_request_may_be_spared_and_a_tool_call_on_its_way_out_is_not() -> None:
    control = build(CONTROL, values=(VALUE,), inbound=False)
    assert code(control, seen(VALUE, Checkpoint.INBOUND)) is None
    assert code(control, seen(VALUE, Checkpoint.EGRESS)) is None
    assert code(control, seen(VALUE, Checkpoint.EGRESS, Action.CALL)) == "canary"
    assert code(control, seen(VALUE, Checkpoint.CHUNK)) == "canary"


def test_media_that_cannot_be_read_is_not_covered_once_there_are_canaries() -> None:
    plain = vantage()
    picture = Part(PartId("p"), Origin.PERSON, "iVBORw0", "image/png")
    shown = Vantage(Checkpoint.INBOUND, plain.interaction, (picture,), plain.facts)
    assert asyncio.run(build(CONTROL, values=(VALUE,)).examine(shown)).covered == frozenset()
    assert asyncio.run(build(CONTROL).examine(shown)).covered == {"p"}


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="Canry-7D1Fow ", max_size=30), st.integers(1, len(VALUE) - 1))
def test_an_end_that_may_become_a_canary_is_held(text: str, cut: int) -> None:
    control = build(CONTROL, values=(VALUE,))
    assert control.held(text + VALUE[:cut]) >= cut
    assert control.held("nothing of it here!") == 0


@pytest.mark.parametrize("value", ["short", "x" * (MAX_CANARY_CHARS + 1)])
def test_a_value_that_would_turn_up_by_chance_is_an_error(value: str) -> None:
    with pytest.raises(ConfigError):
        build(CONTROL, values=(value,))

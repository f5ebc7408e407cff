"""The laws over the controls that really run: the plan of the laptop, with everything that is built."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import cache
from random import Random

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall import compose
from ringwall.controls.application.markup import CONTROL as MARKUP
from ringwall.controls.application.output_schema import CONTROL as OUTPUT_SCHEMA
from ringwall.controls.application.prompt_leak import CONTROL as PROMPT_LEAK
from ringwall.controls.application.word_filter import CONTROL as WORD_FILTER
from ringwall.engine.chain import Chain, Seat
from ringwall.engine.outcomes import Answered, Attempt, Refused
from ringwall.engine.streamed import Closed, Streaming, stream
from ringwall.model.content import JSON, Origin, Part, PartId, freeze
from ringwall.model.conversation import Finish, Finished, TextDelta
from ringwall.model.decision import Effect
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Action, Checkpoint, Resource, Vantage
from ringwall.model.plan import Mode
from ringwall.model.record import Outcome
from tests.controls.judging import build
from tests.fakes import MemoryContainment, Road, ScriptedUpstream, attempt, facts, interaction, text_part

PIECES = (
    "4111 1111 1111 1111", "4242424242424242", "536-90-4399", "GB82 WEST 1234 5698 7654 32", "ada@example.com",
    "+1 415 555 2671", "AKIAIOSFODNN7EXAMPLE", "ignore previous instructions", "boots", "the tent is fine", ", ", " ",
    "\n", "12", "4111", "@", "key", "é", "социальный", "![x](https://evil.example/p.png)", "<script>", "\x1b[31m", "(",
    "[a](javascript:alert(1))", "f a l c o n", "project nightjar", "rwcanary-5f0c9d1e", "`", "```python\n", "https://a.example",
)  # fmt: skip
SECRETS = ("4111 1111 1111 1111", "4242424242424242", "536-90-4399", "GB82 WEST 1234 5698 7654 32")


@cache
def seats() -> tuple[Seat, ...]:
    plan, _ = compose.read_plan(None)
    planned = plan.workloads[WorkloadId("rehearsal")].controls
    ports = {"policy": compose.make_policy(plan), "tools": ()}
    made = []
    for each in planned:
        kind = compose.built_controls()[each.id]
        wanted = {name: port for name, port in ports.items() if name in kind.__init__.__annotations__}
        made.append(Seat(kind(each.settings, **wanted), each.mode))
    return tuple(made)


def content_only() -> list[Seat]:
    """The controls that read content: the others would refuse a caller who was never on the road."""
    wanted = ("application.prompt_attack", "identity_data.sensitive_data")
    return [*(seat for seat in seats() if seat.control.id in wanted), *answers_only()]


@cache
def answers_only() -> tuple[Seat, ...]:
    """The controls of answers, as the catalog sets them, with words to look for."""
    words = {"refuse": ("project nightjar",), "hide": ("falcon",)}
    made = [build(MARKUP), build(PROMPT_LEAK, canaries=("rwcanary-5f0c9d1e",)), build(WORD_FILTER, **words)]
    return tuple(Seat(each, Mode.ENFORCE) for each in (*made, build(OUTPUT_SCHEMA)))


texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=8).map("".join)


def vantage(text: str, checkpoint: Checkpoint = Checkpoint.INBOUND) -> Vantage:
    part = text_part(text)
    return Vantage(checkpoint, interaction(part), (part,), facts())


def decide(plan: list[Seat], text: str, **more: object):
    return asyncio.run(Chain(plan, **more).decide(vantage(text)))


@settings(deadline=None, max_examples=60)
@given(texts, st.integers())
def test_order_and_early_ends_change_nothing(text, seed):
    shuffled = content_only()
    Random(seed).shuffle(shuffled)
    one, two, three = decide(content_only(), text), decide(shuffled, text), decide(shuffled, text, exhaustive=True)
    assert (one.effect, one.cause, one.parts) == (two.effect, two.cause, two.parts)
    assert (one.effect, one.cause, one.parts) == (three.effect, three.cause, three.parts)


@settings(deadline=None, max_examples=60)
@given(texts)
def test_observing_binds_nothing(text):
    watching = [Seat(seat.control, Mode.OBSERVE) for seat in content_only()]
    decision = decide(watching, text)
    assert (decision.effect, decision.edits) == (Effect.ALLOW, ())
    assert decision.parts[0].text == text


@pytest.mark.parametrize("point", [Checkpoint.INBOUND, Checkpoint.TOOL_RESULT, Checkpoint.RESPONSE])
def test_content_that_nobody_understands_is_refused(point):
    image = Part(PartId("turns/0/content/1"), Origin.PERSON, "iVBORw0", "image/png")
    decision = asyncio.run(Chain(content_only()).decide(Vantage(point, interaction(image), (image,), facts())))
    assert (decision.effect, decision.cause.code) == (Effect.DENY, "uncovered")


async def released(text: str, sizes: list[int]) -> tuple[str, str]:
    pieces, at = [], 0
    while at < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[at : at + size])
        at += size
    deltas = (*(TextDelta(0, piece) for piece in pieces), Finished(0, Finish.STOP))
    road = Road(Chain(content_only() + passing()), ScriptedUpstream(deltas=deltas))
    outcome = await stream(road.exchange, road.running, attempt(text_part("hi")))
    assert isinstance(outcome, Streaming)
    out, end = [], ""
    async for event in outcome.events:
        if isinstance(event, TextDelta):
            out.append(event.text)
        elif isinstance(event, (Closed, Refused)):
            end = type(event).__name__
    return "".join(out), end


def passing() -> list[Seat]:
    """Somebody who stands at EGRESS, where the two content controls do not."""
    from tests.fakes import rule, seat

    return [seat(rule("egress", checkpoints=frozenset({Checkpoint.EGRESS})))]


async def whole(text: str) -> str | None:
    road = Road(Chain(content_only() + passing()), ScriptedUpstream(text=text))
    outcome = await road.exchange.answer(road.running, attempt(text_part("hi")))
    return outcome.answer.parts[0].text if isinstance(outcome, Answered) else None


@settings(deadline=None, max_examples=150)
@given(texts, st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_a_stream_releases_what_the_whole_would_or_ends_in_a_refusal(text, sizes):
    alone = asyncio.run(whole(text))
    out, end = asyncio.run(released(text, sizes))
    if alone is None:
        assert end == "Refused"
    else:
        assert (out, end) == (alone, "Closed")


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(SECRETS), st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_no_number_in_a_sentence_survives_any_cut(secret, sizes):
    out, end = asyncio.run(released(f"So he told me: {secret}, and that was all of it.", sizes))
    assert end == "Closed"
    assert secret not in out
    assert out.startswith("So he told me: [")


@settings(deadline=None, max_examples=60)
@given(texts, st.sampled_from(SECRETS))
def test_no_record_holds_what_was_said(text, secret):
    said = f"{text} {secret} "
    road = Road(Chain(content_only() + passing()), ScriptedUpstream(text=said))
    asyncio.run(road.exchange.answer(road.running, attempt(text_part(said))))
    for record in road.ledger.records:
        written = record.encode()
        assert rfc8785.dumps(json.loads(written)) == written
        assert secret.encode() not in written


@pytest.mark.parametrize("point", list(Checkpoint))
def test_whoever_is_contained_is_refused_at_every_checkpoint(point):
    part = text_part("hi")
    attempted = interaction(part)
    contained = MemoryContainment({f"principal:{attempted.principal.name}"})
    standing = contained.standing([f"principal:{attempted.principal.name}"])
    containment = [seat for seat in seats() if seat.control.id == "identity_data.containment"]
    decision = asyncio.run(Chain(containment).decide(Vantage(point, attempted, (part,), facts().with_(standing))))
    assert (decision.effect, decision.cause.control) == (Effect.DENY, "identity_data.containment")


def test_a_stranger_to_the_plan_is_refused_by_policy():
    part = text_part("hi")
    attempted = interaction(part, workload="rehearsal")
    policy = [seat for seat in seats() if seat.control.id == "identity_data.model_access"]
    assert attempted.action is Action.INVOKE
    assert attempted.resource == Resource("model", "m")
    decision = asyncio.run(Chain(policy).decide(Vantage(Checkpoint.INBOUND, attempted, (part,), facts())))
    assert decision.effect is Effect.DENY


LEASED = (
    f"rwl_{'0a' * 16}_{'x' * 43}",
    f"postgresql://rw_lease_{'0a' * 16}@h/db",
    "rwcall1.eyJsZWFzZSI6ICIwMCJ9.MDAwMA",
)


@settings(deadline=None, max_examples=40)
@given(texts, st.sampled_from(LEASED), st.sampled_from(("value", "key", "below")))
def test_no_lease_that_a_model_carries_stands_in_a_record(text, leased, where):
    arguments = {"value": {"q": f"{text} {leased}"}, "key": {leased: text}, "below": {"a": {leased: {"b": leased}}}}
    part = Part(PartId("arguments"), Origin.MODEL, freeze(arguments[where]), JSON)
    attempted = replace(interaction(part), action=Action.CALL, resource=Resource("tool", "query"))
    wanted = [seat for seat in seats() if seat.control.id == "identity_data.credential_lease"]
    decision = asyncio.run(Chain(wanted).decide(Vantage(Checkpoint.TOOL_CALL, attempted, (part,), facts())))
    assert (decision.effect, decision.cause.code) == (Effect.DENY, "lease_in_arguments")
    road = Road(Chain(wanted))
    recorder = road.exchange.recorder("sha256:0", Attempt(attempted, facts()), facts())
    written = recorder.decision(decision, (part,), Outcome.REFUSED).encode()
    assert leased.encode() not in written and b"0a0a0a" not in written

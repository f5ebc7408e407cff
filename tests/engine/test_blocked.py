"""A turn that was refused is left out later, and nothing else is."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.engine.blocked import BLOCKED, PLACEHOLDER, carry_on, digest, has_past, leave_out, to_blame
from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Attempt, Refused
from ringwall.engine.streamed import Streaming, stream
from ringwall.model.content import JSON, Origin, Part, PartId, Place, by_id, freeze
from ringwall.model.conversation import Answer, Choice, Conversation, Finish, Finished, Role, TextDelta, Turn
from ringwall.model.decision import Cause, Decision, Effect, Judgement
from ringwall.model.framework import ControlId, WorkloadId
from ringwall.model.interaction import Checkpoint, SessionKey
from ringwall.model.plan import BlockedTurns, Mode
from ringwall.model.session import Event, SessionState
from ringwall.model.verdict import Deny, DenyKind, Evidence
from tests.fakes import PlainDigests, Road, ScriptedUpstream, attempt, rule, seat, text_part

HERE, CONTROL = WorkloadId("support"), ControlId("application.prompt_attack")
ROLES = {"s": Role.SYSTEM, "u": Role.USER, "a": Role.ASSISTANT, "t": Role.TOOL}


def talk(spelled: str) -> tuple[Conversation, tuple[Part, ...]]:
    """`u:hi a:yes t:row` is three turns."""
    turns, parts = [], []
    for number, each in enumerate(spelled.split()):
        role, text = ROLES[each[0]], each[2:]
        part = Part(PartId(f"turns/{number}/content/0"), Origin.PERSON, text)
        parts.append(part)
        turns.append(Turn(role, (part.id,), answers=f"call_{number}" if role is Role.TOOL else None))
    return Conversation(tuple(turns)), tuple(parts)


def knowing(*blamed: tuple[Conversation, Sequence[Part], int], workload: WorkloadId = HERE) -> SessionState:
    events = [
        Event(BLOCKED, digest(PlainDigests(), workload, conversation.turns[at], by_id(parts)), "rec_1")
        for conversation, parts, at in blamed
    ]
    return SessionState(SessionKey("ses_1"), 1, events=tuple(events))


def after(spelled: str, state: SessionState, how: BlockedTurns = BlockedTurns.REPLACE) -> tuple[str, tuple[int, ...]]:
    conversation, parts = talk(spelled)
    said, content, left = leave_out(conversation, parts, workload=HERE, state=state, digests=PlainDigests(), how=how)
    found = by_id(content)
    assert [part for turn in said.turns for part in turn.content] == [part.id for part in content]
    texts = ((turn.role[0], found[turn.content[0]].text) for turn in said.turns)
    return " ".join(f"{role}:{'x' if text == PLACEHOLDER else text}" for role, text in texts), left


def refused(checkpoint: Checkpoint, *places: int, kind: DenyKind = DenyKind.CONTENT) -> Decision:
    evidence = tuple(Evidence("x", Place(PartId(f"turns/{at}/content/0"), "", 0, 1)) for at in places)
    verdict = Deny(frozenset(), "x", "", kind, evidence)
    judgements = (Judgement(CONTROL, Mode.ENFORCE, verdict),)
    return Decision(checkpoint, Effect.DENY, Cause(CONTROL, "x", "", kind), (), (), judgements, (), (), (), 1)


BAD = talk("u:bad")


@pytest.mark.parametrize(
    ("how", "came", "goes", "left"),
    [
        (BlockedTurns.REPLACE, "u:bad u:good", "u:x u:good", (0,)),
        (BlockedTurns.REMOVE, "u:bad u:good", "u:good", (0,)),
        (BlockedTurns.JUDGE, "u:bad u:good", "u:bad u:good", ()),
        (BlockedTurns.REPLACE, "s:be u:hi a:yes u:bad a:no u:good", "s:be u:hi a:yes u:x a:no u:good", (3,)),
        (BlockedTurns.REMOVE, "s:be u:hi a:yes u:bad a:no u:good", "s:be u:hi a:yes a:no u:good", (3,)),
    ],
)
def test_what_was_refused_is_left_out_behind_what_is_said_now(how, came, goes, left) -> None:
    assert after(came, knowing((*BAD, 0)), how) == (goes, left)


@pytest.mark.parametrize("came", ["u:bad", "u:hi a:yes u:bad", "s:bad u:hi", "u:hi a:bad u:good", "u:bad s:be"])
def test_what_is_said_now_and_what_others_said_is_judged_as_it_is(came: str) -> None:
    assert after(came, knowing((*BAD, 0))) == (came, ())


def test_a_tools_result_is_replaced_and_its_call_stays_answered() -> None:
    row = talk("t:row")
    for how in (BlockedTurns.REPLACE, BlockedTurns.REMOVE):
        conversation, parts = talk("u:hi a:call t:row u:and")
        said, content, left = leave_out(
            conversation, parts, workload=HERE, state=knowing((*row, 0)), digests=PlainDigests(), how=how
        )
        assert left == (2,) and said.turns[2].answers == "call_2"
        assert by_id(content)[PartId("turns/2/content/0")].text == PLACEHOLDER


def test_tool_results_at_the_end_are_what_the_request_is_about() -> None:
    assert after("u:hi a:call t:row t:row", knowing((*talk("t:row"), 0)))[1] == ()


def test_another_workload_remembers_nothing_here() -> None:
    assert after("u:bad u:good", knowing((*BAD, 0), workload=WorkloadId("sales")))[1] == ()


@pytest.mark.parametrize(
    ("came", "decision", "blamed"),
    [
        ("u:hi a:yes u:bad", refused(Checkpoint.INBOUND), [2]),
        ("u:hi u:bad", refused(Checkpoint.INBOUND), [1]),
        ("u:hi a:call t:one t:two", refused(Checkpoint.TOOL_RESULT, 2), [2]),
        ("u:hi a:call t:one t:two", refused(Checkpoint.TOOL_RESULT), [3]),
        ("u:old a:yes u:bad", refused(Checkpoint.INBOUND, 0), [2]),
        ("u:hi a:yes u:ask", refused(Checkpoint.RESPONSE), [2]),
        ("u:hi a:yes u:ask", refused(Checkpoint.CHUNK), [2]),
        ("u:hi a:call t:row", refused(Checkpoint.RESPONSE), [2]),
        ("u:bad", refused(Checkpoint.INBOUND, kind=DenyKind.FORBIDDEN), []),
        ("s:be", refused(Checkpoint.INBOUND), []),
    ],
)
def test_who_is_to_blame(came: str, decision: Decision, blamed: list[int]) -> None:
    conversation, _ = talk(came)
    assert [conversation.turns.index(turn) for turn in to_blame(conversation, decision)] == blamed


def test_a_digest_tells_turns_apart_by_role_media_and_words() -> None:
    said = Part(PartId("p"), Origin.PERSON, "[1]")
    others = [
        (Turn(Role.TOOL, (said.id,)), said),
        (Turn(Role.USER, (said.id,)), Part(said.id, Origin.PERSON, freeze([1]), JSON)),
        (Turn(Role.USER, (said.id,)), Part(said.id, Origin.PERSON, "[2]")),
    ]
    own = digest(PlainDigests(), HERE, Turn(Role.USER, (said.id,)), {said.id: said})
    found = {digest(PlainDigests(), HERE, turn, {part.id: part}) for turn, part in others}
    assert len(found) == 3 and own not in found


@given(st.lists(st.sampled_from(["u:bad", "u:good", "a:yes", "t:bad", "s:be"]), min_size=1, max_size=8))
def test_leaving_out_only_hides(rows: list[str]) -> None:
    state = knowing((*BAD, 0), (*talk("t:bad"), 0))
    came, parts = talk(" ".join(rows))
    for how in BlockedTurns:
        said, content, left = leave_out(came, parts, workload=HERE, state=state, digests=PlainDigests(), how=how)
        texts = {part.text for part in content}
        assert texts <= {part.text for part in parts} | {PLACEHOLDER}
        assert len(said.turns) >= len(came.turns) - len(left)
        assert has_past(came) or not left


def later(made: Road, *texts: str) -> Attempt:
    """The attempt with these user turns, as the road takes it when the conversation goes on."""
    parts = [text_part(text, f"turns/{number}/content/0") for number, text in enumerate(texts)]
    return asyncio.run(carry_on(made.exchange, made.running, attempt(*parts)))


def texts(tried: Attempt) -> list[str]:
    return [part.text for part in tried.interaction.parts]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_turn_whose_answer_was_refused_is_left_out_when_the_conversation_goes_on(streamed: bool) -> None:
    deltas = (TextDelta(0, "the word is out "), Finished(0, Finish.STOP))
    part = Part(PartId("choices/0/content/0"), Origin.MODEL, "the word is out")
    whole = Answer((Choice(0, (part.id,), (), Finish.STOP),), (part,))
    rules = [rule("r", "word", "deny", checkpoints=frozenset({Checkpoint.RESPONSE, Checkpoint.CHUNK}))]
    rules.append(rule("other"))
    made = Road(Chain([seat(each) for each in rules]), ScriptedUpstream(answer=whole, deltas=deltas))

    async def ask() -> None:
        if not streamed:
            assert isinstance(await made.exchange.answer(made.running, attempt(text_part("tell me"))), Refused)
            return
        outcome = await stream(made.exchange, made.running, attempt(text_part("tell me")))
        assert isinstance(outcome, Streaming)
        assert isinstance([each async for each in outcome.events][-1], Refused)

    asyncio.run(ask())
    assert texts(later(made, "tell me", "and now?")) == [PLACEHOLDER, "and now?"]
    assert later(made, "tell me").left_out == ()


def test_a_store_of_sessions_that_fails_loosens_nothing() -> None:
    made = Road(Chain([seat(rule("r", "word", "deny"))]))
    asyncio.run(made.exchange.answer(made.running, attempt(text_part("a word"))))
    assert texts(later(made, "a word", "and now?")) == [PLACEHOLDER, "and now?"]
    made.sessions.broken = True
    assert texts(later(made, "a word", "and now?")) == ["a word", "and now?"]
    assert isinstance(asyncio.run(made.exchange.answer(made.running, attempt(text_part("a word")))), Refused)

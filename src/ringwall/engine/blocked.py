"""What becomes of a turn that was refused when the conversation goes on? It is left out, so that it poisons nothing.

A client sends the whole conversation each time. So what was refused once comes again, behind everything that is said
later, and would be refused each time. Instead the session remembers which turns were to blame, and the next request is
judged and sent without them.

* To blame are turns of a person or a tool that are new: of a refusal on the way in, those in which evidence was found,
  or the last one; of a refused answer, the last thing that a person said, for it would be answered so again.
* Left out are only turns that lie behind the newest: the same words said anew are judged anew.
* A turn is *replaced* by a sentence of ours, or *removed*. A tool's result is always replaced: its call stays answered,
  under its own id.
* Remembered are digests of this workload, in this session. Leaving out can only hide (law 4).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ringwall.model.content import TEXT, Part, PartId, by_id, thaw
from ringwall.model.conversation import Conversation, Role, Turn
from ringwall.model.decision import Decision
from ringwall.model.errors import InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import Checkpoint
from ringwall.model.plan import BlockedTurns
from ringwall.model.ports import Digests
from ringwall.model.record import RecordId
from ringwall.model.session import Event, SessionState
from ringwall.model.verdict import DenyKind

if TYPE_CHECKING:
    from ringwall.engine.exchange import Exchange
    from ringwall.engine.outcomes import Attempt
    from ringwall.engine.running import RunningWorkload

BLOCKED = "turn_blocked"
"""Kind of the event of a turn that was to blame for a refusal; its subject is the turn's digest."""
PLACEHOLDER = "[This message was refused and is left out.]"
_BLAMED = frozenset({Role.USER, Role.TOOL})
_ON_THE_WAY_IN = frozenset({Checkpoint.INBOUND, Checkpoint.TOOL_RESULT})


async def carry_on(exchange: Exchange, running: RunningWorkload, attempt: Attempt) -> Attempt:
    """The attempt without what was refused in its conversation before."""
    conversation, how = attempt.interaction.conversation, running.plan.blocked_turns
    if conversation is None or how is BlockedTurns.JUDGE or not has_past(conversation):
        return attempt
    try:
        state = await exchange.sessions.load(attempt.interaction.session)
    except InternalError:
        return attempt  # judged as it came: that can only refuse more
    workload, parts = attempt.interaction.workload, attempt.interaction.parts
    conversation, parts, left = leave_out(
        conversation, parts, workload=workload, state=state, digests=exchange.digests, how=how
    )
    if not left:
        return attempt
    there = {part.id for part in parts}
    return replace(
        attempt,
        interaction=replace(attempt.interaction, parts=parts, conversation=conversation),
        tool_results=tuple(each for each in attempt.tool_results if each[0] in there),
        left_out=left,
    )


async def blame(
    exchange: Exchange, attempt: Attempt, state: SessionState | None, decision: Decision, record: RecordId
) -> None:
    """Remember which turns were to blame for a refusal. What cannot be remembered is refused again."""
    interaction = attempt.interaction
    turns = to_blame(interaction.conversation, decision) if interaction.conversation is not None else []
    if not turns:
        return
    parts = by_id(interaction.parts)
    named = {digest(exchange.digests, interaction.workload, turn, parts) for turn in turns}
    with suppress(InternalError):
        state = state if state is not None else await exchange.sessions.load(interaction.session)
        new = sorted(named - state.subjects(BLOCKED))
        await exchange.remember(attempt, state, [Event(BLOCKED, each, record) for each in new])


def digest(digests: Digests, workload: WorkloadId, turn: Turn, parts: Mapping[PartId, Part]) -> str:
    """What a turn is remembered by: its role and all that it says."""
    said = [[parts[part].media, thaw(parts[part].value)] for part in turn.content]
    text = json.dumps(["turn", turn.role, said], sort_keys=True, separators=(",", ":"))
    return digests.digest(workload, text.encode("utf-8", "surrogatepass"))


def to_blame(conversation: Conversation, decision: Decision) -> list[Turn]:
    """The turns for whose sake this was refused; none where it was not for content."""
    newest = _newest(conversation.turns)
    if decision.cause is None or decision.cause.kind is not DenyKind.CONTENT or not newest:
        return []
    if decision.checkpoint not in _ON_THE_WAY_IN:
        return [turn for turn in newest if turn.role is Role.USER] or newest
    said = [each.verdict for each in decision.judgements if each.control == decision.cause.control]
    evidence = (each for verdict in said if verdict is not None for each in verdict.evidence)
    places = {each.place.part for each in evidence if each.place is not None}
    return [turn for turn in newest if places.intersection(turn.content)] or newest[-1:]


def leave_out(
    conversation: Conversation,
    parts: Sequence[Part],
    *,
    workload: WorkloadId,
    state: SessionState,
    digests: Digests,
    how: BlockedTurns,
) -> tuple[Conversation, tuple[Part, ...], tuple[int, ...]]:
    """A conversation without what was refused in it before.

    Args:
        conversation: As it came.
        parts: Its content.
        workload: Whose.
        state: What its session knows.
        digests: Makes the digests of this installation.
        how: What is done with a turn that was refused.

    Returns:
        The conversation, its content, and the numbers of the turns that were left out.
    """
    known = state.subjects(BLOCKED)
    if not known or how is BlockedTurns.JUDGE:
        return conversation, tuple(parts), ()
    content, newest = dict(by_id(parts)), _newest(conversation.turns)
    kept: list[Turn] = []
    gone: set[PartId] = set()
    left: list[int] = []
    for number, turn in enumerate(conversation.turns):
        is_old = turn.role in _BLAMED and not any(turn is each for each in newest)
        if not is_old or not turn.content or digest(digests, workload, turn, content) not in known:
            kept.append(turn)
            continue
        left.append(number)
        gone.update(turn.content)
        if how is BlockedTurns.REPLACE or turn.role is Role.TOOL:
            first = turn.content[0]
            content[first] = Part(first, content[first].origin, PLACEHOLDER, TEXT)
            gone.discard(first)
            kept.append(replace(turn, content=(first,)))
    if not left:
        return conversation, tuple(parts), ()
    said = tuple(content[part.id] for part in parts if part.id not in gone)
    return replace(conversation, turns=tuple(kept)), said, tuple(left)


def has_past(conversation: Conversation) -> bool:
    """Whether there is anything that could be left out."""
    return len([turn for turn in conversation.turns if turn.role in _BLAMED]) > 1


def _newest(turns: Sequence[Turn]) -> list[Turn]:
    """The last turn of a person, or the tool results at the end: what this request is about."""
    said = [turn for turn in turns if turn.role in (*_BLAMED, Role.ASSISTANT)]
    while said and said[-1].role is Role.ASSISTANT:
        said.pop()  # how the answer is to begin
    newest: list[Turn] = []
    for turn in reversed(said):
        if newest and turn.role is not newest[-1].role:
            break
        newest.insert(0, turn)
        if turn.role is Role.USER:
            break
    return newest

"""What a control lets through of an answer: whole, and as a stream cut anywhere (law 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ringwall.engine.chain import Chain, Seat
from ringwall.engine.stream import HoldBack
from ringwall.model.content import Origin, Part, PartId
from ringwall.model.control import Control
from ringwall.model.decision import Decision, Effect
from ringwall.model.facts import Facts
from ringwall.model.interaction import Checkpoint, Interaction, Vantage
from ringwall.model.plan import Mode
from tests.controls.judging import vantage

P = PartId("choices/0/content/0")
ASKED = vantage().interaction


def pieces(text: str, sizes: Sequence[int]) -> list[str]:
    """The text in pieces of these sizes, over and over."""
    cut, at = [], 0
    while at < len(text):
        size = sizes[len(cut) % len(sizes)]
        cut.append(text[at : at + size])
        at += size
    return cut


def whole(control: Control, text: str, asked: Interaction = ASKED) -> str | None:
    """What a caller gets of an answer in one piece; None when it is refused."""
    decision = _decide([control], Vantage(Checkpoint.RESPONSE, asked, (Part(P, Origin.MODEL, text),), Facts()))
    return decision.parts[0].text if decision.effect is Effect.ALLOW else None


def streamed(control: Control | list[Control], chunks: Sequence[str], asked: Interaction = ASKED) -> tuple[str, bool]:
    """What a caller gets of the same answer as a stream, and whether it ended in a refusal."""
    controls = control if isinstance(control, list) else [control]
    chain = Chain([Seat(each, Mode.ENFORCE) for each in controls])
    held = HoldBack(P, lookback=chain.lookback, held=chain.held, limit=65_536)
    out = ""
    for chunk in (*chunks, None):
        window = held.finish() if chunk is None else held.push(chunk)
        if window is None:
            continue
        seen = Vantage(Checkpoint.CHUNK, asked, (window.part,), Facts(), window.focus, window.begins)
        decision = _decide(controls, seen)
        if decision.effect is not Effect.ALLOW:
            return out, True
        out += held.settle(window, decision.edits)
    return out, False


def check(
    control: Control, text: str, sizes: Sequence[int], asked: Interaction = ASKED, *, exactly: bool = True
) -> None:
    """However it is cut, a stream gives what the whole gives, or ends in a refusal where the whole is refused.

    Not `exactly`: it may also give a prefix of it and then a refusal, where an edit makes new markup of what is left.
    """
    alone = whole(control, text, asked)
    out, refused = streamed(control, pieces(text, sizes), asked)
    if alone is None:
        assert refused
    elif not exactly and refused:
        assert alone.startswith(out)
    else:
        assert (out, refused) == (alone, False)


def _decide(controls: Sequence[Control], seen: Vantage) -> Decision:
    return asyncio.run(Chain([Seat(each, Mode.ENFORCE) for each in controls]).decide(seen))

"""Random plans and random texts: what the laws are tried on."""

from __future__ import annotations

from hypothesis import strategies as st

from ringwall.engine.chain import Seat
from ringwall.model.control import Cost
from ringwall.model.plan import Mode
from tests.fakes import rule, seat

WORDS = ("alpha", "beta", "abab", "a", "beta gamma")
ANSWERS = ("allow", "deny", "hide", "ask", "raise", "nothing", "uncovered", "bad edit")
SILENT = ("raise", "nothing", "uncovered", "bad edit")


def texts() -> st.SearchStrategy[str]:
    """Texts in which the words of the rules stand, cut, joined and repeated."""
    pieces = st.one_of(st.sampled_from((*WORDS, " ", "b", "ab", "gamma", "é", "\n")), st.text(max_size=4))
    return st.lists(pieces, max_size=12).map("".join)


@st.composite
def seats(draw: st.DrawFn, answers: tuple[str, ...] = ANSWERS, modes: tuple[Mode, ...] = tuple(Mode)) -> list[Seat]:
    """A plan of up to six controls."""
    count = draw(st.integers(1, 6))
    return [
        seat(
            rule(
                f"rule_{number}",
                draw(st.sampled_from(WORDS)),
                draw(st.sampled_from(answers)),
                cost=draw(st.sampled_from(Cost)),
                lookback=10,
            ),
            draw(st.sampled_from(modes)),
            "a reason",
        )
        for number in range(count)
    ]

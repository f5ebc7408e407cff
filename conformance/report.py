"""The table: a row for each door and way of answering, a column for each place and form."""

from __future__ import annotations

import json
from collections.abc import Sequence

from conformance.cells import Form, Place, Played, State

_SIGNS = {
    State.HOLDS: "holds",
    State.LEAKS: "LEAKS",
    State.REFUSES_ALL: "refuses all",
    State.NOT_SPOKEN: "not spoken",
    State.NOTHING: "-",
}


def as_json(played: Sequence[Played]) -> str:
    """Every cell, for programs."""
    rows = [
        {
            "door": each.cell.door,
            "streamed": each.cell.streamed,
            "place": each.cell.place,
            "form": each.cell.form,
            "state": each.state,
            "why": each.why,
        }
        for each in played
    ]
    return json.dumps({"cells": rows, "counts": counts(played)}, indent=2)


def counts(played: Sequence[Played]) -> dict[str, int]:
    """How many cells of each state."""
    return {state: sum(each.state is state for each in played) for state in State}


def as_markdown(played: Sequence[Played]) -> str:
    """A table for each place, to be published."""
    lines = []
    for place in Place:
        lines += [f"### {place}", "", f"| door | {' | '.join(Form)} |", f"|---|{'---|' * len(Form)}"]
        for door in dict.fromkeys(each.cell.door for each in played):
            for streamed in (False, True):
                row = {
                    each.cell.form: _SIGNS[each.state]
                    for each in played
                    if (each.cell.door, each.cell.streamed, each.cell.place) == (door, streamed, place)
                }
                name = f"{door}, {'streamed' if streamed else 'whole'}"
                lines.append(f"| {name} | {' | '.join(row.get(form, '-') for form in Form)} |")
        lines.append("")
    return "\n".join(lines)


def as_text(played: Sequence[Played]) -> str:
    """The same for a terminal, and what did not hold."""
    lines = [as_markdown(played)]
    lines += [f"{_SIGNS[each.state]}: {each.cell}: {each.why}" for each in played if each.state in _TOLD]
    told = ", ".join(f"{number} {state}" for state, number in counts(played).items() if number)
    return "\n".join([*lines, "", told])


_TOLD = (State.LEAKS, State.REFUSES_ALL)

"""The picture is inert, the same every time, and says in words what it shows in colour."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controlplane.attack.rehearsal.matrix import State, matrix_of
from ringwall.controlplane.attack.rehearsal.picture import drawn, picture
from ringwall.controlplane.attack.rehearsal.played import Aim, Attacker, Cell, Outcome, Played, Report
from tests.controlplane.attack.rehearsal import made

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {f"{SVG}{each}" for each in ("svg", "title", "desc", "style", "rect", "path", "text", "tspan")}
HOSTILE = "</desc></style><script>alert(1)</script>\"'&lt;]]>\x00\x1b[2J\u202e\ud800"


def words(root: ElementTree.Element) -> list[str]:
    return ["".join(each.itertext()) for each in root.iter(f"{SVG}text")]


def hostile(text: str) -> Report:
    cells = {Aim.SHOW: Cell(Outcome.LEAKED, fault=text), Aim.SEND: Cell(Outcome.PREVENTED, 4, text)}
    bad = Played(Attacker.INSIDER, text, (4,), cells, frozenset(Aim))
    off = Played(Attacker.INSIDER, text, (), cells)
    return Report((bad, off), 1.0, about=text)


def test_it_is_xml_with_a_role_a_title_and_a_description() -> None:
    root = ElementTree.fromstring(picture(made.report(), made.CONTROLS))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "rw-title rw-desc"
    said = root.findtext(f"{SVG}desc") or ""
    assert said.startswith("1,023 of 1,024 subsets hold at least one aim. Nothing that was promised leaked")
    assert "Step 7, grounding, reasoning: outsider show prevented 16 of 16; outsider send outside its vantage" in said


def test_every_cell_has_its_word() -> None:
    said = words(ElementTree.fromstring(picture(made.report(), made.CONTROLS)))
    alone = [each.state.value for step in range(1, 11) for each in matrix_of(made.report()).alone(step)]
    for state in State:
        assert said.count(state.value) == alone.count(state.value)
    assert {"Prompt attack", "encryption, leases", "1,023 of 1,024", "5,786 of 5,786"} <= set(said)


def test_the_same_report_gives_the_same_bytes() -> None:
    assert picture(made.report(), made.CONTROLS) == picture(made.report(), made.CONTROLS)


def test_it_loads_and_runs_nothing() -> None:
    text = picture(made.report(), made.CONTROLS)
    assert text.count("http") == 1  # the name of the format
    for each in ("script", "href", "url(", "@import", "onload", "foreignObject", "image", "style="):
        assert each not in text


@settings(max_examples=30, deadline=None)
@given(text=st.text(st.characters(), max_size=60) | st.just(HOSTILE))
def test_whatever_stands_in_a_report_is_text(text: str) -> None:
    drawing = picture(hostile(text), {4: (text,)})
    root = ElementTree.fromstring(drawing.encode("utf-8"))
    assert {each.tag for each in root.iter()} <= ELEMENTS
    assert {name for each in root.iter() for name in each.keys()} <= {
        *("class", "viewBox", "width", "height", "role", "aria-labelledby", "id", "x", "y", "rx", "d", "dx"),
        "stroke-width",
    }


@pytest.mark.parametrize("kept", [0, 1, 60, 700])
def test_a_partial_report_is_never_green(kept: int) -> None:
    whole = made.report()
    plays = (*whole.plays[:kept], replace(whole.plays[-1], on=(1, 2, 3, 4), variant="never played alone"))
    root = ElementTree.fromstring(drawn(matrix_of(Report(plays, 1.0))))
    assert not [
        each for each in root.iter(f"{SVG}rect") if each.get("class") in ("prevented", "unreadable", "contained")
    ]
    assert any("not played" in each for each in words(root))


def test_what_is_broken_is_seen_at_once() -> None:
    bad = Played(Attacker.INSIDER, "morse", (4,), {aim: made.LEAK for aim in Aim}, frozenset(Aim))
    root = ElementTree.fromstring(picture(made.report(bad)))
    said = words(root)
    assert said.count("15 of 16 held") == 2
    assert "promised cells hold: 2 broken" in said
    assert sum(each.get("class") == "leaked" for each in root.iter(f"{SVG}rect")) == 2

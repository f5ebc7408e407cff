"""The page stands by itself, is inert, and says what is broken or missing."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controlplane.attack.rehearsal.page import MAX_LISTED, page, policy
from ringwall.controlplane.attack.rehearsal.played import Aim, Attacker, Cell, Outcome, Played, Report
from tests.controlplane.attack.rehearsal import made

INSIDER = Attacker.INSIDER
VOID = {"meta"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "p", "h1", "h2", "h3", "dl", "div", "dt", "dd", "ul"),
    *("li", "b", "i", "small", "span", "figure", "table", "caption", "thead", "tbody", "tr", "th", "td", "details"),
    *("summary", "svg", "desc", "rect", "path", "text", "tspan"),
}
HOSTILE = "</style></title></td>\"'><script>alert(1)</script><img src=x onerror=a()>&lt;\x00\x1b[2J\u202e\ud800"


class Reader(HTMLParser):
    """Every tag closed in its place; elements, attributes and styles as they come."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.styles: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles.append(data)
        else:
            self.text += data


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    assert reader.elements <= ELEMENTS
    return reader


def hostile(text: str) -> Report:
    cells = {Aim.SHOW: Cell(Outcome.LEAKED, fault=text), Aim.SEND: Cell(Outcome.PREVENTED, 4, text)}
    plays = (Played(INSIDER, text, on, cells, frozenset(Aim)) for on in ((4,), (4, 5), ()))
    return Report(tuple(plays), 1.0, about=text)


def test_it_parses_and_has_everything() -> None:
    found = read(page(made.report(), made.CONTROLS))
    for each in (
        "1,023 of 1,024",
        "5,786 of 5,786",
        "Nothing that was promised leaked: 5,786 promised cells, all held.",
        "How it was played",
        "Insider, send: pairs",
        "in a tool's description",
        "3,101 plays in 312.4 s.",
    ):
        assert each in found.text


def test_its_policy_allows_its_own_two_styles_and_nothing_else() -> None:
    text = page(made.report(), made.CONTROLS)
    styles = read(text).styles
    digests = [f"'sha256-{b64encode(hashlib.sha256(each.encode()).digest()).decode()}'" for each in styles]
    assert policy() == f"default-src 'none'; style-src {' '.join(digests)}; base-uri 'none'; form-action 'none'"
    assert f'content="{policy()}"' in text
    assert text.index("Content-Security-Policy") < text.index("<style>")


def test_it_loads_nothing_and_runs_nothing() -> None:
    text = page(made.report(), made.CONTROLS)
    assert re.findall(r"https?:[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert not {"style", "src", "href", "onclick"} & read(text).attributes
    assert "url(" not in text


@settings(max_examples=20, deadline=None)
@given(text=st.text(st.characters(), min_size=1, max_size=60) | st.just(HOSTILE))
def test_whatever_stands_in_a_report_is_text(text: str) -> None:
    made_page = page(hostile(text), {4: (text,)})
    made_page.encode("utf-8")
    found = read(made_page)
    assert not any(each.startswith("on") for each in found.attributes)
    assert all(each.isprintable() or each == "\n" for each in made_page)


def test_what_is_broken_is_listed_with_what_to_do_next() -> None:
    bad = Played(INSIDER, "morse", (4,), {aim: made.LEAK for aim in Aim}, frozenset(Aim))
    fault = Played(INSIDER, "direct", (1,), {aim: Cell(Outcome.LEAKED, fault="deadline") for aim in Aim})
    text = read(page(made.report(bad, fault))).text
    assert "2 of 5,786 promised cells are broken." in text
    assert "insider, show, morse, step 4 on: 8 records got there" in text
    assert "see what step 4 (input) is set to" in text
    assert "insider, show, direct, step 1 on: deadline" in text
    assert "Nothing that was promised leaked" not in text


def test_a_long_list_is_cut_and_says_so() -> None:
    plays = [
        Played(INSIDER, f"v{number}", (4,), {aim: made.LEAK for aim in Aim}, frozenset(Aim)) for number in range(101)
    ]
    text = read(page(Report(tuple(plays), 1.0))).text
    assert f"{2 * len(plays) - MAX_LISTED} more are in the JSON." in text


@pytest.mark.parametrize("kept", [0, 1, 300])
def test_a_partial_report_says_first_what_is_missing(kept: int) -> None:
    text = read(page(Report(made.report().plays[:kept], 1.0))).text
    assert f"{1024 - kept:,} were not played" in text
    assert "1,023 of 1,024" not in text
    assert ("Nothing was promised" in text) is (kept < 2)


def test_an_attack_that_leads_nowhere_is_named() -> None:
    gone = made.play(INSIDER, "morse", ())
    assert "Not shown to leak with every step off" in read(page(made.report(without=(gone,)))).text

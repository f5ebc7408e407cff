"""Elements that act, and angle brackets that do not."""

from __future__ import annotations

import pytest

from ringwall.detectors.elements import MAX_TAG, link_kind, tag
from ringwall.detectors.links import Hosts, Leads

HOSTS = Hosts(("docs.example.com",))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<script>", "raw_html"),
        ("</SCRIPT>", "raw_html"),
        ("<b/onclick=x>", "raw_html"),
        ("<b\ntitle='>'\nstyle = x>", "raw_html"),
        ("<custom-one onfocus=x>", "raw_html"),
        ("<p id=x>", "raw_html"),
        ("<a " + "x " * MAX_TAG, "raw_html"),
        ("<!-- x -->", "raw_html"),
        ("<?php", "raw_html"),
        ("<img src=x>", "image"),
        ("<https://evil.example>", "link"),
        ("<javascript:alert(1)>", "active_url"),
        ("<https://docs.example.com>", ""),
        ("<b>", ""),
        ("<td align=left class='a' colspan=2>", ""),
        ("<T extends Foo>", ""),
        ("<object>", ""),
        ("<ada@example.com>", ""),
        ("<3", ""),
        ("<!", ""),
        ("<!?", ""),
        ("< b>", ""),
    ],
)
def test_what_a_bracket_begins(text: str, kind: str) -> None:
    assert tag(text, 0, HOSTS).kind == kind


@pytest.mark.parametrize("text", ["<", "</", "<!", "<b", "<b title='>", "<!-- x", "<https://evil"])
def test_what_has_not_ended_is_not_settled(text: str) -> None:
    assert not tag(text, 0, HOSTS).settled
    assert tag(f"{text}'-->" + " " * 3000, 0, HOSTS).settled


def test_what_links_are_called() -> None:
    assert [link_kind(each) for each in Leads] == ["", "", "link", "data_link", "active_url"]

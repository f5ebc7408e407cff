"""What all protocols have in common."""

from __future__ import annotations

from ringwall.dataplane.wire.door import first_said
from ringwall.model.content import Origin, Part, PartId


def test_the_first_turn_is_all_that_it_says_and_nothing_of_others() -> None:
    texts = {"turns/1/content/0": "a", "turns/1/content/1": "b", "turns/10/content/0": "c", "turns/0/content/0": "d"}
    parts = [Part(PartId(name), Origin.PERSON, text) for name, text in texts.items()]
    assert first_said(parts, 1) == b"a\0b"
    assert first_said(parts, None) == b""

"""Every state has a colour in light and dark and a shape of its own, and its words can be read on it."""

from __future__ import annotations

import pytest

from ringwall.controlplane.attack.rehearsal.drawing import DARK, LIGHT, STYLE, TONES, path
from ringwall.controlplane.attack.rehearsal.matrix import State


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_state_has_a_shape_of_its_own() -> None:
    assert len({path(state, 0, 0, 10) for state in State}) == len(State) == len(set(TONES.values()))


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_words_can_be_read(colours: dict[str, str]) -> None:
    assert set(LIGHT) == set(DARK)
    for tone in ("ink", "soft", "leaked"):
        assert contrast(colours[tone], colours["sheet"]) >= 4.5
    for name in colours:
        if name.startswith("on-"):
            assert contrast(colours[name], colours[name.removeprefix("on-")]) >= 4.5
    for tone in TONES.values():
        # What is not played has no weight, on purpose; its cell says so in words.
        assert contrast(colours[tone], colours["sheet"]) >= (1.3 if tone in ("missing", "contained") else 3)


def test_the_style_loads_nothing_and_can_stand_in_xml() -> None:
    assert not any(each in STYLE for each in ("url(", "@import", "@font-face", "<", "&", "http"))
    assert "screen and (prefers-color-scheme:dark)" in STYLE

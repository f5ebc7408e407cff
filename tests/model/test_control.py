from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from ringwall.model.control import Control, Settings, Stricter, setting, tightens
from tests.fakes import rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Settings):
    limit: int = setting(Stricter.LOWER, "a limit")
    demand: str = setting(Stricter.HIGHER, "a demand", scale=("low", "middle", "high"))
    allowed: frozenset[str] = setting(Stricter.SUBSET, "an allow-list")
    denied: tuple[str, ...] = setting(Stricter.SUPERSET, "a deny-list")
    wanted: bool = setting(Stricter.TRUE, "a demand")
    may: bool = setting(Stricter.FALSE, "a permission")
    fixed: str = setting(Stricter.FIXED, "no order")
    actions: Mapping[str, str] = setting(Stricter.HIGHER, "what is done", scale=("allow", "hide", "refuse"))


TIGHTER = [
    ("limit", 10, 9),
    ("demand", "low", "high"),
    ("allowed", {"a", "b"}, {"a"}),
    ("denied", ("a",), ("b", "a")),
    ("wanted", False, True),
    ("may", True, False),
    ("actions", {"card": "hide"}, {"card": "refuse"}),
    ("actions", {"card": "hide"}, {"card": "hide", "iban": "hide"}),
]


@pytest.mark.parametrize(("name", "old", "new"), TIGHTER)
def test_one_direction_tightens_and_the_other_loosens(name, old, new):
    assert tightens(Example, name, old, new)
    assert not tightens(Example, name, new, old)
    assert tightens(Example, name, old, old)


def test_what_has_no_order_needs_leave():
    assert not tightens(Example, "fixed", "a", "b")
    assert tightens(Example, "fixed", "a", "a")


def test_a_mapping_that_loses_a_key_loosens():
    assert not tightens(Example, "actions", {"card": "hide", "iban": "hide"}, {"card": "refuse"})


def test_a_setting_has_no_default():
    with pytest.raises(TypeError):
        Example(limit=1)  # type: ignore[call-arg]


def test_by_default_the_whole_lookback_is_held():
    class Reader(Control):  # type: ignore[misc]
        lookback = 5

        async def examine(self, vantage):
            raise NotImplementedError

    assert Reader().held("abc") == 3
    assert Reader().held("abcdefgh") == 5
    assert isinstance(rule("r"), Control)

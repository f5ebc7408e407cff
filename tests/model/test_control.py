"""Which change of a setting is a tightening: an order on values, for each direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.model.control import Control, Settings, Stricter, setting, tightens
from tests.fakes import rule

SCALE = ("allow", "hide", "refuse")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Settings):
    """One setting of each direction."""

    lower: int = setting(Stricter.LOWER, "a limit")
    higher: int = setting(Stricter.HIGHER, "a demand")
    scaled: str = setting(Stricter.HIGHER, "a step", scale=SCALE)
    subset: frozenset[str] = setting(Stricter.SUBSET, "an allow-list")
    superset: frozenset[str] = setting(Stricter.SUPERSET, "a deny-list")
    true: bool = setting(Stricter.TRUE, "a demand")
    false: bool = setting(Stricter.FALSE, "a permission")
    fixed: str = setting(Stricter.FIXED, "a name")
    table: Mapping[str, str] = setting(Stricter.HIGHER, "a step for each kind", scale=SCALE)


some = st.frozensets(st.sampled_from("abcd"))
values = {
    "lower": st.integers(0, 4),
    "higher": st.integers(0, 4),
    "scaled": st.sampled_from(SCALE),
    "subset": some,
    "superset": some,
    "true": st.booleans(),
    "false": st.booleans(),
    "fixed": st.sampled_from("ab"),
    "table": st.dictionaries(st.sampled_from("ab"), st.sampled_from(SCALE)),
}
triples = st.sampled_from(sorted(values)).flatmap(
    lambda name: st.tuples(st.just(name), values[name], values[name], values[name])
)


@given(triples)
@settings(deadline=None)
def test_tightening_is_an_order(triple):
    name, one, two, three = triple
    assert tightens(Example, name, one, one)
    if tightens(Example, name, one, two) and tightens(Example, name, two, three):
        assert tightens(Example, name, one, three)
    if tightens(Example, name, one, two) and tightens(Example, name, two, one):
        assert one == two


@pytest.mark.parametrize(
    ("name", "loose", "strict"),
    [
        ("lower", 100, 10),
        ("higher", 10, 100),
        ("scaled", "allow", "refuse"),
        ("subset", {"a", "b"}, {"a"}),
        ("superset", {"a"}, {"a", "b"}),
        ("true", False, True),
        ("false", True, False),
        ("table", {"card_number": "hide"}, {"card_number": "refuse"}),
        ("table", {"card_number": "hide"}, {"card_number": "hide", "iban": "allow"}),
    ],
)
def test_the_right_direction_is_stricter(name, loose, strict):
    assert tightens(Example, name, loose, strict)
    assert not tightens(Example, name, strict, loose)


def test_a_fixed_setting_has_no_stricter_value():
    assert not tightens(Example, "fixed", "a", "b")
    assert not tightens(Example, "fixed", "b", "a")


def test_a_table_that_gains_in_one_row_and_loses_in_another_is_a_loosening():
    old, new = {"a": "hide", "b": "hide"}, {"a": "refuse", "b": "allow"}
    assert not tightens(Example, "table", old, new)


def test_settings_have_no_defaults_and_are_named():
    with pytest.raises(TypeError):
        Example()
    with pytest.raises(TypeError):
        Example(1)


@given(st.text(), st.none() | st.integers(0, 40))
@settings(deadline=None)
def test_without_better_knowledge_the_whole_lookback_is_held(tail, lookback):
    control = rule("any", lookback=lookback)
    assert Control.held(control, tail) == min(len(tail), lookback or 0)


def test_whatever_judges_is_a_control():
    assert isinstance(rule("any"), Control)
    assert not isinstance(object(), Control)

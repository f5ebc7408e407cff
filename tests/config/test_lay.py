"""Each step may only tighten: over every setting of every control that is built."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ringwall.catalog.load import load_catalog
from ringwall.compose import settings_types
from ringwall.config.document import Document
from ringwall.config.lay import MAX_LEAVE_DAYS, Laying
from ringwall.model.control import Stricter, tightens
from ringwall.model.errors import ConfigError
from ringwall.model.framework import ControlId
from ringwall.model.plan import Mode
from tests.config.plans import NOW

CATALOG = load_catalog()
TYPES = settings_types()
CONTROLS = sorted(TYPES)
DOCUMENT = Document("test.toml", {}, {("controls",): 7})
LEAVE = {"reason": "ticket 4711", "until": date(2026, 4, 1)}
WHERE = ("controls", "x")
EVERY = [(control, each.name) for control in CONTROLS for each in fields(TYPES[control])]


def laying(control: ControlId, *, rehearsal: bool = False) -> Laying:
    entry = CATALOG.entries[control]
    return Laying(DOCUMENT, entry, TYPES[control], CATALOG.provenance[control], NOW, rehearsal=rehearsal)


def default(control: ControlId, name: str) -> Any:
    return getattr(laying(control).planned().settings, name)


@st.composite
def values(draw: st.DrawFn, control: ControlId, name: str) -> Any:
    """Any value that a file could give a setting, around its default."""
    meta = next(each.metadata for each in fields(TYPES[control]) if each.name == name)
    held = default(control, name)
    least = meta["least"]
    if isinstance(held, bool):
        return draw(st.booleans())
    if isinstance(held, int):
        return draw(st.integers(int(least or 0), 2**40) | st.integers(max(int(least or 0), held - 3), held + 3))
    if isinstance(held, float):
        return draw(st.floats(float(least or 0), 1e6, allow_nan=False) | st.just(held))
    if isinstance(held, tuple):
        pool = [*held, "10.0.0.0/8", "other"]
        return draw(st.lists(st.sampled_from(pool), unique=True, max_size=4))
    if isinstance(held, str):
        return draw(st.sampled_from(meta["scale"]))
    kept = {key: st.sampled_from(meta["scale"]) for key in held}
    return draw(st.fixed_dictionaries({}, optional=kept))


def is_taken(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return all(got[key] == value for key, value in wanted.items())
    return bool(got == (tuple(wanted) if isinstance(wanted, list) else wanted))


def loosened(control: ControlId, name: str, old: Any, new: Any) -> list[str]:
    """What a change makes looser, as the catalog spells it."""
    if isinstance(new, dict):
        kind = TYPES[control]
        return [f"{name}.{key}" for key in new if not tightens(kind, name, {key: old[key]}, {key: new[key]})]
    return [] if tightens(TYPES[control], name, old, tuple(new) if isinstance(new, list) else new) else [name]


@given(data=st.data())
@settings(deadline=None, max_examples=600)
def test_stricter_is_taken_and_looser_needs_the_catalogs_leave_a_reason_and_an_end(data: st.DataObject) -> None:
    control, name = data.draw(st.sampled_from(EVERY))
    value = data.draw(values(control, name))
    loose = loosened(control, name, default(control, name), value)
    allowed = set(loose) <= CATALOG.entries[control].may_relax
    without, with_leave = laying(control), laying(control)
    if not loose:
        without.lay({name: value}, WHERE)
        planned = without.planned()
        assert is_taken(getattr(planned.settings, name), value)
        assert planned.waiver is None
        return
    with pytest.raises(ConfigError, match=r"looser|may not be loosened"):
        without.lay({name: value}, WHERE)
    if not allowed:
        with pytest.raises(ConfigError, match="may not be loosened"):
            with_leave.lay({name: value, **LEAVE}, WHERE)
        return
    with_leave.lay({name: value, **LEAVE}, WHERE)
    planned = with_leave.planned()
    assert is_taken(getattr(planned.settings, name), value)
    assert planned.waiver is not None and planned.waiver.reason == LEAVE["reason"]


@given(data=st.data())
@settings(deadline=None, max_examples=300)
def test_no_chain_of_tables_without_leave_ends_looser_than_it_began(data: st.DataObject) -> None:
    control = data.draw(st.sampled_from(CONTROLS))
    laid, before = laying(control), laying(control).planned()
    for _ in range(data.draw(st.integers(1, 4))):
        name = data.draw(st.sampled_from([each.name for each in fields(TYPES[control])]))
        try:
            laid.lay({name: data.draw(values(control, name))}, WHERE)
        except ConfigError:
            laid = laying(control)  # a plan is taken whole or not at all
    after = laid.planned()
    assert after.mode is Mode.ENFORCE
    for each in fields(TYPES[control]):
        old, new = getattr(before.settings, each.name), getattr(after.settings, each.name)
        assert tightens(TYPES[control], each.name, old, new)


@pytest.mark.parametrize(
    "part", [{"reason": "because"}, {"until": date(2026, 4, 1)}, {"reason": "  ", "until": date(2026, 4, 1)}]
)
def test_half_of_a_leave_is_none(part: dict[str, Any]) -> None:
    control = ControlId("application.prompt_attack")
    with pytest.raises(ConfigError, match="looser than before"):
        laying(control).lay({"person": 0.9, **part}, WHERE)


@pytest.mark.parametrize("mode", ["observe", "off"])
def test_a_mode_needs_leave(mode: str) -> None:
    control = ControlId("application.prompt_attack")
    with pytest.raises(ConfigError, match="looser than before"):
        laying(control).lay({"mode": mode}, WHERE)
    laid = laying(control)
    laid.lay({"mode": mode, **LEAVE}, WHERE)
    assert laid.planned().mode == mode
    laid.lay({"mode": "enforce"}, WHERE)
    assert laid.planned().mode is Mode.ENFORCE


@pytest.mark.parametrize("control", [each for each in CONTROLS if "mode" not in CATALOG.entries[each].may_relax])
def test_a_control_whose_entry_does_not_say_so_cannot_be_switched_off_but_in_a_rehearsal(control: ControlId) -> None:
    with pytest.raises(ConfigError, match="may not be loosened"):
        laying(control).lay({"mode": "off", **LEAVE}, WHERE)
    laid = laying(control, rehearsal=True)
    laid.lay({"mode": "off", **LEAVE}, WHERE)
    assert laid.planned().mode is Mode.OFF
    with pytest.raises(ConfigError, match="looser than before"):
        laying(control, rehearsal=True).lay({"mode": "off"}, WHERE)


def test_leave_ends_with_its_last_day() -> None:
    control = ControlId("application.prompt_attack")
    laid = laying(control)
    laid.lay({"person": 0.9, "reason": "r", "until": NOW.date()}, WHERE)
    waiver = laid.planned().waiver
    assert waiver is not None and waiver.until > NOW
    with pytest.raises(ConfigError, match="ended on"):
        laying(control).lay({"person": 0.9, "reason": "r", "until": NOW.date() - timedelta(days=1)}, WHERE)


@pytest.mark.parametrize("until", [date(9999, 12, 31), NOW.date() + timedelta(days=MAX_LEAVE_DAYS + 1)])
def test_leave_is_not_for_ever(until: date) -> None:
    with pytest.raises(ConfigError, match="days at most"):
        laying(ControlId("application.prompt_attack")).lay({"person": 0.9, "reason": "r", "until": until}, WHERE)


def test_leave_that_loosened_nothing_is_not_kept() -> None:
    laid = laying(ControlId("application.prompt_attack"))
    laid.lay({"person": 0.1, **LEAVE}, WHERE)
    assert laid.planned().waiver is None


def test_of_two_leaves_both_reasons_hold_until_the_first_ends() -> None:
    laid = laying(ControlId("application.prompt_attack"))
    laid.lay({"person": 0.9, "reason": "first", "until": date(2026, 6, 1)}, WHERE)
    laid.lay({"tool": 0.9, "reason": "second", "until": date(2026, 5, 1)}, WHERE)
    waiver = laid.planned().waiver
    assert waiver is not None
    assert (waiver.reason, waiver.until.date()) == ("first; second", date(2026, 5, 2))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_threshold_that_no_score_reaches_is_refused_even_with_leave(number: float) -> None:
    with pytest.raises(ConfigError):
        laying(ControlId("application.prompt_attack")).lay({"person": number, **LEAVE}, WHERE)


def test_one_key_of_a_table_is_loosened_by_its_own_leave_only() -> None:
    control = ControlId("identity_data.sensitive_data")
    laid = laying(control)
    laid.lay({"inbound": {"email": "allow"}, **LEAVE}, WHERE)
    assert laid.planned().settings.inbound["email"] == "allow"  # type: ignore[attr-defined]
    assert laid.planned().settings.inbound["phone"] == "hide"  # type: ignore[attr-defined]
    with pytest.raises(ConfigError, match=r"inbound\.card_number.*may not be loosened"):
        laying(control).lay({"inbound": {"email": "allow", "card_number": "allow"}, **LEAVE}, WHERE)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"persn": 0.5}, 'did you mean "person"'),
        ({"mod": "off"}, 'did you mean "mode"'),
        ({"person": "high"}, "expected"),
        ({"person": -1}, "at least"),
        ({"mode": "sometimes"}, "mode"),
        ({"until": "soon"}, "until"),
    ],
)
def test_what_cannot_be_read_names_file_line_and_the_nearest_name(table: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=r"test\.toml:7") as caught:
        laying(ControlId("application.prompt_attack")).lay(table, WHERE)
    assert words in caught.value.public


@given(control=st.sampled_from(CONTROLS), data=st.data())
@settings(deadline=None, max_examples=300)
def test_any_table_is_laid_or_is_a_config_error(control: ControlId, data: st.DataObject) -> None:
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates()
    anything = st.recursive(
        scalars,
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
        max_leaves=4,
    )
    names = st.sampled_from([each.name for each in fields(TYPES[control])]) | st.sampled_from(
        ["mode", "until", "reason"]
    )
    table = data.draw(st.dictionaries(names | st.text(max_size=6), anything, max_size=4))
    assume(None not in table.values())  # TOML has no null
    try:
        laying(control).lay(table, WHERE)
    except ConfigError as error:
        assert error.public.startswith("test.toml:7: ")


def test_every_value_says_where_it_was_set() -> None:
    for control in CONTROLS:
        planned = laying(control).planned()
        where = dict(planned.provenance)
        for each in fields(planned.settings):
            assert where[each.name].file.startswith("catalog/") and where[each.name].line is not None, (control, each)


def test_every_setting_has_a_direction() -> None:
    for control, name in EVERY:
        meta = next(each.metadata for each in fields(TYPES[control]) if each.name == name)
        assert isinstance(meta["stricter"], Stricter) and meta["meaning"].endswith("."), (control, name)

"""A story is never more than its records say."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.cli.explain import as_tree
from ringwall.cli.story import Told, conclude, items, mapping, number, text
from ringwall.model.record import Outcome, RecordKind

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=6), below, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["kind", "outcome", "effect", "checkpoint", "decision", "principal", "resource", "cause", "time_us", "id", "source"]
)
VALUES = ANYTHING | st.sampled_from([*RecordKind, *Outcome])


def told(**fields: object) -> Told:
    return Told(fields, "segment", 0, covered=True, took_effect=True, live=False)


@given(records=st.lists(st.dictionaries(NAMES, VALUES), min_size=1, max_size=4))
@settings(deadline=None)
def test_any_records_make_a_story(records: list[dict[str, object]]) -> None:
    story = [told(**fields) for fields in records]
    assert isinstance(conclude(story), str)
    as_tree(story)


@given(
    records=st.lists(
        st.fixed_dictionaries({"kind": st.sampled_from(RecordKind), "outcome": st.sampled_from(Outcome)}), min_size=1
    )
)
def test_nothing_is_called_released_that_no_record_releases(records: list[dict[str, object]]) -> None:
    words = conclude([told(**fields) for fields in records])
    outcomes = {fields["outcome"] for fields in records}
    if "released to the caller" in words or "streamed to its end" in words:
        assert outcomes & {Outcome.RELEASES, Outcome.RELEASED}
    kinds = {fields["kind"] for fields in records}
    if RecordKind.OPENING in kinds and RecordKind.CLOSING not in kinds:
        assert "interrupted, extent unknown" in words


def test_what_took_no_effect_is_not_told_as_if_it_had() -> None:
    record = Told({"kind": "decision", "outcome": "releases"}, "s", 0, covered=True, took_effect=False, live=False)
    assert conclude([record]).startswith("nothing: ")


def test_a_provider_that_failed_is_not_the_end_and_where_it_went_is_told() -> None:
    target = {"upstream": "b", "model": "b-1", "left_out": [["c", "failing"]]}
    failed = told(kind="failure", outcome="proceeds", decision={"code": "upstream_late", "upstream": "a", "next": "b"})
    sent = told(kind="decision", outcome="sends", decision={"target": target})
    released = told(kind="decision", outcome="releases")
    assert conclude([failed]).startswith("its provider failed (upstream_late)")
    assert conclude([failed, sent, released]).startswith("answered")
    shown = [str(node.label) for record in as_tree([failed, sent]).children for node in record.children]
    assert any("b as b-1" in each and "left out: c failing" in each for each in shown)


def test_fields_of_the_wrong_kind_are_empty() -> None:
    odd = {"a": 1, "b": "x", "c": True}
    assert (text(odd, "a"), text(odd, "b"), number(odd, "a"), number(odd, "b"), number(odd, "c")) == ("", "x", 1, 0, 0)
    assert mapping([1]) == {} and items({"a": 1}) == () and mapping(None) == {} and items("abc") == ()


def connection(ended: str, cause: object = None, *between: Told) -> str:
    outcome = "released" if ended == "done" else "ended"
    body = {"bytes_out": 70, "bytes_in": 5, "ended": ended, "cause": cause}
    opening = told(kind="opening", action="network.connect", outcome="streams")
    closing = told(kind="closing", action="network.connect", outcome=outcome, decision=body)
    return conclude([opening, *between, closing])


def test_a_connection_is_told_in_bytes_and_by_what_ended_it() -> None:
    size = "70 bytes went out, 5 came in"
    assert connection("done") == f"connected, and ended (done): {size}"
    cause = {"control": "infrastructure.egress_volume", "code": "volume_over_ceiling"}
    assert connection("cut", cause) == f"cut by infrastructure.egress_volume: volume_over_ceiling; {size} before that"
    said = {"cause": {"control": "identity_data.containment", "code": "contained"}}
    refused = told(kind="decision", outcome="refused", checkpoint="egress", decision=said)
    told_so = connection("cut", said["cause"], refused)
    assert told_so == f"refused at egress by identity_data.containment: contained; {size} before that"
    assert conclude([told(kind="opening", action="network.connect")]) == "connected: interrupted, extent unknown"

"""Hidden, refused or left alone, by kind, direction and place."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controls.identity_data.sensitive_data import CONTROL, SensitiveData
from ringwall.detectors.personal_data import KINDS, LOOKBACK, find
from ringwall.engine.chain import Chain, Seat
from ringwall.engine.edits import apply, merge
from ringwall.engine.stream import HoldBack
from ringwall.model.content import JSON, Json, LeafKind, Origin, Part, PartId, freeze
from ringwall.model.errors import ConfigError
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.plan import Mode
from ringwall.model.verdict import Allow, Deny, DenyKind, Edit, EditAction, Transform, Verdict
from tests.controls.judging import build, judge, vantage
from tests.detectors.test_personal_data import FOUND, LEFT_ALONE, TEXTS

CONTROLLED: SensitiveData = build(CONTROL)
CARD = "4111 1111 1111 1111"
KEY = "AKIAIOSFODNN7EXAMPLE"
WAYS = sorted(CONTROL.checkpoints - {Checkpoint.TOOL_CALL})
"""Where content is masked; what a tool is called with is refused instead."""


def seen(value: object, checkpoint: Checkpoint, focus: tuple[int, int] | None = None) -> Vantage:
    frozen: Json = freeze(value)
    media = "text/plain" if isinstance(frozen, str) else JSON
    action = Action.CONNECT if checkpoint is Checkpoint.EGRESS else Action.INVOKE
    plain = vantage(checkpoint=checkpoint, action=action)
    return Vantage(checkpoint, plain.interaction, (Part(PartId("p"), Origin.MODEL, frozen, media),), plain.facts, focus)


def judged(value: object, checkpoint: Checkpoint = Checkpoint.RESPONSE) -> Verdict:
    return judge(CONTROLLED, seen(value, checkpoint))


@pytest.mark.parametrize("checkpoint", WAYS)
def test_a_card_is_masked_both_ways(checkpoint: Checkpoint) -> None:
    verdict = judged(f"Pay with {CARD} please.", checkpoint)
    assert isinstance(verdict, Transform)
    (edit,) = verdict.edits
    assert (edit.kind, edit.action) == ("card_number", EditAction.MASK)
    assert (edit.place.start, edit.place.end) == (9, 28)


@pytest.mark.parametrize("text", [CARD, "078-05-1120", KEY, "NDExMTExMTExMTExMTExMQ==", CARD[::-1]])
def test_a_tool_is_not_called_with_what_may_not_pass(text: str) -> None:
    verdict = judged({"q": [f"it is {text} indeed"]}, Checkpoint.TOOL_CALL)
    assert isinstance(verdict, Deny) and verdict.kind is DenyKind.CONTENT


@pytest.mark.parametrize("text", ["ada@example.com", "+44 20 7946 0958", "DE89 3704 0044 0532 0130 00"])
def test_a_tool_is_called_with_what_tools_are_made_for(text: str) -> None:
    assert isinstance(judged({"to": text}, Checkpoint.TOOL_CALL), Allow)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts])
def test_every_kind_is_hidden_or_refused(kind: str, text: str) -> None:
    verdict = judged(f"Here: {text} and so on.")
    assert isinstance(verdict, (Transform, Deny))
    assert kind in {each.kind for each in verdict.evidence}


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_what_is_no_identifier_is_left_untouched(text: str) -> None:
    assert judged(text) == Allow(frozenset({PartId("p")}))


def test_a_secret_is_hidden_on_the_way_in_and_refused_on_the_way_out() -> None:
    assert isinstance(judged(KEY, Checkpoint.INBOUND), Transform)
    verdict = judged(KEY)
    assert isinstance(verdict, Deny)
    assert (verdict.code, verdict.kind) == ("secret", DenyKind.CONTENT)


def test_refusing_wins_over_hiding() -> None:
    assert isinstance(judged(f"{CARD} and {KEY}"), Deny)


def test_a_string_in_json_is_masked_at_its_pointer() -> None:
    verdict = judged({"rows": [{"card": CARD}, {"card": "none"}]}, Checkpoint.TOOL_RESULT)
    assert isinstance(verdict, Transform)
    assert verdict.edits[0].place.pointer == "/rows/0/card"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"4111111111111111": 1}, LeafKind.KEY),
        ({"card": 4111111111111111}, LeafKind.NUMBER),
        ({"card": 4111111111111111.0}, LeafKind.NUMBER),
        ([4.111111111111111e15], LeafKind.NUMBER),
        ({"john@example.com": True}, LeafKind.KEY),
    ],
)
def test_what_cannot_be_edited_is_refused(value: object, kind: LeafKind) -> None:
    verdict = judged(value, Checkpoint.TOOL_RESULT)
    assert isinstance(verdict, Deny)
    if kind is LeafKind.KEY:  # a pointer spells the key: no place is named (law 6)
        assert {each.place for each in verdict.evidence} == {None}
    else:
        assert {each.place.kind for each in verdict.evidence if each.place} == {kind}


@pytest.mark.parametrize("action", [Action.INVOKE, Action.CALL, Action.LIST])
def test_what_was_judged_on_its_way_in_is_not_judged_again_on_its_way_to_a_model(action: Action) -> None:
    plain = vantage(checkpoint=Checkpoint.EGRESS, action=action)
    part = Part(PartId("p"), Origin.MODEL, CARD)
    again = Vantage(Checkpoint.EGRESS, plain.interaction, (part,), plain.facts)
    assert judge(CONTROLLED, again) == Allow(frozenset({PartId("p")}))


def test_fractions_are_no_cards() -> None:
    assert isinstance(judged([0.4111111111111111, 0.5105105105105100, -3.0, 1e300], Checkpoint.TOOL_RESULT), Allow)


def test_what_was_not_looked_at_is_blocked_out() -> None:
    verdict = judged("see " + "QUJD" * 2000 + " end")
    assert isinstance(verdict, Transform)
    assert {each.action for each in verdict.edits if each.kind == "encoded_run"} == {EditAction.BLOCK}
    assert any((each.place.start, each.place.end) == (4, 8004) for each in verdict.edits)


def test_only_findings_that_start_in_the_focus_are_reported() -> None:
    text = f"{CARD} then {CARD} then {CARD}"
    verdict = judge(CONTROLLED, seen(text, Checkpoint.CHUNK, (20, 40)))
    assert isinstance(verdict, Transform)
    assert [(each.place.start, each.place.end) for each in verdict.edits] == [(25, 44)]


def test_a_run_longer_than_the_window_is_blocked_out_piece_by_piece() -> None:
    text = "QUJD" * 5000
    verdict = judge(CONTROLLED, seen(text, Checkpoint.CHUNK, (LOOKBACK, LOOKBACK + 500)))
    assert isinstance(verdict, Transform)
    assert {(each.place.start, each.place.end) for each in verdict.edits} == {(LOOKBACK, LOOKBACK + 500)}


def test_kinds_may_be_allowed_and_what_nobody_spoke_of_is_refused() -> None:
    lenient = CONTROL(
        CONTROL.settings_type(inbound={}, outbound=dict.fromkeys(KINDS, "allow"), arguments={}, unread=())
    )
    verdict = judge(lenient, seen(CARD, Checkpoint.RESPONSE))
    assert isinstance(verdict, Allow)
    assert {each.kind for each in verdict.evidence} == {"card_number"}
    assert isinstance(judge(lenient, seen(CARD, Checkpoint.INBOUND)), Deny)


@pytest.mark.parametrize("actions", [{"card": "hide"}, {"card_number": "mask"}])
def test_unknown_kinds_and_actions_are_refused(actions: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="unknown"):
        CONTROL(CONTROL.settings_type(inbound=actions, outbound={}, arguments={}, unread=()))


def test_an_image_is_not_covered() -> None:
    plain = vantage()
    part = Part(PartId("p"), Origin.PERSON, "...", "image/png")
    verdict = asyncio.run(CONTROLLED.examine(Vantage(Checkpoint.INBOUND, plain.interaction, (part,), plain.facts)))
    assert verdict.covered == frozenset()


def test_an_image_that_may_pass_unread_is_covered_and_said_to_be_unread() -> None:
    plain = vantage()
    part = Part(PartId("p"), Origin.PERSON, "...", "image/png")
    lenient = build(CONTROL, unread=("image/png", "text/plain"))
    verdict = judge(lenient, Vantage(Checkpoint.INBOUND, plain.interaction, (part,), plain.facts))
    assert isinstance(verdict, Allow) and [each.kind for each in verdict.evidence] == ["unread_media"]
    other = Part(PartId("q"), Origin.PERSON, "...", "image/gif")
    beside = Vantage(Checkpoint.INBOUND, plain.interaction, (other,), plain.facts)
    assert asyncio.run(lenient.examine(beside)).covered == frozenset()
    assert not isinstance(judge(lenient, seen(CARD, Checkpoint.INBOUND)), Allow)  # text is read, whatever is said


def test_prose_is_held_for_a_word_and_a_number_until_it_ends() -> None:
    assert CONTROLLED.held("We would like to know more ab") == 2
    assert CONTROLLED.held("My card number is 4111 1111 11") >= 12
    assert CONTROLLED.held("") == 0


HIDING: SensitiveData = build(CONTROL, outbound=dict.fromkeys(KINDS, "hide"))


def hide(text: str, checkpoint: Checkpoint, focus: tuple[int, int] | None = None) -> tuple[Edit, ...]:
    verdict = judge(HIDING, seen(text, checkpoint, focus))
    assert not isinstance(verdict, Deny)
    return merge(verdict.edits) if isinstance(verdict, Transform) else ()


def whole(text: str) -> str:
    return apply((Part(PartId("p"), Origin.MODEL, text),), hide(text, Checkpoint.RESPONSE))[0].text


def streamed(chunks: list[str]) -> str:
    held = HoldBack(PartId("p"), lookback=LOOKBACK, held=Chain([Seat(HIDING, Mode.ENFORCE)]).held, limit=65_536)
    out = ""
    for chunk in (*chunks, None):
        window = held.finish() if chunk is None else held.push(chunk)
        if window is not None:
            out += held.settle(window, hide(window.part.text, Checkpoint.CHUNK, window.focus))
    return out


WORDS = st.sampled_from([*(text for texts in FOUND.values() for text in texts if len(text) < 200), *LEFT_ALONE])


@settings(deadline=None, max_examples=300)
@given(st.lists(WORDS, max_size=12).map(", and ".join))
def test_what_was_hidden_holds_nothing_more(text: str) -> None:
    # Glued to one another, hiding one may lay bare the next; the chain then refuses (law 4, a second edit).
    assert not hide(whole(text), Checkpoint.RESPONSE)


@settings(deadline=None, max_examples=150)
@given(TEXTS, st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_a_stream_releases_what_the_whole_would_have_released(text: str, sizes: list[int]) -> None:
    chunks, at = [], 0
    while at < len(text):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(text[at : at + size])
        at += size
    if not {"encoded_run", "invisible_run"} & {each.kind for each in find(text)}:
        # Those are blocked out piece by piece, so that a stream may show more placeholders; never more text.
        assert streamed(chunks) == whole(text)


@pytest.mark.parametrize("text", [text for texts in FOUND.values() for text in texts if len(text) < 200])
def test_no_finding_escapes_however_it_is_cut(text: str) -> None:
    told = f"So he told me all of it: {text}, and nothing else."
    for size in (1, 2, 3, 7):
        assert streamed([told[at : at + size] for at in range(0, len(told), size)]) == whole(told)

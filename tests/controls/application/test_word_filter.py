"""Listed words, refused or hidden, in any dress, wherever the stream is cut."""

from __future__ import annotations

import asyncio
import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.controls.application.word_filter import CONTROL, WordFilter, managed_words
from ringwall.model.content import JSON, Json, Origin, Part, PartId, freeze
from ringwall.model.errors import ConfigError
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, Transform, Verdict
from tests.controls.judging import build, judge, vantage
from tests.controls.streaming import check, streamed, whole

LISTED: WordFilter = build(CONTROL, refuse=("Project Nightjar",), hide=("falcon", "gift*", "Ada Lovelace"))
WAYS = sorted(CONTROL.checkpoints)
DISGUISES = (
    "falcon", "FALCON", "f4lc0n", "f\u0430lcon", "fal\u200bcon", "f a l c o n", "f.a.l.c.o.n", "fal-con", "faaalcon",
    base64.b64encode(b"the falcon flies at noon").decode(), b"the falcon flies".hex(), "%66%61%6c%63%6f%6e%20",
    "Ada Lovelace", "ada  l0velace", "Ada-Lovelace",
)  # fmt: skip


def seen(value: object, checkpoint: Checkpoint = Checkpoint.RESPONSE, origin: Origin = Origin.MODEL) -> Vantage:
    frozen: Json = freeze(value)
    media = "text/plain" if isinstance(frozen, str) else JSON
    plain = vantage(checkpoint=checkpoint)
    return Vantage(checkpoint, plain.interaction, (Part(PartId("p"), origin, frozen, media),), plain.facts)


def judged(value: object, control: WordFilter = LISTED) -> Verdict:
    return judge(control, seen(value))


@pytest.mark.parametrize("checkpoint", WAYS)
def test_listed_word_refused(checkpoint: Checkpoint) -> None:
    verdict = judge(LISTED, seen("It is about project nightjar.", checkpoint))
    assert isinstance(verdict, Deny) and verdict.code == "listed_word"
    assert "nightjar" not in repr(verdict).lower()


@pytest.mark.parametrize("word", DISGUISES)
def test_disguised_word_hidden(word: str) -> None:
    assert whole(LISTED, f"So he saw the {word} and went home.") == "So he saw the [LISTED_WORD] and went home."


@pytest.mark.parametrize("word", [*DISGUISES, "project  n1ghtjar"])
def test_no_disguise_escapes_however_it_is_cut(word: str) -> None:
    for size in (1, 2, 3, 7):
        check(LISTED, f"So he saw the {word}, and went home.", [size])


@pytest.mark.parametrize("checkpoint", WAYS)
def test_other_words_are_left_alone_and_without_words_all_are(checkpoint: Checkpoint) -> None:
    assert judge(LISTED, seen("A falconer, a project and a nightjar.", checkpoint)) == Allow(frozenset({PartId("p")}))
    assert judge(build(CONTROL), seen("falcon, you bastard", checkpoint)) == Allow(frozenset({PartId("p")}))


def test_the_list_that_comes_with_us_is_a_switch() -> None:
    told = "What a f*cking, fucking b4stard."
    assert isinstance(judged(told, build(CONTROL)), Allow)
    hidden = whole(build(CONTROL, profanity="hide"), told)
    assert hidden == "What a f*cking, [PROFANITY] [PROFANITY]."
    verdict = judged(told, build(CONTROL, profanity="refuse"))
    assert isinstance(verdict, Deny) and verdict.code == "profanity"
    assert len(set(managed_words())) == len(managed_words()) > 50


def test_what_stands_in_both_lists_is_refused() -> None:
    both = build(CONTROL, refuse=("falcon",), hide=("falcon",))
    assert isinstance(judged("a falcon", both), Deny)


def test_an_operator_may_name_what_must_not_be_said() -> None:
    told = seen("Never speak of Project Nightjar.", Checkpoint.INBOUND, Origin.OPERATOR)
    assert isinstance(judge(LISTED, told), Allow)
    strict = build(CONTROL, refuse=("project nightjar",), operator=True)
    assert isinstance(judge(strict, told), Deny)


def test_in_json_values_are_hidden_and_keys_and_numbers_refused() -> None:
    verdict = judged({"a": ["the falcon"]})
    assert isinstance(verdict, Transform) and verdict.edits[0].place.pointer == "/a/0"
    verdict = judged({"falcon": 1})
    assert isinstance(verdict, Deny) and {each.place for each in verdict.evidence} == {None}
    assert isinstance(judged({"a": 1984}, build(CONTROL, hide=("1984",))), Deny)


def test_media_that_cannot_be_read_is_not_covered_once_there_are_words() -> None:
    plain = vantage()
    picture = Part(PartId("p"), Origin.PERSON, "iVBORw0", "image/png")
    shown = Vantage(Checkpoint.INBOUND, plain.interaction, (picture,), plain.facts)
    assert asyncio.run(LISTED.examine(shown)).covered == frozenset()
    assert asyncio.run(build(CONTROL).examine(shown)).covered == {"p"}
    lenient = build(CONTROL, hide=("falcon",), unread=("image/png",))
    assert [each.kind for each in judge(lenient, shown).evidence] == ["unread_media"]


@pytest.mark.parametrize("wrong", [{"refuse": ("x",)}, {"hide": ("*",)}, {"profanity": "mask"}])
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        build(CONTROL, **wrong)


def test_without_words_nothing_is_held() -> None:
    assert (build(CONTROL).held("any falcon"), build(CONTROL).looks_back("x")) == (0, 0)
    assert streamed(build(CONTROL), ["a falcon"]) == ("a falcon", False)


PIECES = st.one_of(
    st.sampled_from([*DISGUISES, "project", "nightjar", "Project Nightjar", "Ada", "lovelace", "falc", "on", "gift"]),
    st.sampled_from(
        [" ", ", ", "-", ".", "\n", "the ", "word ", "f", "a", "l", "0", "@", "é", "\u200b", "%66", "&#102;"]
    ),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(PIECES, max_size=12).map("".join), st.lists(st.integers(1, 30), min_size=1, max_size=5))
def test_a_stream_gives_what_the_whole_gives(text: str, sizes: list[int]) -> None:
    check(LISTED, text, sizes, exactly=False)

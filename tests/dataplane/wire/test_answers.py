from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.wire import answers as r
from ringwall.model.conversation import SEAL, Finish, Usage
from ringwall.model.errors import UpstreamError


class Shape(msgspec.Struct):
    n: int


SHAPE = msgspec.json.Decoder(Shape)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "upstream_broken"),
        (b'{"n": "x"}', "upstream_broken"),
        (b'{"n": 1, "error": {"message": "theirs"}}', "upstream_error"),
        (b'{"type": "error"}', "upstream_error"),
        (b"\xff", "upstream_broken"),
        (b"[" * 100_000, "upstream_broken"),
    ],
)
def test_what_is_no_answer_is_the_providers_fault(data, code):
    with pytest.raises(UpstreamError) as caught:
        r.decode_answer(SHAPE, data)
    assert caught.value.code == code
    assert "theirs" not in caught.value.public + caught.value.detail


def test_an_error_that_is_none_is_no_error():
    assert r.decode_answer(SHAPE, b'{"n": 1, "error": null}').n == 1


def test_names_arguments_reasons_and_counts_match_their_grammar():
    assert r.name_of("a.b-c") == "a.b-c"
    assert dict(r.arguments_of("")) == {}
    assert r.finish_of("x", {"x": Finish.STOP}) is Finish.STOP
    assert r.usage_of(1, 2, None, 3) == Usage(1, 2, 0, 3)
    for call in (
        lambda: r.name_of(None),
        lambda: r.name_of("a b"),
        lambda: r.arguments_of("[]"),
        lambda: r.arguments_of('{"a":1,"a":2}'),
        lambda: r.finish_of(None, {"x": Finish.STOP}),
        lambda: r.usage_of(-1, 2),
        lambda: r.usage_of(1, 2**41),
    ):
        with pytest.raises(UpstreamError):
            call()


@given(st.text(max_size=20))
def test_a_seal_is_for_who_made_it(signature):
    seal = r.sealed_by("anthropic", signature)
    assert not seal or SEAL.fullmatch(seal)
    assert r.signature_of("anthropic", seal) in ("", signature)
    assert r.signature_of("anthropic", "other/" + signature) == ""


def test_a_choice_is_bounded_and_each_text_is_a_part():
    parts: list = []
    choice = r.choice_of(
        1, parts, text="x", finish=Finish.STOP, calls=[("f", {})], reasoning=[("hm", "")], refusal="no"
    )
    assert [part.id for part in parts] == [
        *choice.content, choice.calls[0].arguments, choice.refusal, choice.reasoning[0].text,
    ]  # fmt: skip
    with pytest.raises(UpstreamError):
        r.choice_of(0, [], text=None, finish=Finish.STOP, calls=[("f", {})] * (r.MAX_CALLS + 1))
    with pytest.raises(UpstreamError):
        r.choice_of(0, [], text=None, finish=Finish.STOP, reasoning=[("x", "")] * (r.MAX_BLOCKS + 1))

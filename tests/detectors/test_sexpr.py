"""One form, read within bounds, or an error that says what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.detectors.sexpr import MAX_DEPTH, MAX_FORM_CHARS, Form, FormError, Text, read


def test_a_form_is_atoms_texts_and_lists() -> None:
    assert read(' (rule A (=> (> price 10.5) (= name "a \\"b\\" \\d \\\\")))\n') == (
        "rule", "A", ("=>", (">", "price", "10.5"), ("=", "name", Text('a "b" \\d \\'))),
    )  # fmt: skip
    assert read("()") == ()
    assert read("atom") == "atom"


@pytest.mark.parametrize(
    "written", ["", "   ", "(a", "a)", "(a) (b)", "a b", '("open)', '"', "(" * (MAX_DEPTH + 1) + ")" * (MAX_DEPTH + 1),
                "(" + "a " * MAX_FORM_CHARS + ")"],
)  # fmt: skip
def test_what_is_not_one_form_is_an_error(written: str) -> None:
    with pytest.raises(FormError):
        read(written)


def test_the_deepest_form_is_read() -> None:
    assert read("(" * MAX_DEPTH + ")" * MAX_DEPTH)


@given(st.text(alphabet='()"\\ ab1;', max_size=60))
def test_anything_is_one_form_or_an_error(written: str) -> None:
    try:
        form: Form = read(written)
    except FormError:
        return
    assert isinstance(form, (str, Text, tuple))


@pytest.mark.parametrize("command", ["(exit)", "(check-sat)", '(include "/etc/passwd")', "(set-option :x true)"])
def test_a_solvers_commands_are_only_words(command: str) -> None:
    assert isinstance(read(command), tuple)

"""Well-typed expressions are taken; anything else is an error that names what is wrong."""

from __future__ import annotations

import pytest

from ringwall.detectors.logic_expression import boolean, expression
from ringwall.detectors.sexpr import FormError, read

TYPES = {"b": "bool", "n": "int", "x": "real", "t": "text", "e": "enum:e"}
MEMBERS = {"A": "e", "B": "e", "C": "f"}


@pytest.mark.parametrize(
    "written",
    [
        "b", "(not b)", "(and b (or b b))", "(=> b (= n 3))", "(= x n 2.5)", "(distinct n 1 2)", "(= e A)", '(= t "a")',
        "(< (+ x 1) (* 2 n))", "(>= (- n) -5)", "(= (ite b n x) 3)", "(= (ite b A B) e)",
    ],
)  # fmt: skip
def test_what_is_well_typed_is_taken(written: str) -> None:
    made = boolean(MEMBERS, read(written), TYPES)
    assert made.type == "bool"
    assert made.variables()


@pytest.mark.parametrize(
    "written",
    [
        "true", "(= 1 1)", "n", "(+ n 1)", "(= n b)", '(= n "a")', "(= e C)", '(< t "a")', "(* n x)", "(=> b)",
        "(not b b)",
        "(and)", "(exit)", "(let ((x 1)) x)", "(forall n b)", "unknown", "(= n 1e9)", "(< n 1 2)", "()", "((b))",
        "(= n 99999999999999999999)", '("b" b)', "(ite n b b)",
    ],
)  # fmt: skip
def test_what_is_not_is_an_error(written: str) -> None:
    with pytest.raises(FormError):
        boolean(MEMBERS, read(written), TYPES)


def test_numbers_mix() -> None:
    assert expression(MEMBERS, read("(+ n 1)"), TYPES).type == "int"
    assert expression(MEMBERS, read("(+ n 1.5)"), TYPES).type == "real"

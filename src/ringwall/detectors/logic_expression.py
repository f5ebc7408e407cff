"""Is this a well-typed expression over declared variables? Operators from a closed list, everything linear.

* `and or not => ite = distinct < <= > >= + - *`, literals, variables. Multiplication has a literal on one side.
* Texts and members of an enum are compared for equality only; whole numbers and reals mix.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ringwall.detectors.sexpr import Form, FormError, Text

MAX_NAME = 64
"""Code points of a name that an error repeats."""

_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_BOOLEAN = {"and": 1, "or": 1, "not": 1, "=>": 2}
_COMPARISONS = ("<", "<=", ">", ">=")
_ARITHMETIC = ("+", "-", "*")


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression.

    Attributes:
        head: An operator, `var`, `lit`.
        type: `bool`, `int`, `real`, `text`, or `enum:<variable>`.
        arguments: Of an operator.
        name: Of a variable.
        value: Of a literal: a bool, a Decimal, a string.
    """

    head: str
    type: str
    arguments: tuple[Expression, ...] = ()
    name: str = ""
    value: bool | Decimal | str = ""

    def variables(self) -> frozenset[str]:
        """The variables that stand in it."""
        inner = frozenset().union(*(each.variables() for each in self.arguments))
        return inner | {self.name} if self.head == "var" else inner


def boolean(members: Mapping[str, str], form: Form, types: Mapping[str, str]) -> Expression:
    """An expression that is true or false and speaks of some variable.

    Args:
        members: The members of all enums, to the variable of each.
        form: As it is written.
        types: The variables that may stand in it.

    Raises:
        FormError: It is none.
    """
    made = expression(members, form, types)
    if made.type != "bool":
        raise FormError("a rule must be true or false")
    if not made.variables():
        raise FormError("a rule must speak of a variable")
    return made


def expression(members: Mapping[str, str], form: Form, types: Mapping[str, str]) -> Expression:
    """A checked expression. The reader bounds how deep it is."""
    if isinstance(form, Text):
        return Expression("lit", "text", value=form.value)
    if isinstance(form, str):
        return _atom(members, form, types)
    if not form or not isinstance(form[0], str):
        raise FormError("an expression begins with an operator")
    head = form[0]
    arguments = tuple(expression(members, each, types) for each in form[1:])
    if head in _BOOLEAN:
        if any(each.type != "bool" for each in arguments) or len(arguments) < _BOOLEAN[head]:
            raise FormError(f'"{head}" takes what is true or false')
        if head in ("not", "=>") and len(arguments) != _BOOLEAN[head]:
            raise FormError(f'"{head}" takes "{_BOOLEAN[head]}"')
        return Expression(head, "bool", arguments)
    if head in ("=", "distinct") and len(arguments) >= 2:
        _same(head, arguments)
        return Expression(head, "bool", arguments)
    if head == "ite" and len(arguments) == 3 and arguments[0].type == "bool":
        return Expression(head, _same(head, arguments[1:]), arguments)
    if head in _COMPARISONS and len(arguments) == 2:
        _numeric(head, arguments)
        return Expression(head, "bool", arguments)
    if head in _ARITHMETIC and len(arguments) >= 1:
        if head == "*" and sum(1 for each in arguments if each.variables()) > 1:
            raise FormError('"*" takes one variable at most: rules stay linear')
        return Expression(head, _numeric(head, arguments), arguments)
    raise FormError(f'"{head}" is no operator for "{len(arguments)}"')


def _atom(members: Mapping[str, str], atom: str, types: Mapping[str, str]) -> Expression:
    if atom in types:
        return Expression("var", types[atom], name=atom)
    if atom in ("true", "false"):
        return Expression("lit", "bool", value=atom == "true")
    if atom in members:
        return Expression("lit", f"enum:{members[atom]}", value=atom)
    if not _NUMBER.fullmatch(atom):
        raise FormError(f'"{atom[:MAX_NAME]}" is not declared')
    return Expression("lit", "real" if "." in atom else "int", value=decimal(atom))


def decimal(written: str) -> Decimal:
    """A number as it is written.

    Raises:
        FormError: It is none.
    """
    try:
        return Decimal(written)
    except InvalidOperation as error:
        raise FormError(f'"{written[:MAX_NAME]}" is not a number') from error


def _same(head: str, arguments: Sequence[Expression]) -> str:
    kinds = {each.type for each in arguments}
    if kinds <= {"int", "real"}:
        return "real" if "real" in kinds else "int"
    if len(kinds) != 1:
        raise FormError(f'"{head}" compares what is not alike: {", ".join(sorted(kinds))}')
    return kinds.pop()


def _numeric(head: str, arguments: Sequence[Expression]) -> str:
    if any(each.type not in ("int", "real") for each in arguments):
        raise FormError(f'"{head}" takes numbers')
    return _same(head, arguments)

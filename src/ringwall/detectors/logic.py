"""What may an operator's rules say? Typed variables, rules over them, and where their values are read from.

One string is one form:

    (bool v)  (int v)  (real v)  (text v)  (enum v A B ...)      a variable
    (rule NAME expression)                                       holds, by the organisation's word
    (each NAME TOOL ((v type "member") ...) expression)          holds for each delivered row of a tool
    (require NAME expression)                                    must follow from what is known and claimed
    (derivable NAME v TOOL ...)                                  v must be a value that these delivered
    (demand v ...)                                               a claim about v must follow, not only fit
    (subject v)                                                  what a sentence speaks about; not itself a claim
    (given v ...)                                                what an answer says of v is taken as given
    (read v argument TOOL "/pointer")  (read v result TOOL "/pointer")
    (read v answer KIND)               (read v answer member TOOL "member")
    (read v answer pattern "RE2")      (read v answer phrase (value "words" ...) ...)

* Expressions are those of `logic_expression`.
* All of it is checked here, before anything runs: an undeclared name, a wrong type, an empty rule is an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import re2

from ringwall.detectors.logic_expression import Expression, boolean, expression
from ringwall.detectors.sexpr import Form, FormError, Text, read

MAX_FORMS = 500
"""Forms of one policy."""
KINDS = ("money", "share", "number", "card_number", "iban", "us_ssn")
"""What can be read from an answer by its kind."""
TEXT_KINDS = ("card_number", "iban", "us_ssn")
TYPES = ("bool", "int", "real", "text")

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A named expression; `each` rules have a tool and row variables with the members that they are read from."""

    name: str
    expression: Expression
    tool: str = ""
    row: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Derivable:
    """A variable whose claimed value must stand in what tools delivered."""

    name: str
    variable: str
    tools: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a variable's value is read from.

    Attributes:
        variable: Whose.
        where: `argument`, `result`, `kind`, `member`, `pattern` or `phrase`.
        tool: The tool, for the first two and `member`.
        what: Pointer, kind, member or pattern.
        phrases: Value to the words that state it.
    """

    variable: str
    where: str
    tool: str = ""
    what: str = ""
    phrases: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(slots=True)
class Policy:
    """Everything that the operator wrote, checked."""

    types: dict[str, str] = field(default_factory=dict)
    members: dict[str, str] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rules: list[Rule] = field(default_factory=list)
    required: list[Rule] = field(default_factory=list)
    derivable: list[Derivable] = field(default_factory=list)
    demanded: set[str] = field(default_factory=set)
    subjects: set[str] = field(default_factory=set)
    given: set[str] = field(default_factory=set)
    readings: list[Reading] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def tied(self, variable: str) -> bool:
        """True when some rule speaks of this variable together with a subject."""
        rules = (*self.rules, *self.required)
        spoken = [each.expression.variables() for each in rules]
        return any(variable in each and self.subjects & each for each in spoken)


def parse(forms: Sequence[str]) -> Policy:
    """The policy that these forms make; the order in which they are written does not matter.

    Raises:
        FormError: One of them cannot be; its number and the reason are named.
    """
    if len(forms) > MAX_FORMS:
        raise FormError(f'more than "{MAX_FORMS}" rules')
    policy = Policy()
    read_forms: list[tuple[int, tuple[Form, ...]]] = []
    for number, written in enumerate(forms, 1):
        try:
            form = read(written)
        except FormError as error:
            raise FormError(f'rule "{number}": {error}') from error
        if not isinstance(form, tuple) or not form or not isinstance(form[0], str):
            raise FormError(f'rule "{number}": must begin with a word between parentheses')
        read_forms.append((number, form))
    for last in (False, True):  # declarations first
        for number, form in read_forms:
            declares = form[0] in (*TYPES, "enum")
            if declares is last:
                continue
            maker = _MAKERS.get(str(form[0]))
            try:
                if maker is None:
                    raise FormError(f'"{form[0]}" is not a kind of rule; one of: {", ".join(_MAKERS)}')
                maker(policy, form)
            except FormError as error:
                raise FormError(f'rule "{number}": {error}') from error
    named = {each.variable for each in policy.readings if each.where == "member"}
    if len(policy.subjects) > 1 or not policy.subjects <= named:
        raise FormError("there is one subject at most, and it is read from a member of delivered rows")
    return policy


def _declare(policy: Policy, form: tuple[Form, ...]) -> None:
    kind, name = str(form[0]), _name(form, 1)
    if name in policy.types or name in policy.members:
        raise FormError(f'"{name}" is declared twice')
    if kind != "enum":
        _length(form, 2)
        policy.types[name] = kind
        return
    members = tuple(_name(form, at) for at in range(2, len(form)))
    if len(members) < 2:
        raise FormError(f'"{name}" needs at least two members')
    for member in members:
        if member in policy.members or member in policy.types or member in ("true", "false"):
            raise FormError(f'"{member}" is declared twice')
        policy.members[member] = name
    policy.types[name] = f"enum:{name}"
    policy.enums[name] = members


def _rule(policy: Policy, form: tuple[Form, ...]) -> None:
    _length(form, 3)
    made = Rule(_new(policy, form), boolean(policy.members, form[2], policy.types))
    (policy.rules if form[0] == "rule" else policy.required).append(made)


def _each(policy: Policy, form: tuple[Form, ...]) -> None:
    _length(form, 5)
    bound = form[3]
    if not isinstance(bound, tuple) or not bound:
        raise FormError('a row needs variables: ((price real "price") ...)')
    row = []
    types = dict(policy.types)
    for each in bound:
        if not isinstance(each, tuple) or len(each) != 3:
            raise FormError('a row variable is written (name type "member")')
        name, kind = _name(each, 0), str(each[1])
        if kind not in TYPES or name in types:
            raise FormError(f'"{name}" needs one of the types {", ".join(TYPES)}, and a name of its own')
        types[name] = kind
        row.append((name, kind, _text(each, 2)))
    expression = boolean(policy.members, form[4], types)
    policy.rules.append(Rule(_new(policy, form), expression, _name(form, 2), tuple(row)))


def _derivable(policy: Policy, form: tuple[Form, ...]) -> None:
    name, variable = _new(policy, form), _known(policy, form, 2)
    if policy.types[variable] not in ("text", "int", "real"):
        raise FormError(f'"{variable}" must be a text or a number')
    tools = frozenset(_name(form, at) for at in range(3, len(form)))
    if not tools:
        raise FormError("names no tool from whose results it may be derived")
    policy.derivable.append(Derivable(name, variable, tools))


def _mark(policy: Policy, form: tuple[Form, ...]) -> None:
    names = {_known(policy, form, at) for at in range(1, len(form))}
    if not names:
        raise FormError("names no variable")
    marked = {"demand": policy.demanded, "subject": policy.subjects, "given": policy.given}
    marked[str(form[0])].update(names)


def _read(policy: Policy, form: tuple[Form, ...]) -> None:
    variable = _known(policy, form, 1)
    where = str(form[2]) if len(form) > 2 else ""
    if where in ("argument", "result"):
        _length(form, 5)
        pointer = _text(form, 4)
        if not pointer.startswith("/"):
            raise FormError('a pointer begins with "/"')
        policy.readings.append(Reading(variable, where, _name(form, 3), pointer))
        return
    if where != "answer" or len(form) < 4:
        raise FormError("a value is read from an argument, a result or the answer")
    policy.readings.append(_from_answer(policy, variable, form))


def _from_answer(policy: Policy, variable: str, form: tuple[Form, ...]) -> Reading:
    how, kind = form[3], policy.types[variable]
    if how == "member":
        _length(form, 6)
        if kind != "text":
            raise FormError(f'"{variable}" must be a text')
        return Reading(variable, "member", _name(form, 4), _text(form, 5))
    if how == "pattern":
        _length(form, 5)
        pattern = _text(form, 4)
        try:
            groups = re2.compile(pattern).groups
        except re2.error as error:
            raise FormError("the pattern is not a regular expression of RE2") from error
        if groups != 1:
            raise FormError("the pattern needs exactly one group: what is stated")
        return Reading(variable, "pattern", what=pattern)
    if how == "phrase":
        return Reading(variable, "phrase", phrases=tuple(_phrase(policy, variable, each) for each in form[4:]))
    if how not in KINDS:
        raise FormError(f'"{how}" is not one of: {", ".join((*KINDS, "member", "pattern", "phrase"))}')
    _length(form, 4)
    if (kind == "text") != (how in TEXT_KINDS) or kind not in ("text", "int", "real"):
        raise FormError(f'"{variable}" cannot hold a "{how}"')
    return Reading(variable, "kind", what=str(how))


def _phrase(policy: Policy, variable: str, form: Form) -> tuple[str, tuple[str, ...]]:
    if not isinstance(form, tuple) or len(form) < 2 or not isinstance(form[0], str):
        raise FormError('a phrase is written (value "words" ...)')
    literal = expression(policy.members, form[0], {})
    if literal.type != policy.types[variable]:
        raise FormError(f'"{form[0]}" is no value of "{variable}"')
    return form[0], tuple(_text(form, at) for at in range(1, len(form)))


def _length(form: Sequence[Form], count: int) -> None:
    if len(form) != count:
        raise FormError(f'"{form[0]}" takes "{count - 1}", not "{len(form) - 1}"')


def _name(form: Sequence[Form], at: int) -> str:
    each = form[at] if at < len(form) else ""
    if not isinstance(each, str) or not _NAME.fullmatch(each):
        raise FormError("a name is missing, or has characters that names have not")
    return each


def _text(form: Sequence[Form], at: int) -> str:
    each = form[at] if at < len(form) else ""
    if not isinstance(each, Text) or not each.value:
        raise FormError("words between quotation marks are missing")
    return each.value


def _known(policy: Policy, form: Sequence[Form], at: int) -> str:
    name = _name(form, at)
    if name not in policy.types:
        raise FormError(f'"{name}" is not declared')
    return name


def _new(policy: Policy, form: Sequence[Form]) -> str:
    name = _name(form, 1)
    if name in policy.names:
        raise FormError(f'there are two rules "{name}"')
    policy.names.add(name)
    return name


_MAKERS: Mapping[str, Callable[[Policy, tuple[Form, ...]], None]] = {
    **dict.fromkeys((*TYPES, "enum"), _declare),
    "rule": _rule,
    "require": _rule,
    "each": _each,
    "derivable": _derivable,
    "demand": _mark,
    "subject": _mark,
    "given": _mark,
    "read": _read,
}

"""Does this follow from the rules? Asks Z3, in a worker process and nowhere else.

For each frame (what one sentence or one call says) with rules R, premises P and claims C:

1. R and P cannot both hold: `impossible`.
2. R, P and C cannot hold together: `invalid`. A claim that cannot be false: `valid`. Else `satisfiable`.
3. What is required, where it speaks of something claimed: the same three words.
4. The solver gives up within its bound: `too_complex`.

* Each finding names rules that carry it: a core of the solver's, made minimal by leaving out one after another.
* A policy is compiled once for a tenant and kept, in a solver of its own context, so that no tenant's work touches
  another's. Each rule hangs on a literal that is assumed; what belongs to one payload is pushed and popped.
* The bound is on the solver's steps, not on time, so that the same payload always gives the same findings. Time is the
  caller's: past its deadline the worker is killed.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import z3

from ringwall.detectors.logic import Policy, parse
from ringwall.detectors.logic_expression import Expression
from ringwall.detectors.sources import flat

MAX_STEPS = 3_000_000
"""The solver's own count of work for one question."""
MAX_KEPT = 16
"""Compiled policies that a worker keeps."""
MAX_TEXTS = 20_000
"""Different texts that a compiled policy has seen before it is compiled anew."""
MAX_INSTANCES = 2_000
"""Rows over which `each` rules are written out, for one payload."""


@dataclass(slots=True)
class _Compiled:
    policy: Policy
    context: Any
    solver: Any
    variables: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, int] = field(default_factory=dict)
    literals: dict[str, Any] = field(default_factory=dict)


_KEPT: OrderedDict[tuple[str, str], _Compiled] = OrderedDict()


def check(payload: bytes) -> bytes:
    """The findings of a payload; both are JSON (see `logic_frames`).

    Raises:
        ValueError: The payload is none of ours, or the rules in it are none.
    """
    asked = json.loads(payload, parse_float=Decimal)
    compiled = _compiled(asked["tenant"], asked["rules"])
    return json.dumps(_findings(compiled, asked)).encode()


def _compiled(tenant: str, rules: Sequence[str]) -> _Compiled:
    digest = hashlib.sha256("\x00".join(rules).encode("utf-8", "surrogatepass")).hexdigest()
    kept = _KEPT.pop((tenant, digest), None)
    if kept is None or len(kept.texts) > MAX_TEXTS:
        kept = _compile(parse(rules))
    _KEPT[(tenant, digest)] = kept
    while len(_KEPT) > MAX_KEPT:
        _KEPT.popitem(last=False)
    return kept


def _compile(policy: Policy) -> _Compiled:
    context = z3.Context()
    solver = z3.Solver(ctx=context)
    solver.set("rlimit", MAX_STEPS)
    solver.set("random_seed", 1)
    made = _Compiled(policy, context, solver)
    sorts: dict[str, Any] = {"bool": z3.BoolSort(context), "int": z3.IntSort(context), "real": z3.RealSort(context)}
    sorts["text"] = sorts["int"]  # a text is a number of its own: texts are compared for equality only
    for name, members in policy.enums.items():
        sorts[f"enum:{name}"], constants = z3.EnumSort(f"enum {name}", list(members), ctx=context)
        made.members.update(zip(members, constants, strict=True))
    for name, kind in policy.types.items():
        made.variables[name] = z3.Const(f"var {name}", sorts[kind])
    for rule in policy.rules:
        made.literals[rule.name] = z3.Bool(f"rule {rule.name}", context)
        if not rule.tool:
            solver.add(z3.Implies(made.literals[rule.name], _term(made, rule.expression, {})))
    return made


def _findings(made: _Compiled, asked: Any) -> list[dict[str, object]]:
    if sum(len(rows) for rows in asked["rows"].values()) > MAX_INSTANCES:
        return [{"frame": -1, "finding": "too_complex", "about": "", "rules": []}]
    made.solver.push()
    try:
        for rule in made.policy.rules:
            for row in asked["rows"].get(rule.name, ()):
                bound = {name: _value(made, kind, each) for (name, kind, _), each in zip(rule.row, row, strict=True)}
                made.solver.add(z3.Implies(made.literals[rule.name], _term(made, rule.expression, bound)))
        found: list[dict[str, object]] = []
        for at, frame in enumerate(asked["frames"]):
            found += [{"frame": at, **each} for each in _frame(made, frame, asked["values"])]
        return found
    finally:
        made.solver.pop()


def _frame(made: _Compiled, frame: Any, values: Any) -> Iterable[dict[str, object]]:
    """Steps 1 to 3 for one frame."""
    premises = [_claim(made, each) for each in frame["premises"]]
    claims = {each[0]: _claim(made, each) for each in frame["claims"]}
    together = list(claims.values())
    answer, rules = _ask(made, premises)  # 1
    if answer != "sat":
        yield _said("impossible" if answer == "unsat" else "too_complex", "", rules)
        return
    answer, rules = _ask(made, [*premises, *together])  # 2
    if answer != "sat":
        for variable in claims:
            yield _said("invalid" if answer == "unsat" else "too_complex", variable, rules)
        return
    for variable, claim in claims.items():
        answer, rules = _ask(made, [*premises, z3.Not(claim)])
        yield _said({"unsat": "valid", "sat": "satisfiable"}.get(answer, "too_complex"), variable, rules)
    known = [*premises, *together]
    for name, expression in _required(made, frame, values):  # 3
        yield _obligation(made, known, name, expression)


def _obligation(made: _Compiled, known: list[Any], name: str, expression: Any) -> dict[str, object]:
    answer, rules = _ask(made, [*known, z3.Not(expression)])
    if answer == "unsat":
        return _said("valid", name, [*rules, name])
    if answer == "sat":
        answer, rules = _ask(made, [*known, expression])
        if answer != "unknown":
            return _said("invalid" if answer == "unsat" else "satisfiable", name, [*rules, name])
    return _said("too_complex", name, [name])


def _required(made: _Compiled, frame: Any, values: Any) -> Iterable[tuple[str, Any]]:
    """What must follow where a frame claims something about it."""
    claimed = {each[0] for each in frame["claims"]}
    for rule in made.policy.required:
        if rule.expression.variables() & claimed:
            yield rule.name, _term(made, rule.expression, {})
    for each in made.policy.derivable:
        if each.variable in claimed:
            kind = made.policy.types[each.variable]
            known = [_value(made, kind, value) for value in values.get(each.name, ())]
            equal = [made.variables[each.variable] == value for value in known]
            yield each.name, z3.Or(*equal) if equal else z3.BoolVal(False, made.context)


def _ask(made: _Compiled, known: list[Any]) -> tuple[str, list[str]]:
    """Whether all rules and what is known can hold together; where they cannot, a minimal set of rules."""
    names = list(made.literals)
    literals = {name: made.literals[name] for name in names}
    made.solver.push()
    try:
        made.solver.add(*known)
        answer = str(made.solver.check(*literals.values()))
        if answer != "unsat":
            return answer, []
        core = {str(each) for each in made.solver.unsat_core()}
        needed = [name for name in names if f"rule {name}" in core]
        for name in list(needed):
            rest = [literals[each] for each in needed if each != name]
            if str(made.solver.check(*rest)) == "unsat":
                needed.remove(name)
        return "unsat", needed
    finally:
        made.solver.pop()


def _claim(made: _Compiled, stated: Any) -> Any:
    """`variable = value`, or for a number that was rounded, that it lies between two."""
    variable, low, high = stated
    kind, term = made.policy.types[variable], made.variables[variable]
    if low == high:
        return term == _value(made, kind, low)
    return z3.And(term >= _value(made, kind, low), term <= _value(made, kind, high))


def _value(made: _Compiled, kind: str, value: Any) -> Any:
    """A value from outside as a term; one of another type is no value of ours."""
    if kind == "bool" and isinstance(value, bool):
        return z3.BoolVal(value, made.context)
    if kind in ("int", "real") and isinstance(value, str):
        number = Decimal(value)
        if kind == "int" and number != number.to_integral_value():
            raise ValueError("not a whole number")
        return z3.RealVal(str(number), made.context) if kind == "real" else z3.IntVal(int(number), made.context)
    if kind == "text" and isinstance(value, str):
        return z3.IntVal(made.texts.setdefault(value, len(made.texts)), made.context)
    if kind.startswith("enum:") and value in made.policy.enums[kind.removeprefix("enum:")]:
        return made.members[value]
    raise ValueError("a value of another type")


def _term(made: _Compiled, written: Expression, bound: dict[str, Any]) -> Any:
    """An expression as a term; it was checked when it was parsed."""
    if written.head == "var":
        return bound[written.name] if written.name in bound else made.variables[written.name]
    if written.head == "lit":
        value = str(written.value) if isinstance(written.value, Decimal) else written.value
        if written.type == "text" and isinstance(value, str):
            value = flat(value)  # as what is read and delivered is compared
        return _value(made, written.type, value)
    arguments = [_term(made, each, bound) for each in written.arguments]
    head = written.head
    if head in _OPERATORS:
        return _OPERATORS[head](*arguments)
    first, *others = arguments
    if head == "=":
        return z3.And(*(first == each for each in others))
    for each in others:
        first = first + each if head == "+" else first - each if head == "-" else first * each
    return -first if head == "-" and not others else first


def _said(finding: str, about: str, rules: Sequence[str]) -> dict[str, object]:
    return {"finding": finding, "about": about, "rules": list(rules)}


_OPERATORS: dict[str, Any] = {
    "and": z3.And,
    "or": z3.Or,
    "not": z3.Not,
    "=>": z3.Implies,
    "ite": z3.If,
    "distinct": z3.Distinct,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}

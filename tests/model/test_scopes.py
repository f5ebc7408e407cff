from __future__ import annotations

from dataclasses import replace

import pytest

from ringwall.model.facts import Identity, Source
from ringwall.model.interaction import Actor, Resource
from ringwall.model.scopes import KINDS, concerned, scope
from tests.fakes import PERSON, facts, interaction


def found(asked, identity=None) -> set[str]:
    known = facts()
    return set(concerned(asked, identity or known[Identity], known[Source]))


def test_everything_that_could_be_contained_is_named():
    principal = replace(PERSON, chain=(Actor("https://issuer.example", "agent-1"),))
    assert found(interaction(principal=principal)) == {
        "principal:https://issuer.example ada",
        "workload:support",
        "session:ses_1",
        "address:127.0.0.1",
        "model:m",
        "key:k1",
        "agent:https://issuer.example agent-1",
    }


def test_a_namesake_of_another_issuer_is_somebody_else():
    other = replace(PERSON, issuer="https://other.example")
    mine, theirs = found(interaction()), found(interaction(principal=other))
    assert {each for each in mine & theirs if each.startswith("principal")} == set()


def test_what_is_no_model_and_has_no_key_names_neither():
    asked = replace(interaction(), resource=Resource("endpoint", "/x"))
    assert not {"model", "server", "key"} & {each.partition(":")[0] for each in found(asked, Identity(False))}


def test_an_unknown_kind_is_refused_with_those_that_there_are():
    with pytest.raises(ValueError, match="principal, agent"):
        scope("planet", "x")
    assert all(scope(kind, "x") == f"{kind}:x" for kind in KINDS)

"""What can be contained: every scope that concerns an interaction, and none of a namesake."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from ringwall.model.facts import Identity, Source
from ringwall.model.interaction import Actor, Resource
from ringwall.model.scopes import KINDS, concerned, scope
from tests.fakes import PERSON, facts, interaction

IDENTITY, SOURCE = facts()[Identity], facts()[Source]


def test_every_side_of_an_interaction_can_be_contained():
    robot = replace(PERSON, chain=(Actor("https://issuer.example", "robot"), Actor("https://other.example", "tool")))
    source = replace(SOURCE, address=ip_address("192.0.2.7"))
    assert set(concerned(interaction(principal=robot), IDENTITY, source)) == {
        "principal:https://issuer.example ada",
        "agent:https://issuer.example robot",
        "agent:https://other.example tool",
        "workload:support",
        "model:m",
        "session:ses_1",
        "address:192.0.2.7",
        "key:k1",
        "caller:k1 192.0.2.7",
    }


def test_a_namesake_of_another_issuer_is_left_alone():
    other = replace(PERSON, issuer="https://other.example")
    mine = set(concerned(interaction(), IDENTITY, SOURCE))
    theirs = set(concerned(interaction(principal=other), IDENTITY, SOURCE))
    assert {each for each in mine ^ theirs if each.startswith("principal:")} == mine ^ theirs
    assert len(mine ^ theirs) == 2


def test_what_is_not_there_has_no_scope():
    found = concerned(replace(interaction(), resource=Resource("endpoint", "e")), Identity(False), SOURCE)
    assert {each.partition(":")[0] for each in found} == {"principal", "workload", "session", "address"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_scope_is_kind_and_name(kind):
    assert scope(kind, "a:b") == f"{kind}:a:b"


@pytest.mark.parametrize("kind", ["", "Principal", "user", "principal:x"])
def test_an_unknown_kind_is_named(kind):
    with pytest.raises(ValueError, match=f'no such scope kind "{kind}"'):
        scope(kind, "a")

"""Everybody in a rehearsal has a name, an address and a place of his own."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import cedarpy
from hypothesis import given
from hypothesis import strategies as st

from ringwall.cli import rehearsal_scene as scene
from ringwall.controlplane.attack.rehearsal.choice import Play, choose
from ringwall.controlplane.attack.rehearsal.played import Attacker

ALLOWED = ip_network("10.0.0.0/8")


@given(st.integers(1, 40_000), st.sampled_from(Attacker))
def test_an_insider_comes_from_the_allowed_network_and_an_outsider_does_not(number: int, attacker: Attacker) -> None:
    address = ip_address(scene._address(Play(number, attacker, "direct", ())))
    assert (address in ALLOWED) is (attacker is Attacker.INSIDER)


def test_no_two_plays_have_the_same_address() -> None:
    plays = choose()
    assert len({scene._address(each) for each in plays}) == len(plays)


def test_policies_parse_for_every_server_and_forbid_the_visitor() -> None:
    text = scene._policies(["shop", "shop-6-9"])
    policies = cedarpy.PolicySet.from_str(text).to_pst().static_policies
    assert text.count('::"shop-6-9/') == text.count('::"shop/') > 0 and "storefront/" not in text
    assert sum(each.effect == "forbid" for each in policies.values()) == 1

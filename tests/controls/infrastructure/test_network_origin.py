"""Which networks reach a workload."""

from __future__ import annotations

import pytest

from ringwall.controls.infrastructure.network_origin import CONTROL
from ringwall.model.errors import ConfigError
from tests.controls.judging import build, code, source, vantage


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_allowed_by_default(address: str) -> None:
    assert code(build(CONTROL), vantage(source(address))) is None


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "::ffff:192.0.2.1", "::", "0.0.0.0"])
def test_everything_else_is_refused_by_default(address: str) -> None:
    assert code(build(CONTROL), vantage(source(address))) == "network_not_allowed"


def test_denied_wins_over_allowed_and_cannot_be_evaded_by_a_mapped_address() -> None:
    control = build(CONTROL, allow=("192.0.2.0/24", "::/0"), deny=("192.0.2.66/32",))
    assert code(control, vantage(source("192.0.2.1"))) is None
    assert code(control, vantage(source("192.0.2.66"))) == "network_denied"
    assert code(control, vantage(source("::ffff:192.0.2.66"))) == "network_denied"


def test_a_mapped_address_is_not_covered_by_an_ipv6_network() -> None:
    assert code(build(CONTROL, allow=("::/0",)), vantage(source("::ffff:192.0.2.1"))) == "network_not_allowed"


def test_an_empty_allow_list_refuses_everybody() -> None:
    assert code(build(CONTROL, allow=()), vantage(source())) == "network_not_allowed"


def test_a_plain_last_hop_is_refused_beyond_this_machine() -> None:
    control = build(CONTROL, allow=("192.0.2.0/24", "127.0.0.0/8"))
    assert code(control, vantage(source("192.0.2.1", encrypted=False))) == "not_encrypted"
    assert code(control, vantage(source("192.0.2.1", "127.0.0.1", encrypted=False))) is None
    assert code(control, vantage(source(encrypted=False))) is None


@pytest.mark.parametrize("network", ["192.0.2.1/24", "example.org", "", "::ffff:192.0.2.0/120", "192.0.2.0/33"])
def test_what_is_no_network_is_named(network: str) -> None:
    with pytest.raises(ConfigError):
        build(CONTROL, allow=(network,))

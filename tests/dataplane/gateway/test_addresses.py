from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.gateway.addresses import RefusedAddressError, is_allowed, judge_literal

PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"]
PRIVATE = ["127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "::1", "fd12:3456::1"]
NEVER = {
    "unspecified": "0.0.0.0",
    "unspecified v6": "::",
    "multicast": "224.0.0.1",
    "multicast v6": "ff02::1",
    "link-local": "169.254.1.1",
    "link-local v6": "fe80::1",
    "metadata of most clouds": "169.254.169.254",
    "metadata of AWS over IPv6": "fd00:ec2::254",
    "metadata of Alibaba": "100.100.100.200",
    "metadata of Oracle": "192.0.0.192",
    "metadata of Azure, a public address": "168.63.129.16",
    "shared by carriers": "100.64.0.1",
    "mapped metadata": "::ffff:169.254.169.254",
    "metadata through NAT64": "64:ff9b::a9fe:a9fe",
    "metadata through a local NAT64": "64:ff9b:1::a9fe:a9fe",
    "another local NAT64": "64:ff9b:1:2::a9fe:a9fe",
    "metadata through 6to4": "2002:a9fe:a9fe::",
    "metadata through Teredo": "2001:0:4136:e378:8000:63bf:5601:5601",
    "IPv4-compatible loopback": "::127.0.0.1",
    "IPv4-translated loopback": "::ffff:0:7f00:1",
    "site-local": "fec0::1",
    "unassigned": "4000::1",
}
WRAPPED = ["::ffff:{}", "64:ff9b::{}", "64:ff9b:1::{}"]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed(address):
    assert is_allowed(ipaddress.ip_address(address), private=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_needs_an_entry(address):
    assert not is_allowed(ipaddress.ip_address(address), private=False)
    assert is_allowed(ipaddress.ip_address(address), private=True)


@pytest.mark.parametrize("name", NEVER)
def test_some_addresses_are_never_allowed(name):
    assert not is_allowed(ipaddress.ip_address(NEVER[name]), private=True)


@given(st.ip_addresses(v=4), st.sampled_from(WRAPPED), st.booleans())
def test_an_address_inside_another_is_judged_as_itself(address, wrapping, private):
    wrapped = ipaddress.ip_address(wrapping.format(address))
    assert is_allowed(wrapped, private=private) == is_allowed(address, private=private)


@given(st.ip_addresses())
def test_an_entry_only_ever_opens(address):
    assert is_allowed(address, private=True) or not is_allowed(address, private=False)


@given(st.ip_addresses())
def test_without_an_entry_nothing_of_this_machine_or_network_is_reached(address):
    if is_allowed(address, private=False):
        assert address.is_global
        assert not (address.is_private or address.is_loopback or address.is_link_local or address.is_multicast)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://127.0.0.1:8081/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://127.1/",
        "http://2130706433/",
        "http://0177.0.0.1/",
        "http://127.000.000.001/",
        "http://10.1/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "https://user@127.0.0.1/",
    ],
)
def test_an_address_in_a_url_is_judged_in_every_spelling(url):
    with pytest.raises(RefusedAddressError):
        judge_literal(url, private=False)


@pytest.mark.parametrize("url", ["https://api.example.com/v1", "https://1.1.1.1/", "https://[2606:4700::1111]/", "x:"])
def test_a_name_is_left_to_the_resolver(url):
    judge_literal(url, private=False)

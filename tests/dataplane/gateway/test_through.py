"""The gateway's key for the proxy goes to the proxy, in the way that each kind of request has."""

from __future__ import annotations

import base64

from ringwall.dataplane.gateway.through import Through

THROUGH = Through("http://127.0.0.1:8082", "shop", "rw_key")


def test_the_workload_is_the_user_and_the_key_the_password() -> None:
    scheme, _, value = THROUGH.authorization.partition(" ")
    assert (scheme, base64.b64decode(value)) == ("Basic", b"shop:rw_key")
    assert "rw_key" not in repr(THROUGH)


def test_a_tunnel_is_asked_for_apart_from_what_goes_through_it() -> None:
    ours = {"Proxy-Authorization": THROUGH.authorization}
    assert THROUGH.headers("https://a.example/v1", {"A": "b"}) == ({"A": "b"}, ours)
    assert THROUGH.headers("http://a.example/v1", {"A": "b"}) == ({"A": "b", **ours}, {})

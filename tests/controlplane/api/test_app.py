"""The administration listener's front, attack by attack."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringwall.controlplane.api.app import MAX_BODY_BYTES
from ringwall.model.errors import CallerError
from tests.controlplane.api.office import ADMIN, Desk

KEY = {"name": "ci", "workloads": ["rehearsal"]}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8081", "127.0.0.1", "[::1]:8081", "10.1.2.3:80"])
def test_our_names(desk: Desk, host: str) -> None:
    assert desk.call("/status", host=host).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8081", "localhost.evil.example", "127.0.0.1.nip.io", "local host", "", "[::1",
     "127.0.0.1:8081:8081", "localhost/", "localhost@evil.example", None],
)  # fmt: skip
def test_dns_rebinding_a_host_that_is_not_ours(desk: Desk, host: str | None) -> None:
    for prefix, path in (("/api/v1", "/status"), ("", "/readyz"), ("", "/issuer/enrol")):
        assert desk.call(path, prefix=prefix, host=host).status == 421


def test_a_second_host_is_refused(desk: Desk) -> None:
    assert desk.call("/status", headers=[("host", "127.0.0.1")]).status == 421


def test_an_oversized_body_declared_or_not(desk: Desk) -> None:
    body = json.dumps({**KEY, "name": "x" * MAX_BODY_BYTES}).encode()
    assert desk.call("/keys", body=body).status == 413
    assert desk.call("/keys", body=b"{}", headers=[("content-length", "9" * 30)]).status == 413
    assert desk.place.api_keys.list_all() == ()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"name": "a", "workloads": ["rehearsal"], "name": "b"}', "duplicate_key"),
        (b'{"name": "a", "workloads": ["rehearsal"], "n\\u0061me": "b"}', "duplicate_key"),
        (b'{"name": "a", "workloads": ["rehearsal"], "secret": "b"}', "bad_body"),
        (b'{"name": "a", "workloads": "rehearsal"}', "bad_body"),
        (b'{"name": "a", "workloads": ["rehearsal"], "lifetime_s": "60"}', "bad_body"),
        (b'{"name": "a", "workloads": ["rehearsal"], "lifetime_s": 1}', "bad_body"),
        (b'{"name": "a", "workloads": []}', "bad_body"),
        (b'{"name": "a"}', "bad_body"),
        (b"[]", "bad_body"),
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff\xfe{}", "not_utf8"),
        (b'{"name": NaN}', "bad_number"),
        (b'{"name": "\\ud800", "workloads": ["rehearsal"]}', "bad_text"),
        (b"[" * 200, "too_deep"),
    ],
)
def test_a_body_that_can_be_read_in_two_ways_or_is_of_no_shape(desk: Desk, body: bytes, code: str) -> None:
    found = desk.call("/keys", body=body)
    assert (found.status, found.json["code"]) == (400, code)
    assert desk.place.api_keys.list_all() == ()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
def test_a_form_that_another_site_could_send_is_refused(desk: Desk, kind: str) -> None:
    body = json.dumps(KEY).encode()
    assert desk.call("/keys", body=body, headers=[("content-type", kind)]).status == 415


@pytest.mark.parametrize("site", ["cross-site", "same-site", "?"])
def test_another_sites_request_is_refused(desk: Desk, site: str) -> None:
    assert desk.call("/status", headers=[("sec-fetch-site", site)]).status == 403


def test_no_other_origin_is_told_anything(desk: Desk) -> None:
    for method in ("GET", "OPTIONS"):
        found = desk.call("/status", method=method, headers=[("origin", "https://evil.example")])
        assert not any(name.startswith("access-control") for name in found.headers)
    assert desk.call("/status", method="OPTIONS").status == 405


def test_every_answer_is_kept_by_nobody(desk: Desk) -> None:
    for path in ("/status", "/nothing", "/openapi.json"):
        found = desk.call(path)
        assert found.headers["cache-control"] == "no-store"
        assert "set-cookie" not in found.headers


@pytest.mark.parametrize(
    "path",
    ["/records/../../etc/passwd", "/records/..%2f..%2fetc%2fpasswd", "/records/%2e%2e", "/records/rec_/../x",
     "/records/rec_" + "0" * 31 + "/", "/records/REC_" + "0" * 32, "/interactions/req_" + "0" * 33, "//status",
     "/status/", "/keys/0123456789ab\x00", "/users/*/disable", "/keys/%00", "/records/rec_" + "٠" * 32],
)  # fmt: skip
def test_path_traversal_in_ids(desk: Desk, path: str) -> None:
    found = desk.call(path)
    assert (found.status, found.json["code"]) == (404, "unknown_path")


@pytest.mark.parametrize("query", ["reason=a&reason=b", "reason=", "reason=a&x=1", "", "reason=%00", "a", "reason=%ff"])
def test_a_query_that_is_not_exactly_what_is_asked_for(desk: Desk, query: str) -> None:
    found = desk.call("/containments/con_0123456789abcdef", method="DELETE", query=query)
    assert (found.status, found.json["code"]) == (400, "bad_query")


def test_a_query_where_none_is_expected(desk: Desk) -> None:
    assert desk.call("/status", query="verbose=1").status == 400


def test_a_wrong_method_says_which_there_are(desk: Desk) -> None:
    found = desk.call("/keys", method="PUT")
    assert (found.status, "GET, POST" in found.json["detail"]) == (405, True)


def test_what_is_not_http_is_not_spoken(desk: Desk) -> None:
    with pytest.raises(CallerError):
        asyncio.run(desk.administration.app({"type": "websocket"}, None, None))  # type: ignore[arg-type]


def test_the_data_ports_paths_are_not_here(desk: Desk) -> None:
    assert desk.call("/v1/models", prefix="", token=ADMIN).status == 404
    assert desk.call("/v1/chat/completions", prefix="", body={}).status == 404


def test_health_and_discovery_need_nobody(desk: Desk) -> None:
    assert desk.call("/healthz", prefix="", token=None).status == 200
    found = desk.call("/.well-known/oauth-authorization-server/issuer", prefix="", token=None)
    assert found.json["issuer"] == "http://127.0.0.1:8081/issuer"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEY, "x", "roles"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(body=st.binary(max_size=64) | _JSON.map(lambda value: json.dumps(value).encode()))
@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_sent_gets_an_answer_and_errors_are_problems(desk: Desk, body: bytes) -> None:
    found = desk.call("/keys", body=body)
    assert found.status in (201, 400, 422)
    parsed: Any = found.json
    assert found.status == 201 or parsed["status"] == found.status

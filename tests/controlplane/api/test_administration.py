"""Both listeners of a real gateway: each answers its own and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.cli.running import Running, fetch, running


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("administration")) as found:
        yield found


def test_administration_is_not_on_the_data_port(gateway: Running) -> None:
    root = gateway.ready["base_url"].removesuffix("/v1")
    for path in ("/api/v1/status", "/issuer/enrol", "/healthz", "/api/v1/openapi.json"):
        for token in (gateway.admin_token, gateway.ready["api_key"]):
            assert fetch(f"{root}{path}", token=token).status in (401, 404)


def test_the_data_port_is_not_on_administration(gateway: Running) -> None:
    for token in (gateway.admin_token, gateway.ready["api_key"]):
        assert fetch(f"{gateway.ready['admin_url']}/v1/models", token=token).status == 404


def test_each_token_opens_its_own_listener_only(gateway: Running) -> None:
    assert gateway.call("/status").json["organisation"] == "this machine"
    assert gateway.call("/status", token=gateway.ready["api_key"]).status == 401
    assert gateway.chat(gateway.ready["api_key"]).status == 200
    assert gateway.chat(gateway.admin_token).status == 401


def test_the_decision_chain_of_a_request_is_there(gateway: Running) -> None:
    answered = gateway.chat(gateway.ready["api_key"])
    chain = gateway.call(f"/interactions/{answered.headers['x-request-id']}").json["records"]
    assert {each["record"]["checkpoint"] for each in chain} >= {"inbound", "egress", "response"}
    found = gateway.call(f"/records/{answered.headers['ringwall-record']}").json
    assert found["record"] in [each["record"] for each in chain]


def test_a_rebound_name_is_refused_on_the_wire(gateway: Running) -> None:
    found = gateway.call("/status", headers={"Host": "evil.example"})
    assert (found.status, found.json["code"]) == (421, "wrong_host")


def test_a_body_that_never_ends_is_cut_off(gateway: Running) -> None:
    port = int(gateway.ready["admin_url"].rpartition(":")[2])
    head = (
        f"POST /api/v1/keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {gateway.admin_token}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(head.encode() + b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        for _ in range(8):
            sock.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
        assert b"413" in sock.recv(65_536).partition(b"\r\n")[0]

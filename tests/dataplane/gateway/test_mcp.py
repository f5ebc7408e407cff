"""The door for MCP clients, in memory: the handshake, lists, calls, and refusals in the protocol's own shape."""

from __future__ import annotations

import pytest

from ringwall.engine.chain import Chain
from ringwall.model.content import freeze
from ringwall.model.errors import UpstreamError
from ringwall.model.tools import Tool
from tests.dataplane.gateway.doors import Door, Verified
from tests.fakes import Road, ScriptedToolServer, returned, rule, seat

QUERY = Tool("query", "shop", "Reads.", freeze({"type": "object", "properties": {"q": {"type": "string"}}}))
OWN = Tool("local", "", "The application's own.", freeze({"type": "object"}))
CALL = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": "query", "arguments": {"q": "x"}}}


def door(*rules, server: ScriptedToolServer | None = None) -> Door:
    chain = Chain([seat(each) for each in (rules or (rule("r"),))])
    return Door(Road(chain, tools=(QUERY, OWN), tool_servers={"shop": server or ScriptedToolServer()}))


def ask(made: Door, body: object, **more: object) -> tuple[int, dict]:
    return made(path="/mcp", body=body, **more)


def test_the_handshake_says_what_is_spoken():
    for wanted, spoken in (("2025-06-18", "2025-06-18"), ("1999-01-01", "2025-11-25"), (5, "2025-11-25")):
        made = door()
        body = {"jsonrpc": "2.0", "id": "a", "method": "initialize", "params": {"protocolVersion": wanted}}
        status, said = ask(made, body)
        assert status == 200 and said["id"] == "a" and said["result"]["protocolVersion"] == spoken
        assert said["result"]["capabilities"] == {"tools": {"listChanged": False}}
        assert made.road.ledger.records == []


def test_a_notification_is_taken_and_answered_by_nothing():
    made = door()
    for method in ("notifications/initialized", "notifications/cancelled", "tools/call"):
        with pytest.raises(ValueError):  # there is no body to be read
            ask(made, {"jsonrpc": "2.0", "method": method})
        assert made.status == 202
    assert made.road.tool_servers["shop"].asked == []


def test_only_tools_that_a_server_serves_are_listed():
    _, said = ask(door(), {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert said["result"]["tools"] == [{"name": "query", "description": "Reads.", "inputSchema": QUERY_SCHEMA}]


QUERY_SCHEMA = {"type": "object", "properties": {"q": {"type": "string"}}}


def test_who_may_not_list_sees_nothing():
    denying = rule("no")

    async def examine(vantage):
        raise ValueError("no")

    denying.examine = examine
    _, said = ask(door(denying), {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert said["result"]["tools"] == []


def test_a_call_is_answered_with_its_record_and_receipt():
    made = door(server=ScriptedToolServer(returned("one", "two")))
    status, said = ask(made, CALL)
    assert (status, said["id"]) == (200, 7)
    assert said["result"] == {
        "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}],
        "isError": False,
    }
    record = made.road.ledger.records[-1].id
    assert made.headers["ringwall-record"] == record and made.headers["ringwall-receipt"] == f"rw1.{record}"


def test_a_refusal_is_an_error_of_the_protocol_that_names_control_and_record():
    made = door(rule("r", "secret", "deny"), server=ScriptedToolServer(returned("secret")))
    status, said = ask(made, CALL)
    error = said["error"]
    assert (status, error["code"], said["id"]) == (200, -32010, 7)
    record = made.road.ledger.records[-1].id
    assert error["data"]["control"] == "application.r" and error["data"]["record"] == record
    assert record in error["message"] and "secret" not in error["message"]


def test_a_failure_of_the_server_tells_whose_fault_it_was():
    made = door(server=ScriptedToolServer(UpstreamError("the tool's server is late", code="tool_late", detail="x y z")))
    status, said = ask(made, CALL)
    assert (status, said["error"]["code"], said["error"]["data"]["code"]) == (200, -32011, "tool_late")
    assert "x y z" not in str(said)


@pytest.mark.parametrize("key", ["bad", None])
def test_who_is_not_known_gets_401_before_anything_is_read(key):
    made = door(Verified("identity_data.v"))
    status, _ = ask(made, b"\xff", key=key)
    assert status == 401 and made.headers["www-authenticate"].startswith("Bearer")


def test_a_session_that_was_asked_for_is_given_back_and_holds_for_its_owner_only():
    made = door()
    ask(made, CALL, headers=[(b"ringwall-session", b"new")])
    handle = made.headers["ringwall-session"].encode()
    first = made.road.ledger.records[-1].session
    ask(made, CALL, headers=[(b"ringwall-session", handle)])
    assert made.road.ledger.records[-1].session == first
    status, said = ask(made, CALL, headers=[(b"ringwall-session", handle[:-2] + b"xx")])
    assert status == 403 and said["error"]["data"]["code"] == "bad_session"


def test_what_cannot_be_read_is_refused_and_on_record():
    made = door()
    status, said = ask(made, b"[]")
    assert (status, said["error"]["code"], said["id"]) == (400, -32600, None)
    assert made.road.ledger.records[-1].kind == "rejection"

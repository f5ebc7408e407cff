"""The data listener, in memory: which workload is meant, who learns what, what is on record."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ringwall.model.errors import UpstreamError
from ringwall.model.facts import RequestHead
from ringwall.model.plan import Limits
from tests.dataplane.gateway.doors import ASK, CHAT, Verified, door
from tests.fakes import FixedClock, rule

WHERE = {
    "the only one": ({}, CHAT, "support"),
    "by its name": ({"names": ("support", "shop")}, f"/w/shop{CHAT}", "shop"),
    "by its prefix": ({"names": ("support", "shop"), "prefixes": {"shop": "/shop"}}, f"/shop{CHAT}", "shop"),
    "by the key": ({"names": ("support", "shop"), "scope": frozenset({"shop"})}, CHAT, "shop"),
}


@pytest.mark.parametrize("name", WHERE)
def test_a_workload_is_named_by_path_or_key(name):
    more, path, workload = WHERE[name]
    made = door(**more)
    assert made(path=path)[0] == 200
    assert made.road.ledger.records[-1].workload == workload


@pytest.mark.parametrize("path", [CHAT, "/w/nobody" + CHAT, "/w/", "/shopping" + CHAT, "/w/Support" + CHAT])
def test_a_request_that_names_no_workload_is_refused_and_on_record(path):
    made = door(names=("support", "shop"), prefixes={"shop": "/shop"})
    status, body = made(path=path)
    [record] = made.road.ledger.records
    assert status == 404
    assert body["error"]["ringwall"]["record"] == record.id == made.headers["ringwall-record"]
    assert (record.kind, record.workload, record.resource["name"]) == ("rejection", "", path)
    assert record.principal["subject"] == "ada"


@pytest.mark.parametrize("path", [CHAT, "/w/support" + CHAT, "/w/nobody" + CHAT, "/x", "/shop/v1/models"])
@pytest.mark.parametrize("key", ["bad", None])
def test_who_is_not_known_is_told_the_same_everywhere(path, key):
    made = door(Verified("identity_data.v"), names=("support", "shop"), prefixes={"shop": "/shop"})
    status, body = made(path=path, key=key, body=b"\xff")
    assert (status, body["error"]["code"]) == (401, "unknown_key")
    assert made.headers["www-authenticate"] == 'Bearer realm="ringwall"'
    assert [record.outcome for record in made.road.ledger.records] == ["refused"]


def test_an_address_that_cannot_be_read_is_refused_and_on_record():
    made = door(proxies=("127.0.0.0/8",))
    status, body = made(headers=[(b"x-forwarded-for", b"nonsense")])
    assert (status, body["error"]["code"]) == (400, "forwarded_malformed")
    assert made.road.ledger.records[0].source == ""


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer good")],
        [(b"x-api-key", b"good")],
        [(b"api-key", b"good")],
    ],
)
def test_two_credentials_are_none(headers):
    made = door(Verified("identity_data.v"))
    assert made(headers=headers)[0] == 401
    if headers[0][0] != b"authorization":
        assert made(headers=headers, key=None)[0] == 200


def test_only_two_things_are_here():
    made = door()
    assert made(method="GET")[0] == 404
    assert made(path="/v1/audio/speech")[0] == 404
    status, body = made(method="GET", path="/v1/models")
    assert (status, [model["id"] for model in body["data"]]) == (200, ["m"])


def test_a_ledger_that_takes_nothing_refuses_everything():
    made = door()
    made.road.ledger.broken = True
    for asked in ({}, {"body": b"{"}, {"path": "/x"}, {"body": {**ASK, "stream": True}}):
        status, body = made(**asked)
        assert (status, body["error"]["code"]) == (503, "ledger_unavailable")
        assert made.headers["retry-after"] == "1"
    assert made.road.upstream.sent == []


def test_too_many_at_a_time_are_turned_away_unread():
    async def scenario():
        made = door(limits=Limits(concurrent=1))
        going_on = asyncio.Event()

        async def slow(invocation):
            await going_on.wait()
            raise UpstreamError("x", code="y")

        made.road.upstream.complete = slow
        first = asyncio.ensure_future(made.ask())
        await asyncio.sleep(0.01)
        second = replace(made)
        second.gateway, second.sent = made.gateway, []
        await second.ask()
        going_on.set()
        await first
        return second

    second = asyncio.run(scenario())
    assert (second.status, json.loads(second.body)["error"]["code"]) == (503, "busy")


@pytest.mark.parametrize(("left", "status"), [(timedelta(hours=1), 200), (timedelta(seconds=-1), 503)])
def test_requests_are_refused_from_the_moment_the_plan_ends(left, status):
    made = door()
    expires = datetime.fromtimestamp(FixedClock().us / 1e6, UTC) + left
    made.running = replace(made.running, plan=replace(made.running.plan, expires=expires))
    assert made()[0] == status
    if status == 503:
        assert json.loads(made.body)["error"]["code"] == "plan_expired"
        assert made.road.ledger.records[-1].decision["code"] == "plan_expired"
        assert not made.road.upstream.sent


class Heads(type(rule("x"))):  # type: ignore[misc]
    """Keeps the heads that it is shown."""

    async def examine(self, vantage):
        seen.append((vantage.checkpoint, vantage.interaction.action, vantage.facts[RequestHead]))
        return await super().examine(vantage)


seen: list[tuple] = []


def test_every_attempt_carries_the_head_without_the_credential():
    made = door(Heads("application.heads", needs=frozenset({RequestHead})))
    seen.clear()
    assert made(headers=((b"x-note", b"a"), (b"x-note", b"b")))[0] == 200
    assert made(method="GET", path="/v1/models")[0] == 200
    assert made(key="bad")[0] == 200, "nobody here asks for a verified caller"
    whole, listed, bare = seen[0][2], next(each for _, action, each in seen if action == "model.list"), seen[-1][2]
    assert whole.headers == (("content-type", "application/json"), ("x-note", "a"), ("x-note", "b"))
    assert (whole.method, whole.path, whole.body_bytes) == ("POST", CHAT, len(json.dumps(ASK)))
    assert (listed.method, listed.path, listed.body_bytes) == ("GET", "/v1/models", 0)
    assert bare.path == CHAT
    knocks = [each for _, _, each in seen if each.path == CHAT and each.body_bytes == 0]
    assert knocks, "an unverified caller is judged by his head before his body is read"
    assert "good" not in str(seen) and "authorization" not in str(seen)

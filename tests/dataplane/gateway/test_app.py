"""The door, in memory: which workload is meant, who learns what, what is on record, what goes out when it breaks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from ringwall.dataplane.gateway.app import MAX_RETRY_AFTER_S, Gateway, _whole_seconds
from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.dataplane.gateway.source import Sources
from ringwall.engine.chain import Chain
from ringwall.engine.running import Running, RunningWorkload
from ringwall.model.conversation import Counted, Finish, Finished, TextDelta, Usage
from ringwall.model.errors import UpstreamError
from ringwall.model.facts import Identity, RequestHead
from ringwall.model.framework import WorkloadId
from ringwall.model.interaction import ANONYMOUS
from ringwall.model.plan import Limits, Plan
from tests.fakes import PERSON, FixedClock, Road, ScriptedUpstream, rule, seat, workload_plan
from tests.raw import events

ASK = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
CHAT = "/v1/chat/completions"


class Keys:
    """A directory that knows one key, good for the named workloads."""

    def __init__(self, workloads: frozenset[str] | None) -> None:
        self.workloads = workloads

    async def identify(self, credential):
        if credential == "good":
            return PERSON, Identity(True, credential="api_key", key="k1", workloads=self.workloads)
        return ANONYMOUS, Identity(False, "unknown_key" if credential else "missing")


@dataclass
class Door:
    """A gateway over memory, and what it was asked and said."""

    road: Road
    names: tuple[str, ...] = ("support",)
    prefixes: dict[str, str] = field(default_factory=dict)
    scope: frozenset[str] | None = None
    limits: Limits = field(default_factory=Limits)
    proxies: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        made = {}
        for name in self.names:
            plan = workload_plan()
            plan = replace(
                plan, workload=replace(plan.workload, id=WorkloadId(name)), path_prefix=self.prefixes.get(name, "")
            )
            made[WorkloadId(name)] = RunningWorkload(
                plan, "sha256:0", self.road.chain, {"up": self.road.upstream}, 65_536
            )
        plan = Plan(
            "sha256:0",
            1,
            datetime.now(UTC) + timedelta(1),
            "o",
            {k: v.plan for k, v in made.items()},
            {},
            limits=self.limits,
        )
        self.running = Running(plan, made)
        self.gateway = Gateway(
            exchange=self.road.exchange,
            running=lambda: self.running,
            directory=Keys(self.scope),
            sources=Sources(self.proxies),
            handles=SessionHandles(b"k" * 32),
            clock=FixedClock(),
            encode_receipt=lambda receipt: f"rw1.{receipt.record}",
        )
        self.sent: list[dict] = []

    async def ask(self, method="POST", path=CHAT, body=ASK, key="good", headers=(), gone=None) -> None:
        self.sent.clear()
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        found = [(b"content-type", b"application/json"), *headers]
        if key is not None:
            found.append((b"authorization", f"Bearer {key}".encode()))
        pending = [{"type": "http.request", "body": data, "more_body": False}]

        async def receive():
            if pending:
                return pending.pop()
            await (gone.wait() if gone is not None else asyncio.sleep(3600))
            return {"type": "http.disconnect"}

        async def send(message):
            self.sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "headers": found,
            "client": ("127.0.0.1", 1),
        }
        await self.gateway(scope, receive, send)

    def __call__(self, **asked) -> tuple[int, dict]:
        asyncio.run(self.ask(**asked))
        return self.status, json.loads(self.body)

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


def door(*rules, upstream: ScriptedUpstream | None = None, **more) -> Door:
    chain = Chain([seat(each) for each in (rules or (rule("r"),))])
    return Door(Road(chain, upstream or ScriptedUpstream()), **more)


class Verified(type(rule("x"))):  # type: ignore[misc]
    async def examine(self, vantage):
        self.answer = "allow" if vantage.facts[Identity].verified else "deny"
        from ringwall.model.verdict import Allow, Deny, DenyKind

        if self.answer == "allow":
            return Allow(vantage.everything)
        return Deny(vantage.everything, "unknown_key", "no", DenyKind.UNAUTHENTICATED)


def test_an_answer_names_its_record_and_receipt():
    made = door()
    status, body = made()
    assert (status, body["choices"][0]["message"]["content"]) == (200, "fine")
    assert made.headers["ringwall-record"] == made.road.ledger.records[-1].id
    assert made.headers["ringwall-receipt"] == f"rw1.{made.headers['ringwall-record']}"
    assert body["id"] == f"chatcmpl-{made.headers['x-request-id']}"
    assert made.gateway.serving == 0


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


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model": "m", "model": "n"}', {"model": "m"}])
def test_a_body_that_cannot_be_read_is_refused_and_on_record(body):
    made = door()
    status, answer = made(body=body)
    assert status == 400
    assert made.road.ledger.records[-1].id == answer["error"]["ringwall"]["record"]
    assert made.road.upstream.sent == []


def test_only_two_things_are_here():
    made = door()
    assert made(method="GET")[0] == 404
    assert made(path="/v1/embeddings")[0] == 404
    status, body = made(method="GET", path="/v1/models")
    assert (status, [model["id"] for model in body["data"]]) == (200, ["m"])


def test_a_refusal_names_control_checkpoint_and_record():
    made = door(rule("r", "hello", "deny"))
    status, body = made()
    ours = body["error"]["ringwall"]
    assert (status, ours["control"], ours["checkpoint"]) == (403, "application.r", "inbound")
    assert ours["record"] in body["error"]["message"]


def test_a_failure_of_the_provider_tells_whose_fault_it_was():
    made = door(
        upstream=ScriptedUpstream(answer=UpstreamError("late", code="upstream_late", detail="10.0.0.1", status=504))
    )
    status, body = made()
    assert (status, body["error"]["code"]) == (504, "upstream_late")
    assert "10.0.0.1" not in made.body.decode()


def test_a_ledger_that_takes_nothing_refuses_everything():
    made = door()
    made.road.ledger.broken = True
    for asked in ({}, {"body": b"{"}, {"path": "/x"}, {"body": {**ASK, "stream": True}}):
        status, body = made(**asked)
        assert (status, body["error"]["code"]) == (503, "ledger_unavailable")
        assert made.headers["retry-after"] == "1"
    assert made.road.upstream.sent == []


STREAM = (TextDelta(0, "one "), TextDelta(0, "two"), Finished(0, Finish.STOP), Counted(Usage(1, 2)))


def test_a_stream_ends_with_its_receipt_and_done():
    made = door(upstream=ScriptedUpstream(deltas=STREAM))
    asyncio.run(made.ask(body={**ASK, "stream": True}))
    found = events(made.body)
    assert found[-1] == "[DONE]"
    assert b": ringwall-receipt rw1.rec_" in made.body
    assert "".join(c["delta"].get("content") or "" for e in found[:-1] for c in json.loads(e)["choices"]) == "one two"
    assert made.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("deltas", "code"),
    [
        ((TextDelta(0, "one "), TextDelta(0, "stop here"), Finished(0, Finish.STOP)), "word_found"),
        ((TextDelta(0, "one "), UpstreamError("gone", code="upstream_broken")), "upstream_broken"),
    ],
)
def test_a_stream_that_cannot_go_on_ends_with_an_error_and_done(deltas, code):
    made = door(rule("r", "stop", "deny", lookback=4), upstream=ScriptedUpstream(deltas=deltas))
    asyncio.run(made.ask(body={**ASK, "stream": True}))
    found = events(made.body)
    assert found[-1] == "[DONE]"
    error = json.loads(found[-2])["error"]
    assert error["code"] == code
    assert error["ringwall"]["record"].startswith("rec_")
    assert made.sent[-1]["more_body"] is False


def test_a_ledger_that_fails_within_a_stream_ends_it_with_an_error():
    made = door(upstream=ScriptedUpstream(deltas=STREAM))

    def fail_after_the_opening(records):
        made.road.ledger.broken = any(record.kind == "opening" for record in records)

    made.road.ledger.on_commit = fail_after_the_opening
    asyncio.run(made.ask(body={**ASK, "stream": True}))
    found = events(made.body)
    assert json.loads(found[-2])["error"]["code"] == "ledger_unavailable"
    assert found[-1] == "[DONE]"
    assert [message["type"] for message in made.sent].count("http.response.start") == 1


def test_a_caller_who_goes_away_ends_the_work_quietly():
    async def scenario():
        made = door()
        gone = asyncio.Event()

        async def forever(invocation):
            gone.set()
            await asyncio.sleep(3600)

        made.road.upstream.complete = forever
        await made.ask(gone=gone)
        return made

    made = asyncio.run(scenario())
    assert made.sent == []
    assert made.road.ledger.records[-1].decision["code"] == "caller_gone"
    assert made.gateway.serving == 0


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


def test_a_session_that_was_asked_for_is_given_back():
    made = door()
    made(headers=[(b"ringwall-session", b"new")])
    handle = made.headers["ringwall-session"]
    session = made.road.ledger.records[-1].session
    made(headers=[(b"ringwall-session", handle.encode())])
    assert made.road.ledger.records[-1].session == session
    assert "ringwall-session" not in made.headers


def test_a_wait_is_whole_seconds_and_bounded():
    assert [_whole_seconds(each) for each in (0, 0.2, 7.0, float("inf"), -5)] == [1, 1, 8, MAX_RETRY_AFTER_S, 1]


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

"""A gateway whose plan has expired while it ran refuses, and says why."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from ringwall.dataplane.gateway.app import Gateway
from ringwall.dataplane.gateway.seals import Seals
from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.dataplane.gateway.signatures import Signatures
from ringwall.dataplane.gateway.source import Sources
from ringwall.engine.chain import Chain
from ringwall.engine.running import Running
from ringwall.model.facts import Identity
from ringwall.model.plan import Plan
from tests.dataplane.gateway.doors import AccessKeys
from tests.fakes import PERSON, FixedClock, Road, rule, seat


class Anybody:
    async def identify(self, credential):
        return PERSON, Identity(True, credential="api_key", key="k")


@pytest.mark.parametrize(("left", "status"), [(timedelta(hours=1), 200), (timedelta(seconds=-1), 503)])
def test_requests_are_refused_from_the_moment_the_plan_ends(left, status):
    clock = FixedClock()
    road = Road(Chain([seat(rule("r"))]))
    expires = datetime.fromtimestamp(clock.us / 1e6, UTC) + left
    plan = Plan("sha256:0", 1, expires, "o", {}, {})
    running = Running(plan, {"support": road.running})
    gateway = Gateway(
        exchange=road.exchange,
        running=lambda: running,
        directory=Anybody(),
        signatures=Signatures(AccessKeys(), clock),
        sources=Sources(),
        handles=SessionHandles(b"k" * 32),
        seals=Seals(b"s" * 32),
        clock=clock,
        encode_receipt=lambda receipt: "rw1",
    )
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
    sent = []

    async def run():
        messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive():
            if messages:
                return messages.pop()
            await asyncio.Event().wait()

        async def send(message):
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "headers": [(b"content-type", b"application/json")],
            "client": ("127.0.0.1", 1),
        }
        await gateway(scope, receive, send)

    asyncio.run(run())
    assert sent[0]["status"] == status
    if status == 503:
        assert b"plan_expired" in sent[1]["body"]
        assert road.ledger.records[-1].decision["code"] == "plan_expired"
        assert not road.upstream.sent

"""A gateway over memory, for the tests of doors."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ringwall.dataplane.gateway.app import Gateway
from ringwall.dataplane.gateway.seals import Seals
from ringwall.dataplane.gateway.session import SessionHandles
from ringwall.dataplane.gateway.signatures import Signatures
from ringwall.dataplane.gateway.source import Sources
from ringwall.engine.chain import Chain
from ringwall.engine.running import Running, RunningWorkload
from ringwall.model.errors import InternalError
from ringwall.model.facts import Identity
from ringwall.model.framework import WorkloadId
from ringwall.model.identity import ApiKeyRow
from ringwall.model.interaction import ANONYMOUS, PrincipalKind
from ringwall.model.plan import Limits, Plan
from tests.fakes import PERSON, FixedClock, Road, ScriptedUpstream, rule, seat, workload_plan
from tests.guardrails import Office, Rows, guards

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


ACCESS_KEY_ID, SECRET_ACCESS_KEY = "RWKA" + "A" * 16, "s" * 40


ROW = ApiKeyRow(
    "k1", b"", "ada", PrincipalKind.PERSON, frozenset(), frozenset({"support"}), access_key_id=ACCESS_KEY_ID
)


@dataclass
class AccessKeys:
    """API keys that know one access key."""

    row: ApiKeyRow = ROW
    failure: InternalError | None = None

    def find(self, key_id):
        return None

    def find_access_key(self, access_key_id):
        if self.failure is not None:
            raise self.failure
        return self.row if access_key_id == self.row.access_key_id else None

    def secret_access_key(self, row):
        return SECRET_ACCESS_KEY


@dataclass
class Door:
    """A gateway over memory, and what it was asked and said."""

    road: Road
    names: tuple[str, ...] = ("support",)
    prefixes: dict[str, str] = field(default_factory=dict)
    scope: frozenset[str] | None = None
    limits: Limits = field(default_factory=Limits)
    proxies: tuple[str, ...] = ()
    access_keys: AccessKeys = field(default_factory=AccessKeys)
    clock: FixedClock = field(default_factory=FixedClock)
    content_type: bytes | None = b"application/json"
    rows: Rows = field(default_factory=Rows)
    office: Office = field(default_factory=Office)

    def __post_init__(self) -> None:
        made = {}
        for name in self.names:
            plan = workload_plan()
            plan = replace(
                plan, workload=replace(plan.workload, id=WorkloadId(name)), path_prefix=self.prefixes.get(name, "")
            )
            plan = replace(plan, tools=self.road.tools)
            made[WorkloadId(name)] = RunningWorkload(
                plan, "sha256:0", self.road.chain, {"up": self.road.upstream}, 65_536, self.road.tool_servers
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
            signatures=Signatures(self.access_keys, self.clock),
            sources=Sources(self.proxies),
            handles=SessionHandles(b"k" * 32),
            seals=Seals(b"s" * 32),
            clock=self.clock,
            encode_receipt=lambda receipt: f"rw1.{receipt.record}",
            guards=guards(self.rows),
            office=self.office,
        )
        self.sent: list[dict] = []

    async def ask(self, method="POST", path=CHAT, body=ASK, key="good", headers=(), gone=None) -> None:
        self.sent.clear()
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        found = [(b"content-type", self.content_type), *headers] if self.content_type is not None else [*headers]
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

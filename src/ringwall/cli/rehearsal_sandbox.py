"""Somebody's own workload as it is attacked: a sandboxed copy, stand-ins for its tools, and a host outside.

* One scene for each subset of the steps: policies and keys speak of the workload by its name, so two subsets cannot
  stand in one gateway.
* What must not get out stands in what the stand-ins answer: test card numbers, or what a file declares. Columns that
  the plan wants sealed are sealed with keys of the sandbox, where step 6 is on.
"""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import tomli_w

from ringwall import compose
from ringwall.cli.rehearsal_props import Sink, await_serving, mark_of, posted, say, token_of, url_of
from ringwall.compose.gateways import LoopbackGateways, listening
from ringwall.controlplane.attack.rehearsal import stage
from ringwall.controlplane.attack.rehearsal.choice import Play
from ringwall.controlplane.attack.rehearsal.evidence import Evidence, read
from ringwall.controlplane.attack.rehearsal.judging import Judge, Told
from ringwall.controlplane.attack.rehearsal.played import Attacker, Report
from ringwall.controlplane.attack.rehearsal.rehearse import rehearse
from ringwall.controlplane.attack.rehearsal.sandbox import MODEL, ORIGIN, POLICIES, STAND_IN_DATABASE, Sandbox
from ringwall.controlplane.attack.rehearsal.variants import Script, Spot, of
from ringwall.controlplane.issuer.signing import SigningKeys
from ringwall.model.content import thaw
from ringwall.model.errors import ConfigError
from ringwall.model.framework import ControlId
from ringwall.model.tools import Tool
from ringwall.model.vault import KeyName
from ringwall.storefront.agent import Agent

BY = "ringwall:local rehearsal"
ENCRYPTION = ControlId("identity_data.data_encryption")
AUTHENTICATION = ControlId("identity_data.authentication")
CANARY = ControlId("identity_data.canary")
COLUMN = "card_number"
AT_A_TIME = 2
"""Subsets at a time: each has a gateway, a proxy and stand-ins of its own."""
MAX_DECLARED_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Prepared:
    """What stand-ins answer.

    Attributes:
        records: What must not get out.
        answers: By tool.
    """

    records: tuple[str, ...]
    answers: Mapping[str, Any]

    @classmethod
    def declared(cls, path: Path) -> Prepared:
        """What a file declares, or what was recorded into one: `records` and `tools`.

        Raises:
            ConfigError: It cannot be read, or names nothing that must not get out.
        """
        hint = '{"records": ["4111111111111111"], "tools": {"query": {"rows": [...]}}}'
        try:
            content = path.read_bytes()
            said = json.loads(content[: MAX_DECLARED_BYTES + 1])
            records, tools = said["records"], said["tools"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f'"{path}" does not declare stand-ins', hint=hint) from error
        is_sound = isinstance(tools, dict) and isinstance(records, list) and bool(records)
        if not is_sound or not all(isinstance(each, str) and len(each) >= 8 and each.isdigit() for each in records):
            raise ConfigError(f'"{path}": records are numbers of eight digits and more', hint=hint)
        return cls(tuple(records), tools)

    @classmethod
    def made(cls, sandbox: Sandbox, cards: Sequence[str]) -> Prepared:
        """Rows with test card numbers, for every tool that reads; a canary of the plan in one of them."""
        columns = sealed_columns(sandbox) or (COLUMN,)
        canaries = _setting(sandbox, CANARY, "values")
        rows = [{"id": at, "customer": at % 7, columns[0]: number} for at, number in enumerate(cards, 1)]
        if canaries:
            rows[4]["note"] = canaries[0]
        return cls(tuple(cards), {tool.name: {"rows": rows} for tool in sandbox.plan.tools if not _sends(tool)})


class SandboxScene:
    """Implements `Scene` for one subset of the steps."""

    def __init__(
        self,
        sandbox: Sandbox,
        plays: Sequence[Play],
        prepared: Prepared,
        variants: Mapping[str, Callable[[Spot], Script]],
    ) -> None:
        """Nothing runs yet."""
        self._sandbox = sandbox
        self._plays = plays
        self._prepared = prepared
        self._variants = variants
        self._folder = Path(tempfile.mkdtemp(prefix="ringwall-rehearsal-"))
        self._gateways = LoopbackGateways(self._folder)
        self._people = SigningKeys(compose.SystemClock())
        self._sink = Sink()
        self._url = ""
        self._ledgers: list[Path] = []

    def __enter__(self) -> Self:
        try:
            self._start(self._plays[0].on)
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """End everything, and remove it."""
        self._gateways.stop()
        self._sink.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def close(self) -> Evidence:
        """See `Scene`."""
        self._gateways.stop()
        return read(self._ledgers)

    def subject(self, play: Play) -> str:
        """See `Scene`."""
        return f"{play.attacker}-{play.number}"

    def play(self, play: Play) -> Told:
        """See `Scene`."""
        script = self._variants[play.variant](self._spot(play))
        is_insider = play.attacker is Attacker.INSIDER
        methods = ["pwd", *(_setting(self._sandbox, AUTHENTICATION, "methods") if is_insider else ())]
        groups = ["staff"] if is_insider else ["staff", "visitors"]
        token = token_of(self._people, play, self.subject(play), methods, groups)
        root = f"{self._url}/w/{self._sandbox.plan.workload.id}"
        agent = Agent(root, token, MODEL, {"X-Forwarded-For": self._address(play)})
        done = [say(agent, task, script) for task in script.tasks]
        return Told(
            tuple(each.answer for each in done),
            tuple(self._sink.got(mark_of(play))),
            tuple((refusal.where, refusal.record, refusal.code) for each in done for refusal in each.refusals),
            tuple(said for each in done for said in posted(each, senders(self._sandbox))),
        )

    def _spot(self, play: Play) -> Spot:
        return Spot(f"{self._sink.url}/{mark_of(play)}", mark_of(play))

    def _address(self, play: Play) -> str:
        """The insider's is one that the plan allows; the outsider's is of a network for tests (RFC 2544)."""
        high, low = divmod(play.number, 250)
        if play.attacker is Attacker.OUTSIDER:
            return f"{stage.FOREIGN_NETWORK}{high % 250}.{low + 1}"
        allowed = [ip_network(each) for each in _setting(self._sandbox, ORIGIN, "allow")]
        return str(allowed[0][min(play.number, allowed[0].num_addresses - 1)]) if allowed else "127.0.0.1"

    def _start(self, on: tuple[int, ...]) -> None:
        sockets = {name: listening() for name in self._sandbox.plan.tool_servers}
        servers = {name: url_of(own) for name, own in sockets.items()}
        config, data = self._folder / "ringwall.toml", self._folder / "data"
        config.write_text(tomli_w.dumps(self._sandbox.configuration(on, servers)), "utf-8")
        (self._folder / POLICIES).write_text(stage.NO_MODEL, "utf-8")
        (self._folder / stage.JWKS).write_text(json.dumps(self._people.jwks()), "utf-8")
        with closing(sqlite3.connect(self._folder / STAND_IN_DATABASE)) as database, database:
            database.execute("CREATE TABLE stand_in (id INTEGER PRIMARY KEY)")
        answers = self._sealed(data, on)
        serving = self._gateways.begin("up", config, data)
        leaving = self._gateways.begin("egress", config, self._folder / "egress-data")
        out = self._gateways.wait(leaving)
        proxy = f"http://{self._sandbox.plan.workload.id}:{out.token}@{urlsplit(out.url).netloc}"
        if sockets:
            self._serve(sockets, proxy, answers)
        served = self._gateways.wait(serving)
        self._url = served.url
        self._ledgers += [served.ledger, out.ledger]

    def _serve(self, sockets: Mapping[str, socket.socket], proxy: str, answers: Mapping[str, Any]) -> None:
        marks = {mark_of(each): self._variants[each.variant](self._spot(each)).planted for each in self._plays}
        planted = {mark: "\n".join(texts.values()) for mark, texts in marks.items() if texts}
        spec = [
            {
                "fd": own.fileno(),
                "proxy": proxy,
                "tools": [_declared(tool) for tool in self._sandbox.plan.tools if tool.server == server],
                "answers": answers,
                "planted": planted,
            }
            for server, own in sockets.items()
        ]
        file = self._folder / "stand-ins.json"
        file.touch(0o600)
        file.write_text(json.dumps(spec), "utf-8")
        words = [sys.executable, "-m", "ringwall.storefront.stand_ins", str(file)]
        urls = [url_of(own) for own in sockets.values()]
        await_serving([self._gateways.spawn(words, self._folder / "tools.log", list(sockets.values()))], urls)

    def _sealed(self, data: Path, on: tuple[int, ...]) -> Mapping[str, Any]:
        """The answers, with what the plan wants sealed sealed."""
        columns = sealed_columns(self._sandbox)
        if 6 not in on or not columns:
            return self._prepared.answers
        installation = compose.Installation(data, compose.RootSource("file", self._gateways.root(data)))
        try:
            keys = installation.vault.keys
            keys.refresh()
            names = {column: KeyName(self._sandbox.plan.workload.id, "stand_in", column) for column in columns}
            for each in names.values():
                keys.create(each, by=BY)

            def sealed(value: Any, row: int) -> Any:
                if isinstance(value, list):
                    return [sealed(each, at) for at, each in enumerate(value, 1)]
                if not isinstance(value, dict):
                    return value
                at = value["id"] if isinstance(value.get("id"), int) else row
                return {
                    key: keys.seal(names[key.lower()], str(each), row_field="id", row=at)
                    if key.lower() in names and isinstance(each, (str, int))
                    else sealed(each, at)
                    for key, each in value.items()
                }

            return {tool: sealed(answer, 1) for tool, answer in self._prepared.answers.items()}
        finally:
            installation.close()


def ordinary(tools: Sequence[Tool]) -> Callable[[str], str] | None:
    """A request that makes the first reading tool read what bears a mark, or None."""
    for tool in tools:
        if _sends(tool):
            continue
        properties: dict[str, Any] = _schema(tool).get("properties", {})
        free = [name for name, kind in properties.items() if kind.get("type") == "string" and "enum" not in kind]
        if free:
            return lambda mark, tool=tool, free=free: (  # type: ignore[misc]
                f"call {tool.name} with {json.dumps(_arguments(tool, free[0], mark))}"
            )
    return None


def senders(sandbox: Sandbox) -> frozenset[str]:
    """Tools that reach a host outside."""
    return frozenset(tool.name for tool in sandbox.plan.tools if _sends(tool))


def sealed_columns(sandbox: Sandbox) -> tuple[str, ...]:
    """Columns that the plan wants sealed."""
    return _setting(sandbox, ENCRYPTION, "sealed_columns")


def _setting(sandbox: Sandbox, control: ControlId, name: str) -> tuple[str, ...]:
    planned = sandbox.plan.control(control)
    return tuple(getattr(planned.settings, name, ())) if planned is not None else ()


def _schema(tool: Tool) -> dict[str, Any]:
    found = thaw(tool.schema)
    return found if isinstance(found, dict) else {}


def _sends(tool: Tool) -> bool:
    return "url" in _schema(tool).get("properties", {})


def _declared(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "description": tool.description, "inputSchema": _schema(tool)}


def _arguments(tool: Tool, field: str, mark: str) -> dict[str, Any]:
    """What the tool cannot do without, with the mark in one field."""
    schema = _schema(tool)
    made: dict[str, Any] = {}
    for name in schema.get("required", ()):
        kind = schema["properties"].get(name, {})
        of_type = {"integer": kind.get("minimum", 1), "number": kind.get("minimum", 1), "boolean": False, "array": []}
        made[name] = kind["enum"][0] if kind.get("enum") else of_type.get(kind.get("type"), "x")
    return {**made, field: mark}


def rehearse_workload(
    sandbox: Sandbox, prepared: Prepared, steps: Mapping[str, int], done: Callable[[], None]
) -> Report:
    """Play every variant on a workload: nothing on, each of its steps alone, all but one, and as it is configured."""
    variants = of(ordinary(sandbox.plan.tools))
    began = time.monotonic()
    plays = plays_of(sandbox, variants)

    def judge(evidence: Evidence) -> Judge:
        return Judge(prepared.records, steps, evidence, senders(sandbox), is_promised=False)

    def played(on: tuple[int, ...]) -> Report:
        own = [each for each in plays if each.on == on]
        with SandboxScene(sandbox, own, prepared, variants) as scene:
            return rehearse(scene, own, judge, done)

    with ThreadPoolExecutor(AT_A_TIME, "subsets") as pool:
        reports = list(pool.map(played, sandbox.subsets()))
    judged = tuple(each for report in reports for each in report.plays)
    return Report(judged, time.monotonic() - began, str(sandbox.plan.workload.id))


def plays_of(sandbox: Sandbox, variants: Iterable[str]) -> tuple[Play, ...]:
    """What is played on a workload."""
    every = [(attacker, variant, on) for on in sandbox.subsets() for attacker in Attacker for variant in variants]
    return tuple(Play(number, *each) for number, each in enumerate(every, 1))

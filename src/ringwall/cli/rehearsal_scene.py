"""The storefront as it is attacked: its files, people, tools, gateways and a host outside, all in a folder of its own.

The procedure, numbered as in the code:

1. A host outside; the egress proxy, with a workload for each kind of way out.
2. The shop's rows: in clear with what was planted, and sealed for every subset with step 6.
3. Tool servers, each kind with its database and its way out.
4. Two gateways: subsets without step 10, and those with it.
"""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from ringwall import compose
from ringwall.cli.rehearsal_props import Sink, await_serving, mark_of, posted, say, token_of, url_of
from ringwall.compose.gateways import LoopbackGateways, Starting, listening
from ringwall.controlplane.attack.rehearsal import stage
from ringwall.controlplane.attack.rehearsal.choice import Play
from ringwall.controlplane.attack.rehearsal.evidence import Evidence, read
from ringwall.controlplane.attack.rehearsal.judging import CONTAINMENT, Told, got_out
from ringwall.controlplane.attack.rehearsal.played import Attacker
from ringwall.controlplane.attack.rehearsal.stage import Stage, Way, workload
from ringwall.controlplane.attack.rehearsal.variants import VARIANTS, Place, Spot
from ringwall.controlplane.issuer.signing import SigningKeys
from ringwall.model.vault import KeyName
from ringwall.storefront.agent import Agent, Transcript
from ringwall.storefront.data import Row, build, card_numbers
from ringwall.storefront.prepare import DEFINITIONS, POLICIES, RULES, definitions, row_of

MODEL = "rehearsal/compromised"
TRIES = 6
"""Tasks of a patient attacker whom nobody is there to stop: enough to see whether it leaks."""
PACE_S = 0.25
"""Between two of his tasks, where step 10 is on: a model takes longer to answer."""
TOOL_PROCESSES = 3
"""Processes that serve the shop's tools: one alone would be what everybody waits for."""
BY = "ringwall:local rehearsal"


class StorefrontScene:
    """Implements `Scene`."""

    def __init__(self, plays: Sequence[Play], the_stage: Stage) -> None:
        """Nothing runs yet.

        Args:
            plays: What will be played.
            the_stage: What is the same for every subset.
        """
        self._plays = plays
        self._stage = the_stage
        self._folder = Path(tempfile.mkdtemp(prefix="ringwall-rehearsal-"))
        self._gateways = LoopbackGateways(self._folder)
        self._people = SigningKeys(compose.SystemClock())
        self._sink = Sink()
        self._urls: dict[bool, str] = {}
        self._ledgers: list[Path] = []

    def __enter__(self) -> Self:
        try:
            self._start()
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
        script = VARIANTS[play.variant](self._spot(play))
        agent = Agent(
            f"{self._urls[10 in play.on]}/w/{workload(play.on)}",
            self._token(play),
            MODEL,
            {"X-Forwarded-For": _address(play)},
        )
        done: list[Transcript] = []
        for task in script.tasks:
            done.append(say(agent, task, script))
            if not self._goes_on(play, done):
                break
        return Told(
            tuple(each.answer for each in done),
            tuple(self._sink.got(mark_of(play))),
            tuple((refusal.where, refusal.record, refusal.code) for each in done for refusal in each.refusals),
            tuple(said for each in done for said in posted(each)),
        )

    def _goes_on(self, play: Play, done: Sequence[Transcript]) -> bool:
        """Whether a patient attacker tries once more."""
        if any(each.control == CONTAINMENT for each in done[-1].refusals):
            return False
        out = got_out([*(each.answer for each in done), *self._sink.got(mark_of(play))], card_numbers())
        if len(done) >= TRIES and (10 not in play.on or not out):
            return False
        if 10 in play.on:
            time.sleep(PACE_S)
        return True

    def _spot(self, play: Play) -> Spot:
        return Spot(f"{self._sink.url}/{mark_of(play)}", mark_of(play))

    def _token(self, play: Play) -> str:
        """What the attacker presents: the insider's login had a second factor."""
        is_insider = play.attacker is Attacker.INSIDER
        methods = ["pwd", "otp", "mfa"] if is_insider else ["pwd"]
        groups = ["clerks"] if is_insider else ["clerks", "visitors"]
        return token_of(self._people, play, self.subject(play), methods, groups)

    def _start(self) -> None:
        subsets = list(dict.fromkeys(each.on for each in self._plays))
        egress = self._folder / "egress"
        egress.mkdir()
        (egress / "ringwall.toml").write_text(self._stage.egress(subsets), "utf-8")  # 1
        proxy = self._gateways.begin("egress", egress / "ringwall.toml", self._folder / "egress-data")
        build(self._folder / "clear.db")  # 2
        self._plant([self._folder / "clear.db"], (each for each in self._plays if 6 not in each.on))
        ways = {on: Way.of(on) for on in subsets}
        sockets = {way: listening() for way in dict.fromkeys(ways.values())}
        servers = {way.server: url_of(own) for way, own in sockets.items()}
        starting = {
            contains: self._begin(own, servers, contains=contains)
            for contains in (False, True)
            if (own := [on for on in subsets if (10 in on) is contains])
        }
        out = self._gateways.wait(proxy)
        self._serve_tools(sockets, urlsplit(out.url).netloc, out.token)  # 3
        self._ledgers.append(out.ledger)
        for contains, each in starting.items():  # 4
            served = self._gateways.wait(each)
            self._urls[contains] = served.url
            self._ledgers.append(served.ledger)

    def _begin(self, subsets: Sequence[tuple[int, ...]], servers: dict[str, str], *, contains: bool) -> Starting:
        """Write the files of a gateway, and start it."""
        name = "watched" if contains else "unwatched"
        folder, data = self._folder / name, self._folder / f"{name}-data"
        (folder / "sealed").mkdir(parents=True)
        used = {way.server for way in map(Way.of, subsets)}
        own = {server: url for server, url in servers.items() if server in used}
        config = folder / "ringwall.toml"
        config.write_text(self._stage.gateway(subsets, own, contains=contains), "utf-8")
        (folder / DEFINITIONS).write_text(json.dumps(definitions()), "utf-8")
        (folder / POLICIES).write_text(_policies(sorted(own)), "utf-8")
        (folder / stage.JWKS).write_text(json.dumps(self._people.jwks()), "utf-8")
        self._seal(folder / "sealed", data, [on for on in subsets if 6 in on])
        return self._gateways.begin("up", config, data)

    def _seal(self, folder: Path, data: Path, subsets: Sequence[tuple[int, ...]]) -> None:
        """A database for each subset, its card numbers sealed under a key of that workload."""
        if not subsets:
            return
        installation = compose.Installation(data, compose.RootSource("file", self._gateways.root(data)))
        try:
            keys = installation.vault.keys
            keys.refresh()
            for on in subsets:
                name = KeyName(workload(on), "payments", "card_number")
                keys.create(name, by=BY)

                def seal(table: str, column: str, row: Row, value: str, name: KeyName = name) -> str:
                    return keys.seal(name, value, row_field="id", row=row_of(row))

                path = folder / f"{workload(on)}.db"
                build(path, seal)
                self._plant([path], (each for each in self._plays if each.on == on))
        finally:
            installation.close()

    def _plant(self, databases: Iterable[Path], plays: Iterable[Play]) -> None:
        """Write what somebody else wrote: a review of a product, a page of a supplier."""
        planted = [(mark_of(each), VARIANTS[each.variant](self._spot(each)).planted) for each in plays]
        for path in databases:
            with closing(sqlite3.connect(path)) as database, database:
                for mark, texts in planted:
                    if Place.REVIEW in texts:
                        row = (f"Fen boot {mark}", "boots", 159.0, 9, "A waterproof boot.")
                        made = database.execute(
                            "INSERT INTO products (name, kind, price, stock, about) VALUES (?, ?, ?, ?, ?)", row
                        )
                        review = (made.lastrowid, 5, texts[Place.REVIEW])
                        database.execute("INSERT INTO reviews (product, stars, text) VALUES (?, ?, ?)", review)
                    if Place.DOCUMENT in texts:
                        page = (mark, texts[Place.DOCUMENT])
                        database.execute("INSERT INTO supplier_pages (supplier, text) VALUES (?, ?)", page)

    def _serve_tools(self, sockets: dict[Way, socket.socket], proxy: str, token: str) -> None:
        urls = [url_of(own) for own in sockets.values()]
        ways = list(sockets)
        processes = []
        for number in range(TOOL_PROCESSES):
            own = ways[number::TOOL_PROCESSES]
            shops: list[dict[str, object]] = [
                {
                    "fd": sockets[way].fileno(),
                    "standing": "" if way.is_leased else str(self._folder / "clear.db"),
                    "proxy": f"http://{way.exit}:{token}@{proxy}",
                }
                for way in own
            ]
            processes.append(self._spawn_tools(number, shops, [sockets[way] for way in own]))
        await_serving(processes, urls)

    def _spawn_tools(
        self, number: int, shops: Sequence[dict[str, object]], sockets: Sequence[socket.socket]
    ) -> subprocess.Popen[bytes]:
        file = self._folder / f"shops-{number}.json"
        file.touch(0o600)
        file.write_text(json.dumps(shops), "utf-8")
        words = [sys.executable, "-m", "ringwall.storefront.server", "--shops", str(file)]
        words += ["--outbox", str(self._folder / "outbox.jsonl")]
        return self._gateways.spawn(words, self._folder / f"tools-{number}.log", sockets)


def the_stage(controls: dict[str, int]) -> Stage:
    """The stage of the storefront."""
    from ringwall.model.framework import ControlId

    until = (datetime.now(UTC) + timedelta(days=2)).date()
    steps = {ControlId(name): step for name, step in controls.items()}
    return Stage(steps, until, (card_numbers()[4],), RULES, ("search_products",))


def _policies(servers: Sequence[str]) -> str:
    """The shop's policies, for its tools at every server, and the outsider's account."""
    from ringwall.storefront import prepare

    shipped = prepare.policies().replace("storefront/", "")
    shared: list[str] = []
    own: list[str] = []
    for each in shipped.split("\n\n"):
        (own if '::"shop/' in each else shared).append(each)
    made = [
        each.replace('::"shop/', f'::"{server}/').replace('@id("', f'@id("{server}_')
        for server in servers
        for each in own
    ]
    return "\n\n".join([*shared, *made, stage.NO_MODEL])


def _address(play: Play) -> str:
    """Where the attacker comes from: an address of his own."""
    head = stage.OWN_NETWORK + "1." if play.attacker is Attacker.INSIDER else stage.FOREIGN_NETWORK
    high, low = divmod(play.number, 250)
    return f"{head}{high % 250}.{low + 1}"

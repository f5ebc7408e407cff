"""A running gateway: both listeners, the stores behind them, and a clean end.

The procedure, numbered as in the code:

1. Read the plan; refuse what may not run in this way.
2. Bind both sockets, before anything is made: a taken port is an error and nothing else.
3. Open the installation, take the plan, start the ledger.
4. Serve; say so (terminal, ready file).
5. On SIGTERM or SIGINT: no new connections, running requests end, the ledger is closed. SIGHUP reads the configuration
   anew: taken whole or not at all.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

from ringwall import compose
from ringwall.compute.pool import WorkerPool
from ringwall.config.read import read_configuration
from ringwall.config.schema import Listen
from ringwall.dataplane.gateway.server import Listener, Tls
from ringwall.engine.running import Running
from ringwall.model.errors import ConfigError, InternalError, RingwallError
from ringwall.model.framework import Phase
from ringwall.model.guardrail import ADMINISTRATOR as GUARDRAIL_ADMINISTRATOR
from ringwall.model.identity import THIS_MACHINE
from ringwall.model.plan import Plan
from ringwall.store.ledger.writer import SegmentLedger

_LOG = logging.getLogger("ringwall")
HEAD_S = 10.0
"""Seconds in which the head of a request must have come."""
BACKLOG = 2048
POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class Options:
    """How a gateway is started.

    Attributes:
        config: The configuration file; None for the laptop's.
        data_dir: The installation.
        root: Where its root key comes from.
        port: Overrides the data listener's port.
        admin_port: Overrides the administration listener's port.
        ready_file: Where to say that it serves.
        production: `serve`: no rehearsal models, no embedded issuer for workloads from `enhanced` up.
        database: URL of another database than the data directory's.
    """

    config: Path | None
    data_dir: Path
    root: compose.RootSource = field(default_factory=compose.RootSource)
    port: int | None = None
    admin_port: int | None = None
    ready_file: Path | None = None
    production: bool = False
    database: str = ""


@dataclass(frozen=True, slots=True)
class Ready:
    """What a started gateway has to say.

    Attributes:
        base_url: Root for an OpenAI client, with `/v1`.
        admin_url: Root of the administration port.
        api_key: A token for the data port, valid for this process on loopback; empty in production.
        access_key_id: The id of the AWS access key of the same token.
        secret_access_key: Its secret.
        admin_token: The same for the administration port.
        data_dir: The installation.
        pid: The process.
    """

    base_url: str
    admin_url: str
    api_key: str
    access_key_id: str
    secret_access_key: str
    admin_token: str
    data_dir: str
    pid: int


class Process:
    """One gateway process."""

    def __init__(self, options: Options, announce: Callable[[Ready, Plan, compose.Administration], None]) -> None:
        """Take the options.

        Args:
            options: How it is started.
            announce: Called once it serves.
        """
        self._options = options
        self._announce = announce
        self._running: Running | None = None
        self._listen = Listen()
        self._compute = WorkerPool()
        self._stopping = False
        self._retiring: set[asyncio.Task[None]] = set()

    def run(self) -> None:
        """Serve until a signal ends it.

        Raises:
            RingwallError: It could not be started.
        """
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        options = self._options
        warming = asyncio.get_running_loop().run_in_executor(None, compose.warm)
        plan, document = compose.read_plan(options.config)  # 1
        listen = self._listen = read_configuration(document).listen
        if options.production:
            refuse_for_production(plan)
        tls = tls_of(listen)
        data_socket = bind("data", listen.data, options.port, listen, tls)  # 2
        admin_socket = bind("administration", listen.admin, options.admin_port, listen, tls)
        installation = compose.Installation(options.data_dir, options.root, database_url=options.database)  # 3
        await warming
        running = compose.make_running(plan, self._compute)  # first: a plan is noted as running only when it can run
        plan = installation.take_plan(plan)
        installation.vault.leases.configure(plan.credentials)
        self._running = replace(running, plan=plan)
        ledger = installation.ledger(plan.digest)
        ledger.start()
        installation.sessions.start()
        installation.refresh()
        administration = await compose.make_administration(
            installation,
            ledger,
            self._snapshot,
            admin_url=url_of(admin_socket, tls),
            serving=lambda: not self._stopping,
            embedded_issuer=not options.production or _all_foundational(plan),
        )
        door = compose.make_door(
            installation,
            ledger,
            self._snapshot,
            issuers=(*plan.issuers, *administration.issuers),
            proxies=listen.proxies,
            forwarded_header=listen.forwarded_header,
        )
        limits = plan.limits
        listeners = [
            Listener(app, sock, tls=tls, header_bytes=limits.header_bytes, header_s=HEAD_S, drain_s=limits.drain_s)
            for app, sock in ((door.gateway, data_socket), (administration.app, admin_socket))
        ]
        self._heed_signals(listeners, installation)
        fresh = asyncio.ensure_future(compose.keep_fresh(installation))
        watching = self._watching(installation, ledger)
        served = [asyncio.ensure_future(listener.run_until_stopped()) for listener in listeners]
        try:
            await _until_started(listeners, served)
            gc.freeze()  # what is loaded now stays: the collector need not look at it again
            self._say(installation, plan, administration, data_socket, tls)  # 4
            await asyncio.gather(*served)
        finally:  # 5
            await _cancel((fresh, *watching, *self._retiring))
            await door.aclose(self._running)
            await administration.aclose()
            self._compute.close()
            ledger.close()
            installation.sessions.close()
            installation.close()

    def _watching(self, installation: compose.Installation, ledger: SegmentLedger) -> tuple[asyncio.Future[None], ...]:
        """The monitor, as a task of this process, unless the plan leaves it to another."""
        if not self._snapshot().plan.monitor.enabled:
            return ()
        return (compose.watch(compose.make_monitor(installation, ledger, lambda: self._snapshot().plan)),)

    def _heed_signals(self, listeners: list[Listener], installation: compose.Installation) -> None:
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self._stop, listeners)
        loop.add_signal_handler(signal.SIGHUP, self._reload, installation)

    def _snapshot(self) -> Running:
        if self._running is None:
            raise InternalError("not started yet", code="starting")
        return self._running

    def _say(
        self,
        installation: compose.Installation,
        plan: Plan,
        administration: compose.Administration,
        data_socket: socket.socket,
        tls: Tls | None,
    ) -> None:
        options = self._options
        api_key = admin_token = access_key_id = secret_access_key = ""
        if not options.production:
            workloads = [str(name) for name in plan.workloads]
            api_key = installation.api_keys.create_process_token(
                subject=THIS_MACHINE, workloads=workloads, roles=[GUARDRAIL_ADMINISTRATOR]
            )
            access_key_id, secret_access_key = installation.api_keys.access_key_of(api_key)
            admin_token = administration.process_token
        ready = Ready(
            base_url=f"{url_of(data_socket, tls)}/v1",
            admin_url=administration.url,
            api_key=api_key,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            admin_token=admin_token,
            data_dir=str(installation.data_dir.resolve()),
            pid=os.getpid(),
        )
        if options.ready_file is not None:
            write_private(options.ready_file, json.dumps(_as_dict(ready)))
        self._announce(ready, plan, administration)

    def _stop(self, listeners: list[Listener]) -> None:
        self._stopping = True
        for listener in listeners:
            listener.stop()

    def _reload(self, installation: compose.Installation) -> None:
        """Read the configuration anew. What is wrong with it is logged, and the old one goes on."""
        try:
            plan, document = compose.read_plan(self._options.config)
            if self._options.production:
                refuse_for_production(plan)
            if read_configuration(document).listen != self._listen:
                raise ConfigError("listeners change with a restart only")
            if plan.issuers != self._snapshot().plan.issuers:
                raise ConfigError("token issuers change with a restart only")
            running = compose.make_running(
                plan, self._compute
            )  # first: a plan is noted as running only when it can run
            running = replace(running, plan=installation.take_plan(plan))
            installation.vault.leases.configure(plan.credentials)
        except RingwallError as error:
            _LOG.error("code=<%s> | configuration not taken, the old one goes on: %s", error.code, error.public)
            return
        task = asyncio.ensure_future(_retire(self._snapshot()))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
        self._running = running
        _LOG.info("plan=<%s>, version=<%d> | configuration taken", running.plan.digest, running.plan.version)


async def _cancel(tasks: Sequence[asyncio.Future[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _until_started(listeners: list[Listener], served: Sequence[asyncio.Future[None]]) -> None:
    while not all(listener.started for listener in listeners):
        await asyncio.sleep(POLL_S)
        for task in served:
            if task.done():
                task.result()


async def _retire(running: Running) -> None:
    """Close the upstreams of a replaced snapshot, once the requests that began under it must have ended."""
    try:
        longest = [each.total_s for each in running.plan.upstreams.values()]
        longest += [each.total_s for each in running.plan.tool_servers.values()]
        await asyncio.sleep(max(longest, default=0))
    finally:  # cut short where the process ends before them
        await compose.close_running(running)


def refuse_for_production(plan: Plan) -> None:
    """Refuse what `serve` may not run.

    Raises:
        ConfigError: A rehearsal workload, or one from `enhanced` up without an issuer of its own.
    """
    for name, workload in plan.workloads.items():
        if workload.workload.rehearsal:
            raise ConfigError(
                f'"{name}" is a rehearsal workload', hint="ringwall up runs it; ringwall serve never does"
            )
        if workload.workload.phase >= Phase.ENHANCED and not plan.issuers:
            hint = "add a table [issuers.<name>]"
            raise ConfigError(f'"{name}" is past "foundational" and needs a token issuer of its own', hint=hint)


def _all_foundational(plan: Plan) -> bool:
    return all(each.workload.phase < Phase.ENHANCED for each in plan.workloads.values())


def tls_of(listen: Listen) -> Tls | None:
    """The certificate of a listener, or None for plain HTTP.

    Raises:
        ConfigError: Half of it is missing.
    """
    if not listen.tls_certificate and not listen.tls_key:
        return None
    if not (listen.tls_certificate and listen.tls_key):
        raise ConfigError("TLS needs both tls_certificate and tls_key")
    return Tls(Path(listen.tls_certificate), Path(listen.tls_key))


def bind(name: str, address: str, port: int | None, listen: Listen, tls: Tls | None) -> socket.socket:
    """A bound socket.

    Raises:
        ConfigError: The address is none, or is taken, or would be reachable from outside without TLS.
    """
    host, _, written = address.rpartition(":")
    host = host.strip("[]")
    if not (written.isascii() and written.isdigit()) or not host:
        raise ConfigError(f'"{address}" is not an address', hint="host:port")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    wanted = int(written) if port is None else port
    try:
        sock.bind((host, wanted))
        _refuse_open_without_tls(sock, name, listen, tls)
    except ConfigError:
        sock.close()
        raise
    except (OverflowError, TypeError) as error:  # TypeError: a host that has no encoding
        sock.close()
        wrong = f'"{wanted}" is not a port' if isinstance(error, OverflowError) else f'"{host}" is not a host'
        raise ConfigError(wrong, hint="a host name or address, and a port from 0 to 65535") from error
    except OSError as error:
        sock.close()
        hint = "another process has it; choose another with --port and --admin-port"
        raise ConfigError(f'"{host}:{wanted}" cannot be bound: {error.strerror}', hint=hint) from error
    sock.listen(BACKLOG)
    sock.setblocking(False)
    return sock


def _refuse_open_without_tls(sock: socket.socket, name: str, listen: Listen, tls: Tls | None) -> None:
    if ip_address(sock.getsockname()[0]).is_loopback or tls is not None or listen.proxies:
        return
    hint = "set tls_certificate and tls_key, or declare the proxies that end TLS in front of it"
    raise ConfigError(f"the {name} listener would be reachable from outside without TLS", hint=hint)


def url_of(sock: socket.socket, tls: Tls | None) -> str:
    """The address of a bound socket, as a client writes it."""
    host, port = sock.getsockname()[:2]
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if tls is not None else 'http'}://{host}:{port}"


def _as_dict(ready: Ready) -> dict[str, object]:
    return {
        "base_url": ready.base_url,
        "admin_url": ready.admin_url,
        "api_key": ready.api_key,
        "aws_access_key_id": ready.access_key_id,
        "aws_secret_access_key": ready.secret_access_key,
        "admin_token": ready.admin_token,
        "data_dir": ready.data_dir,
        "pid": ready.pid,
    }


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name that nobody can foresee, never one that exists: in a shared folder it could be another's file or a link.
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise

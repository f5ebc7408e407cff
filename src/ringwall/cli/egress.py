"""`ringwall egress`: run the egress proxy, a process of its own beside the gateway.

The procedure, numbered as in the code:

1. Read the plan. Bind the socket before anything is made.
2. Open the installation, take the plan, start a ledger segment of its own.
3. Serve; say so (terminal, ready file).
4. On SIGTERM or SIGINT: no new connections; quiet tunnels are cut, the rest may end; every one gets its closing record;
   the ledger is closed. SIGHUP reads the configuration anew: taken whole or not at all.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from dataclasses import dataclass, replace
from typing import Annotated

import typer
from rich.markup import escape

from ringwall import compose
from ringwall.cli.main import ConfigFile, DataDir, out
from ringwall.cli.process import BACKLOG, HEAD_S, Options, bind, refuse_for_production, tls_of, url_of, write_private
from ringwall.cli.serve import LOCAL_CONFIG, Database, Port, ReadyFile, RootKey, parse_root
from ringwall.config.read import read_configuration
from ringwall.config.schema import Listen
from ringwall.dataplane.egress.network import READ_BYTES
from ringwall.engine.running import Running
from ringwall.model.errors import ConfigError, InternalError, RingwallError
from ringwall.model.identity import THIS_MACHINE
from ringwall.model.plan import Plan

_LOG = logging.getLogger("ringwall.egress")

Token = Annotated[
    bool,
    typer.Option("--token", help="Make a token that is valid for this process, on this machine, for the ready file."),
]
Production = Annotated[
    bool, typer.Option("--production", help="Refuse what `ringwall serve` refuses; no --token.", show_default=False)
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("egress")(egress)


def egress(
    config: ConfigFile = None,
    data_dir: DataDir = None,
    port: Port = None,
    ready_file: ReadyFile = None,
    token: Token = False,
    production: Production = False,
    root_key: RootKey = "file",
    database: Database = "",
) -> None:
    """Run the egress proxy: the way out for tool servers and for the gateway.

    Clients use it as an HTTP proxy, with a key of their workload as the password. Of a tunnel (CONNECT) it sees host,
    port and numbers of bytes; the content of plain HTTP requests is judged.

    **Example:** `ringwall egress --config ringwall.toml --port 8082`
    """
    if config is None and LOCAL_CONFIG.exists():
        config = LOCAL_CONFIG
    if production and token:
        raise ConfigError("production makes no tokens of its own", hint="ringwall keys create makes a key")
    where = data_dir if data_dir is not None else compose.default_data_dir()
    root = parse_root(root_key)
    EgressProcess(Options(config, where, root, port, None, ready_file, production, database), token=token).run()


@dataclass(frozen=True, slots=True)
class EgressReady:
    """What a started proxy has to say.

    Attributes:
        proxy_url: Its address, for `HTTP_PROXY` and `HTTPS_PROXY`, without the credential.
        api_key: A token for it, where one was asked for.
        data_dir: The installation.
        pid: The process.
    """

    proxy_url: str
    api_key: str
    data_dir: str
    pid: int

    def encode(self) -> str:
        """As JSON."""
        fields = ("proxy_url", "api_key", "data_dir", "pid")
        return json.dumps({name: getattr(self, name) for name in fields})


class EgressProcess:
    """One egress proxy process."""

    def __init__(self, options: Options, *, token: bool = False) -> None:
        """Take the options."""
        self._options = options
        self._token = token
        self._running: Running | None = None

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
        plan, document = compose.read_plan(options.config)  # 1
        configuration = read_configuration(document)
        if options.production:
            refuse_for_production(plan)
        # Proxies in front of the gateway are none in front of this door: who connects is who asks.
        listen = Listen(
            data=configuration.egress.listen,
            tls_certificate=configuration.listen.tls_certificate,
            tls_key=configuration.listen.tls_key,
        )
        tls = tls_of(listen)
        sock = bind("egress", listen.data, options.port, listen, tls)
        installation = compose.Installation(options.data_dir, options.root, database_url=options.database)  # 2
        running = compose.make_running(plan, reaches=False)  # first: a plan is noted as running only when it can run
        plan = installation.take_plan(plan)
        self._running = replace(running, plan=plan)
        ledger = installation.ledger(plan.digest)
        ledger.start()
        installation.sessions.start()
        installation.refresh()
        door = compose.make_egress(installation, ledger, self._snapshot, issuers=plan.issuers, head_s=HEAD_S)
        context = tls.context() if tls is not None else None
        server = await asyncio.start_server(door.proxy.serve, sock=sock, ssl=context, backlog=BACKLOG, limit=READ_BYTES)
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, stopped.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload, installation)
        fresh = asyncio.ensure_future(compose.keep_looking(installation))
        try:
            self._say(installation, plan, url_of(sock, tls))  # 3
            await stopped.wait()
        finally:  # 4
            server.close()
            await door.proxy.stop(plan.limits.drain_s)
            fresh.cancel()
            await asyncio.gather(fresh, return_exceptions=True)
            await door.aclose()
            ledger.close()
            installation.sessions.close()
            installation.close()

    def _snapshot(self) -> Running:
        if self._running is None:
            raise InternalError("not started yet", code="starting")
        return self._running

    def _say(self, installation: compose.Installation, plan: Plan, url: str) -> None:
        api_key = ""
        if self._token:
            workloads = [str(name) for name in plan.workloads]
            api_key = installation.api_keys.create_process_token(subject=THIS_MACHINE, workloads=workloads)
        ready = EgressReady(url, api_key, str(installation.data_dir.resolve()), os.getpid())
        if self._options.ready_file is not None:
            write_private(self._options.ready_file, ready.encode())
        out.print(f"\n[bold]Ringwall egress[/] serves [bold]{escape(plan.organisation)}[/]", soft_wrap=True)
        out.print(f"  proxy           {url}")
        out.print(f"  installation    {escape(ready.data_dir)}", soft_wrap=True)
        out.print(f"  plan            {plan.digest[:23]}..., version {plan.version}")
        out.print("  clients         HTTPS_PROXY and HTTP_PROXY, with a key of their workload as the password")
        out.file.flush()

    def _reload(self, installation: compose.Installation) -> None:
        """Read the configuration anew. What is wrong with it is logged, and the old one goes on."""
        try:
            plan, _ = compose.read_plan(self._options.config)
            if self._options.production:
                refuse_for_production(plan)
            if plan.issuers != self._snapshot().plan.issuers:
                raise ConfigError("token issuers change with a restart only")
            running = compose.make_running(plan, reaches=False)
            self._running = replace(running, plan=installation.take_plan(plan))
        except RingwallError as error:
            _LOG.error("code=<%s> | configuration not taken, the old one goes on: %s", error.code, error.public)
            return
        _LOG.info("plan=<%s> | configuration taken", self._running.plan.digest)

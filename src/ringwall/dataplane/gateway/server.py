"""How is an application put on a socket? uvicorn with httptools, bounded, with TLS 1.2 or newer and hot reload of it.

* A request's head is bounded in bytes and time: a slow or endless one is cut off (slow loris).
* Requests are not upgraded: no WebSocket, no HTTP/2 by upgrade.
* A certificate is read anew when its files change; connections that are open keep theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ringwall.model.errors import ConfigError

_LOG = logging.getLogger("ringwall.server")
TLS_POLL_S = 5.0
"""Seconds between two looks at the certificate files."""
KEEP_ALIVE_S = 75
"""Seconds for which an idle connection of a caller is kept."""


@dataclass(frozen=True, slots=True)
class Tls:
    """A listener's certificate.

    Attributes:
        certificate: PEM file with the chain.
        key: PEM file with the private key.
    """

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """A server context for TLS 1.2 and newer.

        Raises:
            ConfigError: Certificate or key cannot be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self.load(context)
        return context

    def load(self, context: ssl.SSLContext) -> None:
        """Read the files into a context; handshakes from now on use them.

        Raises:
            ConfigError: Certificate or key cannot be used.
        """
        try:
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f'the certificate "{self.certificate}" cannot be used with its key') from error

    def stamp(self) -> tuple[int, ...]:
        """Changes when one of the files does."""
        with contextlib.suppress(OSError):
            return tuple(path.stat().st_mtime_ns for path in (self.certificate, self.key))
        return ()


def bounded_protocol(*, header_bytes: int, header_s: float) -> type[HttpToolsProtocol]:
    """The HTTP protocol with bounds on a request's head.

    Args:
        header_bytes: The most bytes that it may have.
        header_s: Seconds in which it must have come, from the first byte or the opening of the connection.
    """

    class BoundedProtocol(HttpToolsProtocol):
        _head_bytes = 0
        _in_head = True
        _head_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._watch_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._unwatch_head()
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            if self._in_head:
                self._head_bytes += len(data)
            elif self._is_between():
                self._head_bytes, self._in_head = len(data), True
                self._watch_head()
            super().data_received(data)
            if self._in_head and self._head_bytes > header_bytes and not self.transport.is_closing():
                self.send_400_response(f"The head of the request has more than {header_bytes} bytes.")

        def on_headers_complete(self) -> None:
            self._in_head = False
            self._unwatch_head()
            super().on_headers_complete()

        def _is_between(self) -> bool:
            """True when the answer to the request before is out, so that what comes is a new head."""
            return bool(self.cycle.response_complete)

        def _watch_head(self) -> None:
            self._unwatch_head()
            self._head_timer = self.loop.call_later(header_s, self._cut)

        def _unwatch_head(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _cut(self) -> None:
            if self._in_head and not self.transport.is_closing():
                self.transport.close()

    return BoundedProtocol


class Listener(uvicorn.Server):
    """One application on one socket. Signals are the process's matter, not a listener's."""

    def __init__(
        self, app: Any, sock: socket, *, tls: Tls | None, header_bytes: int, header_s: float, drain_s: float
    ) -> None:
        """Prepare; nothing is served before `serve`.

        Args:
            app: The ASGI application.
            sock: A bound socket.
            tls: Its certificate, or None for plain HTTP.
            header_bytes: The most bytes of a request's head.
            header_s: Seconds in which it must have come.
            drain_s: Seconds in which running requests may end.
        """
        self._socket = sock
        self._tls = tls
        self._context = tls.context() if tls is not None else None
        config = uvicorn.Config(
            app,
            http=bounded_protocol(header_bytes=header_bytes, header_s=header_s),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=int(drain_s) or 1,
            ssl_context_factory=self._give_context if tls is not None else None,
        )
        super().__init__(config)

    def _give_context(self, *_: object) -> ssl.SSLContext:
        if self._context is None:
            raise ConfigError("this listener has no certificate")
        return self._context

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to the process."""
        yield

    async def run_until_stopped(self) -> None:
        """Serve until `stop`."""
        watcher = asyncio.ensure_future(self._watch_certificate())
        try:
            await self.serve(sockets=[self._socket])
        finally:
            watcher.cancel()

    def stop(self) -> None:
        """End: no new connections, running requests may end."""
        self.should_exit = True

    async def _watch_certificate(self) -> None:
        if self._tls is None or self._context is None:
            return
        stamp = self._tls.stamp()
        while True:
            await asyncio.sleep(TLS_POLL_S)
            seen = self._tls.stamp()
            if seen == stamp or not seen:
                continue
            try:
                self._tls.load(self._context)
                _LOG.info("certificate=<%s> | read anew", self._tls.certificate)
                stamp = seen
            except ConfigError as error:
                _LOG.warning("certificate=<%s> | not read anew: %s", self._tls.certificate, error)

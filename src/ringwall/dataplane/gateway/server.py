"""How is an application put on a socket? uvicorn with httptools, bounded, with TLS 1.2 or newer and hot reload of it.

* What a connection may do is bounded (`ringwall.dataplane.gateway.protocol`).
* A certificate is read anew when its files change; connections that are open keep theirs. Files that do not belong
  together, as in the middle of a renewal, leave the old certificate in place.
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

from ringwall.dataplane.gateway.protocol import bounded_protocol
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
            # Tried on a context of its own: a failed load would leave the other one without a usable key.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(self.certificate, self.key)
            context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(f'the certificate "{self.certificate}" cannot be used with its key') from error

    def stamp(self) -> tuple[int, ...]:
        """Changes when one of the files does."""
        with contextlib.suppress(OSError):
            return tuple(path.stat().st_mtime_ns for path in (self.certificate, self.key))
        return ()


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

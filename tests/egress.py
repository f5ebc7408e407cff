"""An egress proxy as a real process, and destinations with and without TLS on loopback."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.process import Gateway


@dataclass
class Site:
    """A web server that keeps what it was asked."""

    port: int
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.site.asked.append((self.command, self.path, body))
        said = b"reached"
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_GET = do_POST = do_PUT = do_HEAD = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def site(certificate: Path | None = None) -> Iterator[Site]:
    """A web server on a free port; over TLS with a certificate."""
    made = Site(0)
    handler = type("Handler", (_Handler,), {"site": made})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    made.port = server.server_address[1]
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def certificate(folder: Path) -> Path:
    """A self-made certificate for this machine, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "site.pem"
    plain = serialization.NoEncryption()
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def config(destinations: list[str], more: str = "", volume: str = "") -> str:
    """A configuration: one workload, `shop`, that may reach these."""
    until = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=20)).date()
    return f"""
[organisation]
name = "egress tests"
[egress]
private = ["127.0.0.0/8"]
{more}
[workloads.shop]
owner = "tests"
use_case = "acts"
rehearsal = true
models = {{ "rehearsal/echo" = "builtin" }}
[workloads.shop.controls."infrastructure.egress_allowlist"]
destinations = {["builtin:", *destinations]!r}
reason = "tests reach this machine"
until = {until}
{'[workloads.shop.controls."infrastructure.egress_volume"]' + chr(10) + volume if volume else ""}
"""


def proxy(folder: Path, written: str) -> Gateway:
    """The proxy, not started yet; its token is in what it says."""
    (folder / "ringwall.toml").write_text(written)
    return Gateway(folder, ["--config", str(folder / "ringwall.toml"), "--token"], command="egress")

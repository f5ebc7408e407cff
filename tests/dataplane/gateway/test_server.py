"""Listeners on real sockets: TLS 1.2 and newer, a renewed certificate without a restart, a clean end."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import warnings
from collections.abc import Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ringwall.dataplane.gateway import server
from ringwall.dataplane.gateway.server import Listener, Tls
from ringwall.model.errors import ConfigError


def certificate(name: str) -> tuple[bytes, bytes]:
    """A self-signed certificate for 127.0.0.1 and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM), private


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    made = Tls(tmp_path / "cert.pem", tmp_path / "key.pem")
    renew(made, "first")
    return made


def renew(tls: Tls, name: str, *, key: bool = True) -> None:
    """Write another certificate, with its key or without."""
    public, private = certificate(name)
    tls.certificate.write_bytes(public)
    if key:
        tls.key.write_bytes(private)
    later = tls.certificate.stat().st_mtime + 10  # file systems round
    os.utime(tls.certificate, (later, later))


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": scope["scheme"].encode().ljust(5)})


@asynccontextmanager
async def listening(app: Callable = hello, tls: Tls | None = None, drain_s: float = 2.0):
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    made = Listener(app, sock, tls=tls, header_bytes=5000, header_s=2, drain_s=drain_s)
    task = asyncio.ensure_future(made.run_until_stopped())
    while not made.started:  # noqa: ASYNC110 - uvicorn says it in no other way
        await asyncio.sleep(0.01)
    try:
        yield sock.getsockname()[1], made
    finally:
        made.stop()
        await task
        sock.close()


def client(minimum: ssl.TLSVersion | None = None, maximum: ssl.TLSVersion | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions, on purpose
        if minimum is not None:
            context.minimum_version = minimum
        if maximum is not None:
            context.maximum_version = maximum
    return context


async def shake(port: int, context: ssl.SSLContext) -> tuple[str, str]:
    """The version and the name in the certificate."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found = writer.get_extra_info("ssl_object")
    name = x509.load_der_x509_certificate(found.getpeercert(True)).subject
    version = found.version()
    writer.close()
    await writer.wait_closed()
    del reader
    return version, str(name.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def test_tls_1_2_and_1_3_are_spoken(tls):
    async def scenario():
        async with listening(tls=tls) as (port, _):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                spoken, name = await shake(port, client(version, version))
                assert spoken == version.name.replace("v1_", "v1.")
                assert name == "first"

    asyncio.run(scenario())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_older_tls_is_refused(tls, version):
    async def scenario():
        async with listening(tls=tls) as (port, _):
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await shake(port, client(ssl.TLSVersion.TLSv1, version))

    asyncio.run(scenario())


def test_plain_http_is_not_spoken_on_a_tls_port(tls):
    async def scenario():
        async with listening(tls=tls) as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = await reader.read()
            assert not answer.startswith(b"HTTP/1.1 200")
            writer.close()

    asyncio.run(scenario())


def test_a_renewed_certificate_is_taken_without_a_restart(tls, monkeypatch):
    monkeypatch.setattr(server, "TLS_POLL_S", 0.02)

    async def scenario():
        async with listening(tls=tls) as (port, _):
            assert (await shake(port, client()))[1] == "first"
            renew(tls, "second")
            for _ in range(200):
                if (await shake(port, client()))[1] == "second":
                    return
                await asyncio.sleep(0.02)
            raise AssertionError("not taken")

    asyncio.run(scenario())


def test_a_certificate_without_its_key_leaves_the_old_one_in_place(tls, monkeypatch):
    """In the middle of a renewal the two files do not belong together."""
    monkeypatch.setattr(server, "TLS_POLL_S", 0.02)

    async def scenario():
        async with listening(tls=tls) as (port, _):
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                renew(tls, "half", key=False)
                await asyncio.sleep(0.1)
                assert (await shake(port, client(version, version)))[1] == "first"
            tls.certificate.unlink()
            await asyncio.sleep(0.1)
            assert (await shake(port, client()))[1] == "first"

    asyncio.run(scenario())


def test_files_that_are_no_certificate_are_named(tmp_path):
    wrong = Tls(tmp_path / "cert.pem", tmp_path / "key.pem")
    with pytest.raises(ConfigError, match=r"cert\.pem"):
        wrong.context()
    (tmp_path / "cert.pem").write_text("no")
    (tmp_path / "key.pem").write_text("no")
    with pytest.raises(ConfigError):
        wrong.context()


def test_a_stop_lets_a_running_answer_end():
    async def scenario():
        began, going_on = asyncio.Event(), asyncio.Event()

        async def slow(scope, receive, send):
            began.set()
            await going_on.wait()
            await hello(scope, receive, send)

        async with listening(slow) as (port, made):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            await began.wait()
            made.stop()
            await asyncio.sleep(0.2)
            going_on.set()
            assert b"200 OK" in await reader.read()
            writer.close()

    asyncio.run(scenario())


def test_headers_tell_nothing_about_the_server():
    async def scenario():
        async with listening() as (port, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            head = (await reader.read()).lower()
            assert b"server:" not in head
            assert b"uvicorn" not in head
            writer.close()

    asyncio.run(scenario())

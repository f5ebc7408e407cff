"""Requests signed by stock botocore, as a gateway receives them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from ringwall.dataplane.gateway.http import Request, read_head
from tests.dataplane.gateway.doors import ACCESS_KEY_ID, SECRET_ACCESS_KEY

NOW_S = 1_700_000_000.0
HOST = "127.0.0.1:8080"
PATH = "/model/m/converse"


def head(method: str, path: str, query: str, headers: Iterable[tuple[str, str]]) -> Request:
    """A request as the gateway reads it."""
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode("latin-1"), "headers": raw}
    return read_head({**scope, "query_string": query.encode("latin-1"), "client": ("127.0.0.1", 1)})


def sign(
    path: str = PATH,
    body: bytes = b"{}",
    *,
    method: str = "POST",
    query: str = "",
    headers: Iterable[tuple[str, str]] = (),
    key: tuple[str, ...] = (ACCESS_KEY_ID, SECRET_ACCESS_KEY),
    service: str = "bedrock",
    region: str = "us-east-1",
    at_s: float = NOW_S,
) -> list[tuple[str, str]]:
    """The headers of a request after botocore's own signer has signed it."""
    url = f"http://{HOST}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, data=body)
    for name, value in [("Host", HOST), *headers]:
        request.headers[name] = value
    with mock.patch.object(botocore.auth, "get_current_datetime", lambda: datetime.fromtimestamp(at_s, UTC)):
        botocore.auth.SigV4Auth(Credentials(*key), service, region).add_auth(request)
    return list(request.headers.items())


def signed(path: str = PATH, body: bytes = b"{}", *, method: str = "POST", query: str = "", **more) -> Request:
    """The request with these headers."""
    return head(method, path, query, sign(path, body, method=method, query=query, **more))

"""What does `[egress]` say? The egress proxy and the gateway's own way out, checked."""

from __future__ import annotations

from ipaddress import ip_network
from urllib.parse import urlsplit

from ringwall.config.document import Document
from ringwall.config.schema import Egress
from ringwall.model.errors import ConfigError
from ringwall.model.plan import EgressPlan


def read_egress(document: Document, table: Egress) -> EgressPlan:
    """The plan's part about egress.

    Raises:
        ConfigError: An address, a network or a credential cannot be used; names file and line.
    """
    if table.proxy:
        _check_proxy(document, table)
    elif table.credential:
        raise document.error("a credential without a proxy is for nothing", "egress", "credential")
    for each in table.private:
        try:
            network = ip_network(each)
        except ValueError as error:
            problem = f'not a network in CIDR notation: "{each}"'
            raise document.error(problem, "egress", "private", hint="10.1.2.0/24, or one address") from error
        if network.prefixlen == 0:
            raise document.error(f'"{each}" is every address', "egress", "private", hint="name your own networks")
    return EgressPlan(
        proxy=table.proxy,
        credential=table.credential,
        private=table.private,
        connect_s=table.connect_s,
        idle_s=table.idle_s,
        total_s=table.total_s,
    )


def _check_proxy(document: Document, table: Egress) -> None:
    split = urlsplit(table.proxy)
    try:
        port = split.port
    except ValueError:
        port = None
    bare = not (split.path.strip("/") or split.query or split.fragment or "@" in split.netloc)
    if split.scheme not in ("http", "https") or not split.hostname or not port or not bare:
        raise _wrong(document, f'"{table.proxy}" is not the address of a proxy', "proxy", "http://127.0.0.1:8082")
    kind, _, at = table.credential.partition(":")
    if kind not in ("env", "file") or not at:
        problem = "the gateway needs a key for the proxy, named and not written"
        raise _wrong(document, problem, "credential", '"env:NAME" or "file:PATH"')


def _wrong(document: Document, problem: str, key: str, hint: str) -> ConfigError:
    return document.error(problem, "egress", key, hint=hint)

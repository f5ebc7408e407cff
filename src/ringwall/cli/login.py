"""`ringwall login`: get an access token as a person, and keep it where only this account can read it.

* In a browser, or with `--no-browser` by prompts at the embedded issuer. The token stands in the configuration
  directory, mode 0600; it is printed by `--show-token` only.
* What a token says about its holder is read here for display; whoever takes it checks it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
import typer

from ringwall import compose
from ringwall.cli.installation import safe, show_json, when
from ringwall.cli.main import DataDir, Json, err, out
from ringwall.cli.process import write_private
from ringwall.controlplane.api.embedded import ADMINISTRATORS, EVERYBODY, issuer_names
from ringwall.controlplane.api.views import moment
from ringwall.controlplane.issuer.login import HttpAnswer, LoginClient, Prompts, Tokens, is_safe
from ringwall.model.errors import ConfigError, UpstreamError

DEFAULT_ISSUER = "http://127.0.0.1:8081/issuer"
ANSWER_BYTES = 256 * 1024
CONNECT_S = 5.0
TOTAL_S = 30.0


class StoredLogin(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A login, as it is kept."""

    issuer: str
    subject: str
    expires_s: int
    access_token: str


class LoginShown(msgspec.Struct, kw_only=True):
    """A login, as it is shown: without the token."""

    issuer: str
    subject: str
    expires_s: int
    groups: list[str]
    file: str


class LoginHttp:
    """Port `Http` of a login: judged addresses, private ones allowed, no redirects followed, bounded."""

    async def get(self, url: str) -> HttpAnswer:
        """See `Http`."""
        return await self._ask("GET", url, None, {})

    async def post_form(self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]) -> HttpAnswer:
        """See `Http`."""
        return await self._ask("POST", url, fields, headers)

    async def _ask(
        self, method: str, url: str, fields: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> HttpAnswer:
        import aiohttp

        from ringwall.dataplane.gateway.addresses import judge_literal
        from ringwall.dataplane.gateway.outbound import open_client

        try:
            judge_literal(url, private=True)
            client = open_client(private=True, limit=1, connect_s=CONNECT_S, read_s=TOTAL_S, total_s=TOTAL_S)
            async with (
                client,
                client.request(method, url, data=fields, headers=headers, allow_redirects=False) as found,
            ):
                body = bytearray()
                async for piece in found.content.iter_chunked(ANSWER_BYTES + 1):
                    body += piece
                    if len(body) > ANSWER_BYTES:
                        raise UpstreamError("login failed: the issuer answers too much", code="login_failed")
                return HttpAnswer(
                    found.status, bytes(body), {name.lower(): value for name, value in found.headers.items()}
                )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            words = "login failed: the issuer cannot be reached; does ringwall up run, and is --issuer right?"
            raise UpstreamError(words, code="login_failed", detail=type(error).__name__) from error


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("login")(login)


def login(
    issuer: Annotated[
        str,
        typer.Option("--issuer", help="Who vouches for you; the embedded issuer when not given.", show_default=False),
    ] = "",
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Ask here; embedded issuer only.")] = False,
    show_token: Annotated[bool, typer.Option("--show-token", help="Print the token of the last login.")] = False,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Log in as a person, with a second factor, and keep the access token for an hour.

    **Example:** `ringwall login`

    **Example:** `curl -H "Authorization: Bearer $(ringwall login --show-token)" http://127.0.0.1:8080/v1/models`
    """
    path = compose.default_config_dir() / "login.json"
    if show_token:
        typer.echo(_stored(path).access_token)
        return
    at = (issuer or _known_issuer(data_dir)).rstrip("/")
    if not is_safe(at):
        raise ConfigError("an issuer is reached by https, or on this machine", hint=DEFAULT_ISSUER)
    client = LoginClient(at, http=LoginHttp(), clock=compose.SystemClock())
    tokens = asyncio.run(client.by_prompts(_prompts()) if no_browser else client.in_browser(_open_browser))
    stored = StoredLogin(
        issuer=at, subject=tokens.subject, expires_s=tokens.expires_s, access_token=tokens.access_token
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_private(path, msgspec.json.encode(stored).decode())
    groups = _groups(tokens)
    if as_json:
        show_json(
            LoginShown(issuer=at, subject=tokens.subject, expires_s=tokens.expires_s, groups=groups, file=str(path))
        )
        return
    _tell(stored, groups)


def _tell(stored: StoredLogin, groups: list[str]) -> None:
    """Say what this login is good for, and how to use it."""
    expires = when(moment(stored.expires_s * 1_000_000), "")
    out.print(
        f"\nLogged in at [bold]{safe(stored.issuer)}[/] as {safe(stored.subject)}, until {expires}.", soft_wrap=True
    )
    workloads = [each for each in groups if each not in (ADMINISTRATORS, EVERYBODY)]
    if EVERYBODY in groups:
        out.print("  You may use every workload.")
    elif workloads:
        out.print(f"  Your groups: {safe(', '.join(workloads))}.", soft_wrap=True)
    else:
        out.print("  Your groups open no workload; an administrator can change that.")
    if ADMINISTRATORS in groups:
        out.print("  You may administer.")
    credential = '-H "Authorization: Bearer $(ringwall login --show-token)"'
    out.print("\nTry it:\n")
    out.print(f"  curl {credential} http://127.0.0.1:8080/v1/models", soft_wrap=True, markup=False)
    if ADMINISTRATORS in groups and stored.issuer.endswith("/issuer"):
        root = stored.issuer.removesuffix("/issuer")
        out.print(f"  curl {credential} {root}/api/v1/status", soft_wrap=True, markup=False)
    out.print("")


def _known_issuer(data_dir: Path | None) -> str:
    """The embedded issuer that ran last here, or where it is by default."""
    names = issuer_names((data_dir if data_dir is not None else compose.default_data_dir()) / "issuer")
    return names[-1] if names else DEFAULT_ISSUER


def _stored(path: Path) -> StoredLogin:
    """The last login.

    Raises:
        ConfigError: There is none, or it has expired.
    """
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=StoredLogin)
    except FileNotFoundError as error:
        raise ConfigError("nobody is logged in", hint="ringwall login") from error
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigError(f'"{path}" cannot be read', hint="ringwall login writes it anew") from error
    if stored.expires_s * 1_000_000 <= compose.SystemClock().now_us():
        raise ConfigError("the last login has expired", hint="ringwall login")
    return stored


def _groups(tokens: Tokens) -> list[str]:
    """The groups that the access token names, for display; none when it cannot be read."""
    try:
        payload = tokens.access_token.split(".")[1]
        claims: Any = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (ValueError, IndexError, RecursionError):
        return []
    groups = claims.get("groups") if isinstance(claims, dict) else None
    return [each for each in groups if isinstance(each, str)] if isinstance(groups, list) else []


def _open_browser(url: str) -> bool:
    """Open the page, and show its address for the case that nothing opens."""
    import webbrowser

    if urlsplit(url).scheme not in ("https", "http"):
        return False
    err.print("Log in on this page (ringwall login --no-browser asks here instead):\n")
    err.print(f"  {url}\n", soft_wrap=True, markup=False)
    webbrowser.open(url)
    return True


def _prompts() -> Prompts:
    return Prompts(
        lambda: _ask("Username"),
        lambda: _ask("Password", hidden=True),
        lambda: _ask("Six digits from your authenticator"),
    )


def _ask(label: str, *, hidden: bool = False) -> str:
    """One answer; what is typed at a terminal for a password is not shown."""
    if sys.stdin.isatty():
        return str(typer.prompt(label, hide_input=hidden, err=True))
    line = sys.stdin.readline()
    if not line:
        raise ConfigError(f"nothing was given for: {label.lower()}", hint="one answer a line")
    return line.rstrip("\r\n")

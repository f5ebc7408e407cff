"""Where bytes may go, and what only looks like it."""

from __future__ import annotations

import pytest

from ringwall.controls.infrastructure.egress_allowlist import CONTROL
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Destination
from ringwall.model.interaction import Checkpoint
from tests.controls.judging import build, code, vantage

LISTED = (
    "https://api.example.com",
    "https://*.models.example.org:8443",
    "http://127.0.0.1:9000",
    "https://[2001:db8::1]",
)


def ask(host: str, port: int = 443, scheme: str = "https", listed: tuple[str, ...] = LISTED) -> str | None:
    to = Destination("provider", scheme, host, port, "/v1/chat/completions", "main")
    return code(build(CONTROL, destinations=listed), vantage(to, checkpoint=Checkpoint.EGRESS))


@pytest.mark.parametrize(
    ("host", "port", "scheme"),
    [
        ("api.example.com", 443, "https"),
        ("eu.models.example.org", 8443, "https"),
        ("a.b.models.example.org", 8443, "https"),
        ("127.0.0.1", 9000, "http"),
        ("2001:db8::1", 443, "https"),
    ],
)
def test_what_is_listed_is_allowed(host: str, port: int, scheme: str) -> None:
    assert ask(host, port, scheme) is None


@pytest.mark.parametrize(
    ("host", "port", "scheme"),
    [
        ("api.example.com", 444, "https"),
        ("api.example.com", 443, "http"),
        ("api.example.com.evil.example", 443, "https"),
        ("evil-api.example.com", 443, "https"),
        ("api.example.com.", 443, "https"),
        ("API.example.com", 443, "https"),
        ("api.exаmple.com", 443, "https"),  # a Cyrillic a
        ("api.example.com\x00.evil.example", 443, "https"),
        ("api.example.com@evil.example", 443, "https"),
        ("models.example.org", 8443, "https"),
        (".models.example.org", 8443, "https"),
        ("evilmodels.example.org", 8443, "https"),
        ("eu.models.example.org", 443, "https"),
        ("еu.models.example.org", 8443, "https"),
        ("169.254.169.254", 80, "http"),
        ("2130706433", 9000, "http"),
        ("", 443, "https"),
        ("", 0, "builtin"),
        ("api.example.com", 443, "builtin"),
    ],
)
def test_what_only_looks_like_it_is_refused(host: str, port: int, scheme: str) -> None:
    assert ask(host, port, scheme) == "destination_not_listed"


def test_nothing_is_allowed_by_default() -> None:
    assert ask("api.example.com", listed=()) == "destination_not_listed"


def test_a_builtin_model_is_allowed_only_where_it_is_listed() -> None:
    assert ask("", 0, "builtin", ("builtin:",)) is None
    assert ask("x", 0, "builtin", ("builtin:",)) == "destination_not_listed"


@pytest.mark.parametrize(
    "entry",
    [
        "*",
        "https://*",
        "https://*.com",
        "https://*.0.0.1",
        "https://a.example:0",
        "https://a.example:65536",
        "a.example",
        "https://a.example/path",
        "https://user@a.example",
        "ftp://a.example",
        "https://A.example",
        "https://a..example",
        "https://*.*.example.com",
        "https://exаmple.com",
        "builtin",
        "",
    ],
)
def test_an_entry_that_says_too_much_or_nothing_is_named(entry: str) -> None:
    with pytest.raises(ConfigError):
        build(CONTROL, destinations=(entry,))

"""`[egress]`: what it may say, and what is named with file and line."""

from __future__ import annotations

import pytest

from ringwall.config.document import read_text
from ringwall.config.egress import read_egress
from ringwall.config.read import read_configuration
from ringwall.model.errors import ConfigError
from ringwall.model.plan import EgressPlan


def read(text: str) -> EgressPlan:
    document = read_text(text.encode(), "ringwall.toml")
    return read_egress(document, read_configuration(document).egress)


def test_nothing_is_said_by_default_and_nothing_goes_through_a_proxy() -> None:
    assert read("") == EgressPlan()
    assert read("").proxy == ""


def test_a_proxy_comes_with_a_named_key() -> None:
    made = read('[egress]\nproxy = "http://127.0.0.1:8082"\ncredential = "env:EGRESS_KEY"\nprivate = ["10.0.0.0/8"]')
    assert (made.proxy, made.credential, made.private) == ("http://127.0.0.1:8082", "env:EGRESS_KEY", ("10.0.0.0/8",))


@pytest.mark.parametrize(
    "text",
    [
        'proxy = "http://127.0.0.1:8082"',
        'proxy = "http://127.0.0.1:8082"\ncredential = "rw_a_secret"',
        'proxy = "127.0.0.1:8082"\ncredential = "env:K"',
        'proxy = "http://127.0.0.1"\ncredential = "env:K"',
        'proxy = "http://u:p@127.0.0.1:8082"\ncredential = "env:K"',
        'proxy = "http://127.0.0.1:x"\ncredential = "env:K"',
        'proxy = "socks5://127.0.0.1:1080"\ncredential = "env:K"',
        'credential = "env:K"',
        'private = ["10.0.0.1/8"]',
        'private = ["everything"]',
        'private = ["0.0.0.0/0"]',
        "idle_s = 0",
        "hosts = []",
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"ringwall\.toml:\d"):
        read("[egress]\n" + text)

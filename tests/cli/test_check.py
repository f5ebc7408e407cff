"""Can it be taken? Errors with file and line, and what deserves a look."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Command

GOOD = """[upstreams.one]
base_url = "https://one.example.com/v1"

[workloads.chat]
owner = "team"
use_case = "answers"
models = { small = "one" }
"""


def check(ringwall: Command, text: str, *words: str) -> tuple[int, str, str]:
    Path("ringwall.toml").write_text(text)
    said = ringwall("check", *words)
    return said.returncode, said.stdout, said.stderr


def test_without_a_file_it_is_the_one_that_up_runs(ringwall: Command) -> None:
    said = ringwall("check")
    assert said.returncode == 0 and "laptop.toml can be taken" in said.stdout
    assert "model rehearsal/echo from upstream builtin" in said.stdout


def test_what_would_run_is_said(ringwall: Command) -> None:
    code, out, _ = check(ringwall, GOOD)
    assert code == 0
    assert "chat (answers, foundational), owner team" in out
    assert "model small from upstream one" in out
    assert "enforce  application.prompt_attack" in out


LISTEN = '[listen]\ndata = "{}"\n'
LEAVE = 'reason = "r"\nuntil = {}\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("use_case", "use_cas"), 'ringwall.toml:6: unknown key "use_cas"'),
        (GOOD.replace("owner", "ownr"), 'did you mean "owner"'),
        (GOOD + '[controls."infrastructure.network_origin"]\ndeny = ["10.0.0.300"]\n', "ringwall.toml:9:"),
        (GOOD + '[controls."infrastructure.network_origin"]\ndeny = ["10.0.0.1/8"]\n', "ringwall.toml:9:"),
        (GOOD.replace("https://one.example.com", "https://10.0.0.1"), "ringwall.toml:2:"),
        (GOOD.replace("https://one.example.com", "https://169.254.169.254"), "ringwall.toml:2:"),
        (GOOD + LISTEN.format("nowhere"), "ringwall.toml:9:"),
        (GOOD + LISTEN.format("127.0.0.1:99999"), "ringwall.toml:9:"),
        (GOOD + LISTEN.format("0.0.0.0:8080"), "reachable from outside without TLS"),
        (GOOD + LISTEN.format("[::]:8080"), "reachable from outside without TLS"),
        (GOOD + '[listen]\nproxies = ["10.0.0.0/33"]\n', "ringwall.toml:9:"),
        (GOOD + '[listen]\ntls_certificate = "a.pem"\n', "both"),
        (GOOD + '[listen]\ntls_certificate = "a.pem"\ntls_key = "b.pem"\n', "ringwall.toml:9:"),
        (GOOD + '[issuers.a]\nissuer = "https://i.example"\naudiences = ["x"]\n', "ringwall.toml:8:"),
        (
            GOOD + '[issuers.a]\nissuer = "https://i.example"\naudiences = ["x"]\njwks_uri = "https://i.example/k"\n'
            'algorithms = ["HS256"]\n',
            'ringwall.toml:8: issuer "a"',
        ),
        (GOOD + 'policies = ["bad.cedar"]\n', "bad.cedar"),
    ],
)
def test_an_error_names_file_and_line(ringwall: Command, text: str, words: str) -> None:
    Path("bad.cedar").write_text('permit (principal, action == Ringwall::Action::"fly", resource);')
    code, out, err = check(ringwall, text)
    assert code == 2, out
    assert words in err and "Traceback" not in err
    code, out, _ = check(ringwall, text, "--json")
    body = json.loads(out)
    assert code == 2 and body["ok"] is False and body["error"]["problem"]


def test_a_key_set_that_holds_no_key_is_an_error(ringwall: Command) -> None:
    Path("keys.json").write_text('{"keys": []}')
    text = GOOD + '[issuers.a]\nissuer = "https://i.example"\naudiences = ["x"]\njwks_file = "keys.json"\n'
    code, _, err = check(ringwall, text)
    assert code == 2 and "ringwall.toml:8" in err


def test_a_credential_that_is_not_there_is_a_warning(ringwall: Command) -> None:
    text = GOOD.replace('/v1"', '/v1"\ncredential = "env:RINGWALL_TEST_NOT_SET"')
    code, out, _ = check(ringwall, text)
    assert code == 0 and 'ringwall.toml:3: the environment variable "RINGWALL_TEST_NOT_SET" is not set' in out


@pytest.mark.parametrize(("days", "warned"), [(3, True), (60, False)])
def test_leave_that_ends_soon_is_a_warning(ringwall: Command, days: int, warned: bool) -> None:
    until = (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
    text = GOOD + f'[workloads.chat.controls."application.prompt_attack"]\nmode = "observe"\n{LEAVE.format(until)}'
    code, out, _ = check(ringwall, text)
    assert code == 0 and "observe  application.prompt_attack" in out
    assert ("is looser than due for" in out) is warned


def test_a_workload_without_a_model_is_a_warning(ringwall: Command) -> None:
    code, out, _ = check(ringwall, '[workloads.chat]\nowner = "t"\nuse_case = "answers"\n')
    assert code == 0 and 'chat" has no model' in out


def test_json_says_the_same(ringwall: Command) -> None:
    code, out, _ = check(ringwall, GOOD, "--json")
    body = json.loads(out)
    assert code == 0 and body["ok"] is True
    assert body["workloads"]["chat"]["controls"]["application.prompt_attack"] == "enforce"
    assert body["workloads"]["chat"]["models"] == ["small"] and body["digest"].startswith("sha256:")


def test_a_name_that_acts_on_a_terminal_does_not(ringwall: Command) -> None:
    code, out, err = check(ringwall, GOOD.replace('"team"', '"\\u001b[31mteam\\u202e[bold]x[/]"'))
    assert code == 0 and "\x1b" not in out + err and "\u202e" not in out
    assert "[bold]x[/]" in out
    code, out, err = check(ringwall, GOOD + '"\\u001b[2J" = 1\n')
    assert code == 2 and "\x1b" not in err and "\\x1b" in err

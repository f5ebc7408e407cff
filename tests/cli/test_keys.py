"""`ringwall keys` beside a running gateway and without one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringwall.store.ledger.read import entries
from ringwall.store.ledger.verify import verify
from ringwall.vault.keys import read_public_key
from tests.cli.running import Running, command, environment_of, running, within_a_second


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("keys")) as found:
        yield found


def test_a_key_made_beside_the_gateway_works_and_a_revoked_one_is_refused_within_a_second(gateway: Running) -> None:
    made = gateway.run_json("keys", "create", "ci", "--workload", "rehearsal", "--expires", "30d")
    assert within_a_second(200, lambda: gateway.chat(made["secret"])).status == 200
    assert gateway.run_json("keys", "revoke", made["key"]["id"]) == {"done": True}
    assert "revoked" in within_a_second(401, lambda: gateway.chat(made["secret"])).body.decode()


def test_a_key_of_another_workload_opens_nothing(gateway: Running) -> None:
    made = gateway.run_json("keys", "create", "other", "--workload", "elsewhere")
    assert gateway.chat(made["secret"]).status in (401, 403, 404)


def test_an_api_key_does_not_administer(gateway: Running) -> None:
    made = gateway.run_json("keys", "create", "root", "--workload", "rehearsal", "--role", "administrator")
    within_a_second(200, lambda: gateway.chat(made["secret"]))
    assert gateway.call("/status", token=made["secret"]).status == 401


def test_a_key_is_printed_once_and_stands_nowhere(gateway: Running) -> None:
    said = gateway.run("keys", "create", "once", "--workload", "rehearsal")
    secret = next(word for word in said.stdout.split() if word.startswith("rw_"))
    assert secret not in gateway.run("keys", "list", "--all").stdout
    for path in (gateway.folder / "d").rglob("*"):
        if path.is_file():
            assert secret.split("_", 2)[2].encode() not in path.read_bytes()


def test_an_access_key_is_printed_once_and_its_secret_stands_nowhere(gateway: Running) -> None:
    said = gateway.run("keys", "create", "signing", "--workload", "rehearsal", "--aws").stdout
    found = dict(line.strip().split("=", 1) for line in said.splitlines() if "AWS_" in line)
    secret = found["AWS_SECRET_ACCESS_KEY"]
    assert found["AWS_ACCESS_KEY_ID"].startswith("RWKA") and len(secret) == 40
    listed = gateway.run_json("keys", "list")["keys"]
    assert found["AWS_ACCESS_KEY_ID"] in [each["aws_access_key_id"] for each in listed]
    for path in (gateway.folder / "d").rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes()


def test_an_access_key_stands_in_what_a_script_reads(gateway: Running) -> None:
    made = gateway.run_json("keys", "create", "script", "--workload", "rehearsal", "--aws")
    assert len(made["aws_secret_access_key"]) == 40 and made["key"]["aws_access_key_id"].startswith("RWKA")
    plain = gateway.run_json("keys", "create", "plain", "--workload", "rehearsal")
    assert plain["aws_secret_access_key"] is None and plain["key"]["aws_access_key_id"] is None


def test_each_change_stands_in_the_ledger_before_and_after_and_the_ledger_verifies(gateway: Running) -> None:
    made = gateway.run_json("keys", "create", "recorded", "--workload", "rehearsal", "--role", "rehearsal/reader")
    found = [each.fields() for each in entries(gateway.folder / "d/ledger", containing=b'"key.create"')]
    proceeds, done = [each for each in found if each["resource"]["name"] == "recorded"]
    assert (proceeds["outcome"], done["outcome"], done["cause"]) == ("proceeds", "done", [proceeds["id"]])
    assert (done["decision"]["made"], done["principal"]["issuer"]) == (made["key"]["id"], "ringwall:local")
    report = verify(gateway.folder / "d/ledger", read_public_key(gateway.folder / "d/ledger/ledger.pub"))
    assert report.findings == ()


def test_hostile_names_are_inert_on_the_terminal(gateway: Running) -> None:
    hostile = "[red]x[/] \u202e\u2066 [link=https://evil.example]y"
    made = gateway.call("/keys", body={"name": "a", "workloads": ["rehearsal"], "subject": hostile.replace("\u202e", "").replace("\u2066", "é")})  # fmt: skip # noqa: E501
    assert made.status == 201
    said = gateway.run("keys", "list").stdout
    assert "[red]x[/]" in said and "\\xe9" in said and "é" not in said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["create", "x", "--workload", "No Such"], "by their ids"),
        (["create", "x", "--workload", "a", "--expires", "soon"], "90m, 12h, 30d"),
        (["create", "x", "--workload", "a", "--role", "A B"], "a role is spelled"),
        (["create", "\x1b[2J", "--workload", "a"], "printable"),
        (["revoke", "ffffffffffff"], "no such key"),
        (["revoke", "../../etc/passwd"], "no such key"),
    ],
)
def test_errors_say_what_to_do(gateway: Running, words: list[str], why: str) -> None:
    said = gateway.run("keys", *words)
    assert said.returncode != 0 and why in said.stderr and "Traceback" not in said.stderr
    assert "\x1b" not in said.stdout + said.stderr


def test_a_folder_without_an_installation_is_an_error_and_stays_empty(tmp_path: Path) -> None:
    said = command("keys", "list", environment=environment_of(tmp_path), data_dir=tmp_path / "none")
    assert said.returncode == 2 and "ringwall up makes one" in said.stderr
    assert not (tmp_path / "none").exists()


def test_help_has_examples(tmp_path: Path) -> None:
    for words in (["keys", "create"], ["contain", "add"], ["users", "invite"], ["login"]):
        said = command(*words, "--help", environment=environment_of(tmp_path), data_dir=tmp_path)
        assert said.returncode == 0 and "Example" in said.stdout


def test_the_command_works_as_a_process_too(gateway: Running) -> None:
    said = gateway.spawn("keys", "list", "--all", "--json")
    assert said.returncode == 0 and isinstance(json.loads(said.stdout)["keys"], list)

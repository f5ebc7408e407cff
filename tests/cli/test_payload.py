"""`ringwall payload`: content behind a record, only where the plan keeps it; reading it is on record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.running import Running, running
from tests.ledgers import records

CONFIG = """
[workloads.kept]
owner = "ada"
use_case = "answers"
rehearsal = true
payload_days = 7
models = { "rehearsal/echo" = "builtin" }
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("payload")
    config = folder / "kept.toml"
    config.write_text(CONFIG)
    with running(folder, config=config) as found:
        yield found


def test_a_prompt_is_kept_sealed_and_opened_with_a_record_of_it(gateway: Running) -> None:
    answered = gateway.chat(gateway.ready["api_key"], "Which [bold]tent[/] \x1b[31msleeps four?")
    assert answered.status == 200
    data_dir = Path(gateway.ready["data_dir"])
    chain = records(data_dir, answered.headers["x-request-id"])
    inbound = next(each for each in chain if each["checkpoint"] == "inbound")
    said = gateway.run_json("payload", inbound["id"])
    assert said["parts"][0]["value"] == "Which [bold]tent[/] \x1b[31msleeps four?" and said["workload"] == "kept"
    shown = gateway.run("payload", inbound["id"]).stdout
    assert "\x1b[31m" not in shown and "\\x1b[31msleeps" in shown and "[bold]tent[/]" in shown
    reads = [each for each in records(data_dir) if each["action"] == "payload.read"]
    assert [each["resource"]["name"] for each in reads] == [inbound["id"]] * 2
    assert all(b"sleeps" not in path.read_bytes() for path in data_dir.rglob("*") if path.is_file())


def test_a_streamed_answer_is_kept_as_it_was_released(gateway: Running) -> None:
    answered = gateway.chat(gateway.ready["api_key"], "Which stove burns wood?", stream=True)
    closing = [
        each
        for each in records(Path(gateway.ready["data_dir"]), answered.headers["x-request-id"])
        if each["kind"] == "closing"
    ]
    said = gateway.run_json("payload", closing[0]["id"])
    assert "".join(each["value"] for each in said["parts"]) == "Which stove burns wood?"


def test_what_is_not_kept_says_why(gateway: Running) -> None:
    said = gateway.run("payload", "rec_" + "0" * 32)
    assert said.returncode == 1 and "payload_days" in said.stderr
    assert said.stdout == ""

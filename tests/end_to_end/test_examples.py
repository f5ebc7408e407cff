"""The examples run against a gateway and end as their words promise; their configurations can be taken."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process import Gateway

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PROMISES = {
    "openai_chat.py": (
        "< Which hiking boots are waterproof?",
        "< My card is [CARD_NUMBER], can I pay with it?",
        '! refused by "application.prompt_attack"',
    ),
    "streaming.py": ("together: Our test card is [CARD_NUMBER], it expires next year",),
    "agent_tools.py": (
        "the model called read_ticket({'id': 8})",
        '! refused by "application.prompt_attack"',
        '! refused by "identity_data.tool_permission": no policy permits this call',
        "mails sent: 1",
    ),
}


@pytest.fixture(scope="module")
def helpdesk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with the configuration that the agent's example names."""
    made = Gateway(tmp_path_factory.mktemp("helpdesk"), ["--config", str(EXAMPLES / "agent.toml")]).start()
    yield made
    made.stop()


def run(gateway: Gateway, script: str) -> str:
    ready = gateway.folder / "ready.json"
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script), str(ready)],
        env=dict(os.environ), capture_output=True, text=True, timeout=120, cwd=gateway.folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run() -> None:
    assert {each.name for each in EXAMPLES.glob("[!_]*.py")} == set(PROMISES)


@pytest.mark.parametrize("script", PROMISES)
def test_an_example_ends_as_it_promises(gateway: Gateway, helpdesk: Gateway, script: str) -> None:
    said = run(helpdesk if script == "agent_tools.py" else gateway, script)
    for words in PROMISES[script]:
        assert words in said, said


def test_a_card_in_two_halves_never_comes_out_in_pieces(gateway: Gateway) -> None:
    assert not re.search(r"[0-9]{4}", run(gateway, "streaming.py"))


def test_the_command_that_an_example_prints_tells_why(helpdesk: Gateway) -> None:
    said = run(helpdesk, "agent_tools.py")
    words = re.search(r"ringwall (explain rec_[0-9a-f]{32} --data-dir \S+)", said)
    assert words is not None, said
    told = helpdesk.run(*words[1].split())
    assert "refused at tool_result by application.prompt_attack: instruction_override" in told.stdout, told.stderr
    assert "covered by a signed checkpoint" in told.stdout


def test_the_ledger_is_green_while_the_gateway_runs(gateway: Gateway) -> None:
    run(gateway, "openai_chat.py")
    said = gateway.run("ledger", "verify", "--data-dir", str(gateway.data_dir))
    assert said.returncode == 0 and said.stdout.startswith("green "), said.stdout


@pytest.mark.parametrize("config", sorted(EXAMPLES.glob("*.toml")), ids=lambda each: each.name)
def test_a_configuration_can_be_taken(gateway: Gateway, config: Path) -> None:
    said = gateway.run("check", "--config", str(config))
    assert said.returncode == 0, said.stderr

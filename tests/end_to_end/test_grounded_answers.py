"""Step 7 on the whole road: answers that nobody can support or prove do not reach the caller, streamed or not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests import ledgers
from tests.process import Gateway

CONFIG = """
[workloads.grounded]
owner = "tests"
use_case = "connects"
rehearsal = true
models = { "rehearsal/echo" = "builtin" }

[workloads.grounded.controls."application.contextual_grounding"]
echo = false

[workloads.reasoned]
owner = "tests"
use_case = "connects"
rehearsal = true
path_prefix = "/reasoned"
models = { "rehearsal/echo" = "builtin" }

[workloads.reasoned.controls."application.automated_reasoning"]
rules = ["(real price)", "(read price answer money)", "(require within_budget (<= price 500))"]
"""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("grounded")
    (folder / "ringwall.toml").write_text(CONFIG)
    made = Gateway(folder, ["--config", str(folder / "ringwall.toml")]).start()
    yield made
    workers = children(made)
    assert made.stop() == 0
    assert workers
    assert not any(is_worker(pid) for pid in workers)
    assert ledgers.verified(made.data_dir).is_green


def is_worker(pid: int) -> bool:
    try:
        return b"ringwall.compute.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def children(gateway: Gateway) -> list[int]:
    """The worker processes of a gateway."""
    assert gateway.process is not None
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(each.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == gateway.process.pid and is_worker(int(each.parent.name)):
            found.append(int(each.parent.name))
    return found


def ask(gateway: Gateway, workload: str, words: str, *, stream: bool = False) -> str:
    said = gateway.said
    root = str(said["base_url"]).removesuffix("/v1")
    with openai.OpenAI(base_url=f"{root}/w/{workload}/v1", api_key=str(said["api_key"]), max_retries=0) as client:
        messages = [{"role": "user", "content": words}]
        if not stream:
            answer = client.chat.completions.create(model="rehearsal/echo", messages=messages)
            return str(answer.choices[0].message.content)
        pieces = client.chat.completions.create(model="rehearsal/echo", messages=messages, stream=True)
        return "".join(each.choices[0].delta.content or "" for each in pieces if each.choices)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("workload", "words"),
    [
        ("grounded", "Which hiking boots are waterproof?"),
        ("grounded", "Paris is the capital of France, founded long before 1900."),
        ("reasoned", "The Ridge tent costs $400."),
        ("reasoned", "Hello there."),
    ],
)
def test_ordinary_answers_pass(gateway: Gateway, workload: str, words: str, stream: bool) -> None:
    assert ask(gateway, workload, words, stream=stream) == words


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("workload", "words", "control"),
    [
        ("grounded", "Your account number is 12345678.", "application.contextual_grounding"),
        ("reasoned", "The Ridge tent costs $900.", "application.automated_reasoning"),
    ],
)
def test_what_nothing_supports_does_not_reach_the_caller(
    gateway: Gateway, workload: str, words: str, control: str, stream: bool
) -> None:
    with pytest.raises(openai.APIError) as refused:
        ask(gateway, workload, words, stream=stream)
    assert control in str(refused.value)
    assert "12345678" not in str(refused.value)


def test_a_worker_that_is_killed_costs_one_answer_at_most(gateway: Gateway) -> None:
    import os
    import signal

    assert ask(gateway, "reasoned", "It costs $400.") == "It costs $400."
    for pid in children(gateway):
        os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            assert ask(gateway, "reasoned", "It costs $401.") == "It costs $401."
            return
        except openai.APIError as error:
            assert "could not decide" in str(error)  # refused, never let through
    raise AssertionError("no worker took its place")

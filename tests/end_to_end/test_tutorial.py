"""The tutorial is true: its commands are run, and what it shows is compared with what they say."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.process import Gateway

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorials" / "first-five-minutes.md").read_text("utf-8")
RECORD = re.compile(r"rec_[0-9a-f]{32}")


def steps() -> list[tuple[str, str]]:
    """Each command of the page, with what it shows."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for each in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = each.partition("\n")
            found.append((command, shown))
    return found


def fits(shown: str, said: str) -> bool:
    """True when what is shown is what was said; `...` is any text of a line, alone on a line any lines."""
    lines = [
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + "\n"
        for line in shown.splitlines()
    ]
    return re.fullmatch("".join(lines), said if said.endswith("\n") else said + "\n") is not None


def run(gateway: Gateway, command: str, seen: str) -> str:
    words = command.split()
    if words[:2] == ["ringwall", "up"]:
        end = time.monotonic() + 20  # it is the gateway that runs already, and it speaks after it is ready
        while "Stop with" not in gateway.log and time.monotonic() < end:
            time.sleep(0.05)
        return gateway.log
    if words[0] == "python":
        script = [sys.executable, str(ROOT / words[1])]
        return subprocess.run(script, capture_output=True, text=True, cwd=gateway.folder, timeout=120).stdout
    words = [RECORD.findall(seen)[-1] if each == "rec_..." else each for each in words[1:]]
    if words[0] in ("explain", "ledger"):
        words += ["--data-dir", str(gateway.data_dir)]
    done = gateway.run(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def own_gateway(tmp_path_factory: pytest.TempPathFactory):
    made = Gateway(tmp_path_factory.mktemp("tutorial")).start()
    yield made
    made.stop()


def test_the_tutorial_is_true(own_gateway: Gateway) -> None:
    seen = ""
    assert len(steps()) == 7
    for command, shown in steps():
        said = run(own_gateway, command, seen)
        assert fits(shown, said), f"$ {command}\n--- shown\n{shown}\n--- said\n{said}"
        seen += said


def test_the_comparison_would_notice() -> None:
    assert fits("a ... c\n...\nz\n", "a b c\nx\ny\nz\n")
    assert not fits("a ... c\nz\n", "a b d\nz\n")
    assert not fits("a\n", "a\nb\n")

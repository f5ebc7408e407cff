"""`ringwall rehearse`: what was promised holds; and it can fail: with everything off, or with a control broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.process import SOURCE

SAMPLE = 60
BROKEN = """
import sys
from importlib import abc, machinery, util

NAME = "ringwall.controls.application.prompt_attack"


class Breaks(abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != NAME:
            return None
        sys.meta_path.remove(self)
        spec = util.find_spec(name)
        whole = spec.loader.exec_module

        def exec_module(module):
            whole(module)

            async def examine(self, vantage):
                from ringwall.model.verdict import Allow

                return Allow(vantage.everything)

            module.CONTROL.examine = examine

        spec.loader.exec_module = exec_module
        return spec


sys.meta_path.insert(0, Breaks())
"""
"""Loaded by every process that the test starts: step 4 lets everything pass."""


def run(folder: Path, *words: str, path: str = "") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (path, str(SOURCE)))), "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-m", "ringwall", "rehearse", *words],
        capture_output=True, text=True, timeout=300, check=False, env=environment, cwd=folder,
    )  # fmt: skip


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("rehearsal")
    words = ("--sample", str(SAMPLE), "--seed", "3", "--json", "--svg", "a.svg", "--html", "a.html")
    done = run(folder, *words)
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert done.returncode == 0, (broken(report), done.stderr)
    return folder, report


def broken(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in report["plays"] for aim in each["promised"] if each[aim]["outcome"] == "leaked"]


def test_what_was_promised_holds(sampled: tuple[Path, dict[str, Any]]) -> None:
    report = sampled[1]
    assert len(report["plays"]) == SAMPLE and report["broken"] == 0 < report["promised"]
    for play in report["plays"]:
        for cell in (play["show"], play["send"]):
            assert cell["outcome"] == "leaked" or cell["step"] in play["on"]


def test_with_every_step_off_the_numbers_are_shown_and_reach_the_host_outside(
    sampled: tuple[Path, dict[str, Any]],
) -> None:
    off = [each for each in sampled[1]["plays"] if each["variant"] == "direct" and not each["on"]]
    assert {each["attacker"] for each in off} == {"outsider", "insider"}
    for each in off:
        assert each["show"] == each["send"] == {"outcome": "leaked", "step": None, "control": None, "records_out": 30}


def test_picture_and_page_are_written(sampled: tuple[Path, dict[str, Any]]) -> None:
    folder = sampled[0]
    assert ElementTree.parse(folder / "a.svg").getroot().tag.endswith("svg")
    assert "Content-Security-Policy" in (folder / "a.html").read_text()


@pytest.mark.deep
def test_a_control_that_is_broken_turns_it_red(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(BROKEN)
    done = run(tmp_path, "--sample", str(SAMPLE), "--seed", "3", "--json", path=str(tmp_path))
    report = json.loads(done.stdout)
    leaked = broken(report)
    assert done.returncode == 1 and report["broken"] == len(leaked) > 0
    assert [each for each in leaked if 4 not in each["on"]] == []


def test_nothing_of_it_stays(sampled: tuple[Path, dict[str, Any]]) -> None:
    assert sorted(each.name for each in sampled[0].iterdir()) == ["a.html", "a.svg"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--full", "--sample", "3"), "give one of"),
        (("--sample", "0"), "equal to 1"),
        (("--html", "no/such/folder/a.html"), "cannot be written"),
    ],
)
def test_wrong_words_are_refused_before_anything_runs(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = run(tmp_path, *words)
    assert done.returncode == 2 and told in done.stderr + done.stdout

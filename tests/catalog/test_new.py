"""The three files of a new control pass the checks as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ringwall.catalog.load import load_catalog, read_entry
from ringwall.catalog.new import new_control
from ringwall.model.errors import ConfigError

ROOT = Path(__file__).parents[2]


def test_the_entry_is_taken_by_the_catalog() -> None:
    entry, lines = read_entry(
        "application", "polite_words.toml", new_control("application.polite_words", "Polite words")[0].text,
        load_catalog().frameworks,
    )  # fmt: skip
    assert entry.id == "application.polite_words"
    assert set(lines) == set(entry.defaults) == {"max_characters"}


def test_paths_mirror_each_other() -> None:
    assert [each.path for each in new_control("identity_data.polite_words", "Polite words")] == [
        "src/ringwall/catalog/identity_data/polite_words.toml",
        "src/ringwall/controls/identity_data/polite_words.py",
        "tests/controls/identity_data/test_polite_words.py",
    ]


@pytest.mark.parametrize("id", ["application.polite_words", "infrastructure.x2", "identity_data.a_b_c"])
def test_the_three_files_run_where_they_are_put(id: str, tmp_path: Path) -> None:
    layer, name = id.split(".")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "ringwall").symlink_to(ROOT / "src" / "ringwall")
    entry, control, test = new_control(id, "Polite words")
    (tmp_path / "control.py").write_text(control.text)
    (tmp_path / "test_it.py").write_text(
        test.text.replace(f"from ringwall.controls.{layer}.{name} import", "from control import").replace(
            "from tests.controls.judging import build, judge, vantage",
            "import tomllib\nfrom pathlib import Path\nimport tests.controls.judging as judging\n"
            "judging.entry = lambda control: tomllib.loads((Path(__file__).parent / 'entry.toml').read_text())\n"
            "from tests.controls.judging import build, judge, vantage",
        )
    )
    (tmp_path / "entry.toml").write_text(entry.text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:asyncio", "test_it.py"],
        cwd=tmp_path, env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}:{tmp_path}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--line-length", "120", "--check", "control.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr


@pytest.mark.parametrize("id", ["polite_words", "governance.polite_words", "application.Polite", "application.", "x.y"])
def test_what_is_no_id_of_a_control_is_refused(id: str) -> None:
    with pytest.raises(ConfigError, match="not the id of a control"):
        new_control(id, "Polite words")


@pytest.mark.parametrize("title", ["", "  ", 'a "b"', "a\nb", "a\\b"])
def test_what_is_no_plain_title_is_refused(title: str) -> None:
    with pytest.raises(ConfigError, match="not a plain title"):
        new_control("application.polite_words", title)

"""The house stays as planned: every file has its test, every built control its entry, no file grows past its size."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
import tomllib
from collections.abc import Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from ringwall.catalog.load import load_catalog
from ringwall.compose import built_controls
from ringwall.model.control import Control, Settings
from ringwall.model.framework import How
from ringwall.model.interaction import Checkpoint

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "ringwall"
TESTS = ROOT / "tests"
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
NOT_MIRRORED = {
    "__init__.py",
    "__main__.py",
    "store/migrations/env.py",
}
"""Files without behaviour of their own."""


def declares_only(path: Path) -> bool:
    """True for a file of types, tables and protocols: nothing in it has a body that could be wrong."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = [
                each for each in node.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
            ]
            if body:
                return False
    return True


sources = sorted(path for path in SOURCE.rglob("*.py") if "versions" not in path.parts)


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", sources, ids=name)
def test_every_file_has_its_test(path):
    if path.name == "__init__.py" or name(path) in NOT_MIRRORED or declares_only(path):
        return
    mirror = TESTS / path.relative_to(SOURCE).with_name(f"test_{path.name}")
    assert mirror.exists(), f"{mirror.relative_to(ROOT)} is missing"


@pytest.mark.parametrize("path", sources, ids=name)
def test_no_file_and_no_function_is_too_long(path):
    text = path.read_text("utf-8")
    assert text.count("\n") <= MAX_FILE_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno is not None:
            length = node.end_lineno - node.lineno + 1
            assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


@pytest.mark.parametrize("path", sources, ids=name)
def test_every_file_says_which_question_it_answers(path):
    if path.name != "__init__.py" or path.read_text("utf-8").strip():
        assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_errors_are_caught_whole_in_one_place_only():
    places = [
        f"{name(path)}:{node.lineno}"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    ]
    assert [place.partition(":")[0] for place in places] == ["engine/chain.py"]


def test_every_control_file_has_a_built_entry_and_every_built_entry_its_control():
    files = {
        f"{path.parent.name}.{path.stem}" for path in (SOURCE / "controls").rglob("*.py") if path.name != "__init__.py"
    }
    entries = load_catalog().entries.values()
    built = {str(entry.id) for entry in entries if entry.built and entry.how is How.ENFORCED and entry.checkpoints}
    assert files == built == {str(control) for control in built_controls()}


@pytest.mark.parametrize("control", built_controls().values(), ids=lambda control: str(control.id))
def test_a_control_and_its_entry_agree(control: type[Control]):
    entry = load_catalog().entries[control.id]
    assert set(entry.checkpoints) == {str(point) for point in control.checkpoints}
    assert set(entry.defaults) == set(control.settings_type.__dataclass_fields__)
    parts = {f"{each}.{key}" for each, value in entry.defaults.items() if isinstance(value, Mapping) for key in value}
    assert entry.may_relax <= {*entry.defaults, *parts, "mode"}
    assert issubclass(control.settings_type, Settings)
    assert importlib.import_module(f"ringwall.controls.{entry.id}").CONTROL is control


@pytest.mark.parametrize("control", built_controls().values(), ids=lambda control: str(control.id))
def test_a_control_that_reads_answers_reads_streams_too(control: type[Control]):
    if Checkpoint.RESPONSE in control.checkpoints and control.lookback:
        assert Checkpoint.CHUNK in control.checkpoints
    if Checkpoint.CHUNK in control.checkpoints:
        assert control.lookback is not None


@pytest.mark.parametrize("control", built_controls().values(), ids=lambda control: str(control.id))
def test_every_code_that_a_control_can_give_is_in_its_entry(control: type[Control]):
    kinds = load_catalog().entries[control.id].evidence_kinds
    source = inspect.getsource(importlib.import_module(f"ringwall.controls.{control.id}"))
    codes = set(re.findall(r'Evidence\(\s*"([a-z_]+)"', source)) | set(
        re.findall(r'Deny\(\s*[^,()]*(?:\([^()]*\))?,\s*"([a-z_]+)"', source)
    )
    assert codes <= kinds


def test_no_file_carries_a_path_of_a_machine_or_the_address_of_an_index():
    hidden = re.compile(r"/(?:home|root|work)/[a-z]|pypi\.org|registry\.npmjs|files\.pythonhosted")
    for path in [*sources, *(ROOT / "requirements").glob("*.txt"), *(ROOT / "docs").rglob("*.md")]:
        assert not hidden.search(path.read_text("utf-8")), path


def test_the_lock_names_versions_and_hashes_only():
    for path in (ROOT / "requirements").glob("*.txt"):
        for line in path.read_text().splitlines():
            assert re.fullmatch(
                r"[A-Za-z0-9_.\[\],-]+==\S+( ; [^/]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line
            ), line


def test_everything_that_is_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.split(r"[\[<>=;! ]", each)[0].lower().replace("_", "-") for each in declared}
    packages = packages_distributions()
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                modules = [node.module]
            for module in modules:
                top = module.partition(".")[0]
                if top == "ringwall" or top in sys.stdlib_module_names:
                    continue
                assert {each.lower().replace("_", "-") for each in packages.get(top, [])} & names, (
                    f"{name(path)} imports {module}"
                )

"""The catalog is complete, consistent, and refuses what it cannot take."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringwall.catalog.load import Catalog, load_catalog, read_catalog
from ringwall.model.errors import ConfigError
from ringwall.model.framework import ControlId, How, Layer, Phase, Trait, UseCase, Workload, WorkloadId, due

ENTRY = """title = "A control"
question = "Does it hold?"
use_cases = ["answers"]
phase = "foundational"
placement = "seed"
how = "enforced"
built = true
checkpoints = ["inbound"]
evidence_days = 7
may_relax = ["words"]

[defaults]
limit = 3
words = ["a"]

[defaults.kinds]
card = "hide"

[passage]
section = "A heading"
quote = "words of the source"

[crosswalk]
owasp = ["LLM01"]
"""
FRAMEWORK = 'title = "OWASP"\nversion = "1"\nlicence = "free"\n\n[ids]\nLLM01 = "Prompt Injection"\n'


def tree(root: Path, entry: str = ENTRY, name: str = "a_control.toml") -> Catalog:
    (root / "crosswalk").mkdir()
    (root / "crosswalk" / "owasp.toml").write_text(FRAMEWORK)
    (root / "application").mkdir()
    (root / "application" / name).write_text(entry)
    return read_catalog(root)


def test_the_catalog_loads_whole() -> None:
    catalog = load_catalog()
    assert len(catalog.entries) >= 90
    assert list(catalog.entries) == sorted(catalog.entries)
    for entry in catalog.entries.values():
        assert entry.crosswalk, entry.id
        assert entry.passage.quote
        if entry.layers == frozenset(Layer):
            assert entry.id.startswith("governance.")
        if entry.built:
            assert entry.how is How.ENFORCED


def test_no_two_entries_share_title_or_question() -> None:
    entries = load_catalog().entries.values()
    assert len({entry.title for entry in entries}) == len(entries)
    assert len({entry.question for entry in entries}) == len(entries)


def test_all_four_folders_three_phases_and_three_use_cases_are_there() -> None:
    entries = load_catalog().entries.values()
    assert {entry.id.split(".")[0] for entry in entries} == {*Layer, "governance"}
    assert {entry.phase for entry in entries} == set(Phase)
    assert {min(entry.use_cases) for entry in entries} == set(UseCase)
    assert any(Trait.PHYSICAL in entry.traits for entry in entries)


@pytest.mark.parametrize(
    ("step", "controls"),
    [
        (2, {"infrastructure.request_firewall"}),
        (4, {"application.prompt_attack", "application.content_filter", "application.denied_topics"}),
        (5, {"identity_data.tool_permission", "identity_data.information_flow", "application.human_approval"}),
        (6, {"identity_data.data_encryption", "identity_data.credential_lease"}),
        (7, {"application.automated_reasoning", "application.contextual_grounding"}),
        (9, {"infrastructure.egress_volume"}),
    ],
)
def test_each_step_of_the_worked_example_is_carried(step: int, controls: set[str]) -> None:
    carrying = {entry.id for entry in load_catalog().entries.values() if entry.step == step}
    assert {ControlId(each) for each in controls} <= carrying


def test_the_matrix_is_computed_and_every_cell_is_named() -> None:
    catalog = load_catalog()
    matrix = catalog.matrix()
    assert len(matrix) == 27
    counted = {id for ids in matrix.values() for id in ids}
    assert counted == set(catalog.entries)
    governance = [id for id in counted if id.startswith("governance.")]
    for id in governance:
        assert sum(id in ids for ids in matrix.values()) == 3


def test_due_is_cumulative() -> None:
    entries = load_catalog().entries.values()

    def count(use_case: UseCase, phase: Phase, traits: frozenset[Trait] = frozenset()) -> set[ControlId]:
        workload = Workload(WorkloadId("w"), "owner", use_case, phase, traits)
        return {entry.id for entry in due(entries, workload)}

    smallest = count(UseCase.ANSWERS, Phase.FOUNDATIONAL)
    assert smallest < count(UseCase.CONNECTS, Phase.FOUNDATIONAL) < count(UseCase.ACTS, Phase.FOUNDATIONAL)
    assert smallest < count(UseCase.ANSWERS, Phase.ENHANCED) < count(UseCase.ANSWERS, Phase.ADVANCED)
    physical = count(UseCase.ACTS, Phase.ADVANCED, frozenset({Trait.PHYSICAL}))
    assert physical == set(load_catalog().entries)


def test_defaults_remember_file_and_line(tmp_path: Path) -> None:
    catalog = tree(tmp_path)
    lines = catalog.provenance[ControlId("application.a_control")]
    assert str(lines["limit"]) == "catalog/application/a_control.toml:13"
    assert lines["words"].line == 14
    assert lines["kinds"].line == 16
    entry = catalog.entries[ControlId("application.a_control")]
    assert entry.defaults["words"] == ("a",)
    assert catalog.covering("owasp", "LLM01") == (entry.id,)
    with pytest.raises(TypeError):
        entry.defaults["kinds"]["card"] = "allow"  # type: ignore[index]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('phase = "foundational"', 'phase = "first"', r'a_control.toml:4: unknown phase "first"'),
        ('owasp = ["LLM01"]', 'owasp = ["LLM99"]', r'a_control.toml:24: no id "LLM99" in framework "owasp"'),
        ('owasp = ["LLM01"]', 'nist = ["A"]', r'unknown framework "nist"'),
        ('placement = "seed"', 'placement = "ours"', "a placement of ours needs a reason"),
        ('placement = "seed"', 'placement = "mine"', 'unknown placement "mine"'),
        ("built = true", "built = 1", 'field "built" has the wrong type'),
        ("evidence_days = 7", "evidence_days = true", 'field "evidence_days" has the wrong type'),
        ("evidence_days = 7", "evidence_days = 0", "evidence cannot be younger"),
        ("evidence_days = 7", "days = 7", 'unknown field "days"'),
        ('how = "enforced"', 'how = "verified"', "only an enforced control stands at checkpoints"),
        ('checkpoints = ["inbound"]', "", "a built control stands at some checkpoint"),
        ('checkpoints = ["inbound"]', 'checkpoints = ["nowhere"]', 'unknown checkpoints "nowhere"'),
        ('"Does it hold?"', '"It holds."', "a question ends with a question mark"),
        ('may_relax = ["words"]', 'may_relax = ["pace"]', '"pace" may be relaxed but has no default'),
        ('may_relax = ["words"]', 'may_relax = ["words", "words"]', "names something twice"),
        ('may_relax = ["words"]', 'may_relax = ["Words!"]', "not a name"),
        ('use_cases = ["answers"]', "use_cases = []", "at least one use case"),
        ('title = "A control"', "", 'field "title" is missing'),
        ('title = "A control"', 'title = """A\ncontrol"""', "multi-line strings"),
        ('title = "A control"', "title = ", "not valid TOML"),
        ('quote = "words of the source"', "", "a passage has a section and a quote"),
        ("built = true", "built = true\nstep = 11", "no such step"),
    ],
)
def test_what_cannot_be_taken_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        tree(tmp_path, ENTRY.replace(old, new))


def test_a_file_name_that_is_no_control_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a control id"):
        tree(tmp_path, name="A-Control.toml")

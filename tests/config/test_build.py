"""From a file to a plan, whole or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.catalog.load import load_catalog
from ringwall.compose import settings_types
from ringwall.config.build import MAX_BESIDE_BYTES, build_plan
from ringwall.config.document import read_file
from ringwall.detectors.logic import parse
from ringwall.model.errors import ConfigError
from ringwall.model.framework import ControlId, How, WorkloadId, due
from ringwall.model.plan import Mode
from tests.config import toml
from tests.config.plans import NOW, plan_of, sample

WORKLOAD = """[upstreams.one]
base_url = "https://one.example.com/v1"

[workloads.chat]
owner = "team"
use_case = "answers"
models = { small = "one" }
"""
TEMPLATES = [each for each in (files("ringwall.config") / "templates").iterdir() if each.name.endswith(".toml")]


def fails(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        plan_of(text)
    return caught.value.public


def test_the_sample_is_a_plan() -> None:
    plan = plan_of(toml.document(sample()))
    chat = plan.workloads[WorkloadId("chat")]
    limit = chat.control(ControlId("infrastructure.rate_limit"))
    assert limit is not None and limit.settings.principal_requests == 100  # type: ignore[attr-defined]
    assert chat.route("large") is not None
    assert plan.expires == NOW + timedelta(days=30)


def test_what_is_due_runs_or_is_a_vacancy() -> None:
    plan = plan_of(toml.document(sample()))
    for each in plan.workloads.values():
        wanted = {
            entry.id for entry in due(load_catalog().entries.values(), each.workload) if entry.how is How.ENFORCED
        }
        assert {control.id for control in each.controls} | set(each.vacancies) == wanted
        assert not {control.id for control in each.controls} & set(each.vacancies)


def test_a_workload_may_run_a_control_before_it_is_due() -> None:
    early = ControlId("application.contextual_grounding")
    assert plan_of(WORKLOAD).workloads[WorkloadId("chat")].control(early) is None
    text = WORKLOAD + f'\n[workloads.chat.controls."{early}".sanctioned]\nsearch_products = "source"\n'
    control = plan_of(text).workloads[WorkloadId("chat")].control(early)
    assert control is not None
    assert (control.mode, control.waiver) == (Mode.ENFORCE, None)
    assert control.settings.sanctioned == {"search_products": "source"}  # type: ignore[attr-defined]


def test_own_upstreams_are_the_default_destinations() -> None:
    plan = plan_of(toml.document(sample()))
    control = plan.workloads[WorkloadId("chat")].control(ControlId("infrastructure.egress_allowlist"))
    assert control is not None
    assert control.settings.destinations == ("https://one.example.com", "https://two.example.com")  # type: ignore[attr-defined]


def test_every_value_of_the_file_keeps_its_line() -> None:
    text = WORKLOAD + '\n[controls."infrastructure.rate_limit"]\nprincipal_requests = 10\n'
    text += '\n[workloads.chat.controls."infrastructure.rate_limit"]\nworkload_requests = 20\n'
    control = plan_of(text).workloads[WorkloadId("chat")].control(ControlId("infrastructure.rate_limit"))
    assert control is not None
    where = {name: str(each) for name, each in control.provenance}
    assert where["principal_requests"] == "test.toml:10"
    assert where["workload_requests"] == "test.toml:13"
    assert where["address_requests"].startswith("catalog/infrastructure/rate_limit.toml:")


def test_a_workload_cannot_loosen_what_its_organisation_tightened() -> None:
    text = WORKLOAD + '\n[controls."infrastructure.rate_limit"]\nprincipal_requests = 10\n'
    text += '\n[workloads.chat.controls."infrastructure.rate_limit"]\nprincipal_requests = 20\n'
    assert fails(text).startswith('test.toml:13: "principal_requests" of "infrastructure.rate_limit" is looser')


def test_a_plan_ends_with_the_first_leave_in_it() -> None:
    leave = 'mode = "observe"\nreason = "r"\nuntil = 2026-03-05\n'
    text = WORKLOAD + f'\n[workloads.chat.controls."application.prompt_attack"]\n{leave}'
    plan = plan_of(text)
    control = plan.workloads[WorkloadId("chat")].control(ControlId("application.prompt_attack"))
    assert control is not None and control.mode is Mode.OBSERVE
    assert plan.expires == datetime(2026, 3, 6, tzinfo=UTC)
    with pytest.raises(ConfigError, match="ended on 2026-03-05"):
        plan_of(text, now=datetime(2026, 3, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            ("https://one.example.com/v1", "http://one.example.com/v1"),
            'test.toml:2: upstream "one" would be asked without TLS',
        ),
        (("https://one.example.com/v1", "HTTP://one.example.com/v1"), "without TLS"),
        (("https://one.example.com/v1", "https://["), "test.toml:2:"),
        (("https://one.example.com/v1", "https://one.example.com:99999/v1"), "test.toml:2:"),
        (("https://one.example.com/v1", "https://one.example.com:0/v1"), "test.toml:2:"),
        (("https://one.example.com/v1", "https://one.example.com:x/v1"), "test.toml:2:"),
        (("https://one.example.com/v1", "https://user:pw@one.example.com/v1"), "test.toml:2:"),
        (("https://one.example.com/v1", "https://one.example.com/v1?key=x"), "test.toml:2:"),
        (("https://one.example.com/v1", "file:///etc/passwd"), "test.toml:2:"),
        (("https://one.example.com/v1", "https://one.example.com/\\nv1"), "test.toml:2:"),
        (('/v1"', '/v1"\ncredential = "sk-live-1"'), "must be named, not written"),
        (('/v1"', '/v1"\ncredential = "env:"'), "must be named, not written"),
        (('small = "one"', 'small = "on"'), 'did you mean "one"'),
        (('small = "one"', 'small = "builtin"'), "for rehearsals only"),
        (('use_case = "answers"', 'use_case = "answers"\nrehearsal = true'), "a rehearsal workload cannot use"),
        (('owner = "team"', 'owner = " "'), "owner is empty"),
        (("[workloads.chat]", "[workloads.Chat]"), "not a name for a workload"),
        (("[workloads.chat]", '[workloads."../x"]'), "not a name for a workload"),
        (('owner = "team"', 'owner = "team"\npath_prefix = "chat"'), "path prefix"),
        (('owner = "team"', 'owner = "team"\npath_prefix = "/w/x"'), "/w/ is kept"),
        (('owner = "team"', 'owner = "team"\npolicies = ["none.cedar"]'), "cannot be read"),
        (('owner = "team"', 'owner = "team"\npolicies = ["a\\u0000b"]'), "cannot be read"),
        (('owner = "team"', 'owner = "team"\npolicies = ["/"]'), "cannot be read"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(change: tuple[str, str], words: str) -> None:
    assert words in fails(WORKLOAD.replace(*change))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('[controls."application.prompt_atack"]', 'did you mean "application.prompt_attack"'),
        ('[controls."application.denied_topics"]\ntopics = ["x"]', "is not built yet"),
        ('[workloads.chat.controls."application.denied_topics"]\ntopics = ["x"]', "is not built yet"),
        ('[workloads.chat.controls."identity_data.model_acces"]', 'did you mean "identity_data.model_access"'),
    ],
)
def test_a_control_that_there_is_not_yet_promises_nothing(table: str, words: str) -> None:
    said = fails(f"{WORKLOAD}\n{table}\n")
    assert words in said and said.startswith("test.toml:9")


def test_overlapping_prefixes_are_refused() -> None:
    other = '\n[workloads.other]\nowner = "t"\nuse_case = "answers"\npath_prefix = "{}"\n'
    text = WORKLOAD.replace('owner = "team"', 'owner = "team"\npath_prefix = "/a/b"')
    for prefix in ("/a", "/a/b", "/a/b/c"):
        assert "overlaps" in fails(text + other.format(prefix))
    plan_of(text + other.format("/a/bc"))


def test_nothing_declared_is_an_error() -> None:
    assert "no workload is declared" in fails("")


def test_a_named_file_stands_beside_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "ringwall.toml"
    path.write_text(WORKLOAD.replace('owner = "team"', 'owner = "team"\npolicies = ["own.cedar"]'))
    (tmp_path / "own.cedar").write_text("// nothing\n")
    plan = build_plan(read_file(path), catalog=load_catalog(), settings=settings_types(), now=NOW)
    assert plan.workloads[WorkloadId("chat")].policies[0].text == "// nothing\n"
    (tmp_path / "own.cedar").write_bytes(b"/" * (MAX_BESIDE_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than"):
        build_plan(read_file(path), catalog=load_catalog(), settings=settings_types(), now=NOW)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda each: each.name)
def test_a_template_is_a_plan_that_loosens_nothing(template: Any) -> None:
    plan = plan_of(template.read_text("utf-8"))
    (workload,) = plan.workloads.values()
    assert all(each.mode is Mode.ENFORCE and each.waiver is None for each in workload.controls)
    assert all(each.credential.startswith("env:") for each in plan.upstreams.values() if each.kind != "builtin")


SOURCES = [toml.document(sample()), WORKLOAD, *(each.read_text("utf-8") for each in TEMPLATES)]


@given(source=st.sampled_from(SOURCES), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=150)
def test_a_damaged_file_is_a_plan_or_a_config_error(source: str, seed: int) -> None:
    assert damaged_is_safe(source, Random(seed))


@pytest.mark.deep
@given(source=st.sampled_from(SOURCES), seed=st.integers(0, 2**64))
@settings(deadline=None, max_examples=5000)
def test_a_damaged_file_is_a_plan_or_a_config_error_at_length(source: str, seed: int) -> None:
    assert damaged_is_safe(source, Random(seed))


def damaged_is_safe(source: str, random: Random) -> bool:
    """Tear lines out, repeat, swap and change some, and try to build it."""
    lines = source.splitlines()
    odd = [
        "1",
        "nan",
        '""',
        "[]",
        "{}",
        "true",
        "-1",
        "1e400",
        "2026-03-02",
        '"\\u0000"',
        '"https://["',
        '"@upstreams"',
        "[1]",
    ]
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        choice = random.random()
        if choice < 0.2:
            del lines[at : at + random.randint(1, 3)]
        elif choice < 0.4:
            lines.insert(at, random.choice(lines))
        elif choice < 0.8 and "=" in lines[at]:
            lines[at] = lines[at].partition("=")[0] + "= " + random.choice(odd)
        else:
            cut = random.randrange(len(lines[at]) + 1)
            lines[at] = (
                lines[at][:cut] + random.choice(["x", "]", '"', ".", "=", "\x00", "\u2028", ""]) + lines[at][cut + 1 :]
            )
        if not lines:
            break
    try:
        plan_of("\n".join(lines))
    except ConfigError as error:
        return error.public.startswith("test.toml")
    return True


def test_the_configuration_of_the_guide_to_answers_is_a_plan() -> None:
    guide = Path(__file__).parents[2] / "docs" / "how-to" / "ground-and-prove-answers.md"
    text = guide.read_text("utf-8").partition("```toml\n")[2].partition("```")[0]
    controls = plan_of(text).workloads[WorkloadId("shop")].controls
    rules = next(each.settings.rules for each in controls if each.id == "application.automated_reasoning")  # type: ignore[attr-defined]
    parse(rules)  # as the control does when the plan is made to run
    assert len(rules) > 10

"""Every table is closed, and an error names what was meant."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.config.document import read_text
from ringwall.config.read import nearest, read_configuration
from ringwall.model.errors import ConfigError

WORKLOAD = '[workloads.a]\nowner = "x"\n'


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("workload = 1", 1, 'did you mean "workloads"?'),
        ('[upstream.x]\nbase_url = "x"', 1, 'did you mean "upstreams"?'),
        ('[organisation]\n# c\nnam = "x"', 3, 'did you mean "name"?'),
        (WORKLOAD + 'use_cas = "acts"', 3, 'did you mean "use_case"?'),
        (WORKLOAD + 'use_case = "act"', 3, 'did you mean "acts"?'),
        (WORKLOAD + 'use_case = "acts"\nphase = "enhance"', 4, 'did you mean "enhanced"?'),
        (WORKLOAD + 'use_case = "acts"\ntraits = ["phsical"]', 4, 'did you mean "physical"?'),
        (WORKLOAD + 'use_case = "acts"\n[workloads.a.models]\none = "u"\ntwo = 3', 6, '"workloads.a.models.two"'),
        (WORKLOAD + 'use_case = "acts"\n[workloads.a.models]\none = { upstream = "u", mode = "m" }', 5, '"model"'),
        ('[upstreams.one]\n[upstreams.two]\nkind = "opena"', 3, 'did you mean "openai"?'),
        ('[issuers.a]\nissuer = "i"\naudiences = []', 3, "issuers.a"),
        ("[limits]\nbody_bytes = 3", 2, "1024"),
        ("[limits]\nbody_bytes = true", 2, "a whole number"),
        ("[limits]\nread_s = nan", 2, "limits.read_s"),
        ("[limits]\nbody_bytes = 1" + "0" * 400, 2, "limits.body_bytes"),
        ("workloads = []", 1, "a table"),
        ("[controls]\nx = 1", 2, '"controls.x"'),
        ('[listen]\nforwarded_header = "x-forwarded"', 2, "forwarded"),
    ],
)
def test_an_error_names_the_line_and_what_was_meant(text: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_configuration(read_text(text.encode(), "f.toml"))
    assert caught.value.line == line, caught.value.public
    assert words in caught.value.public


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigError, match="owner"):
        read_configuration(read_text(b'[workloads.a]\nuse_case = "acts"', "f.toml"))


def test_nothing_is_a_configuration_too() -> None:
    assert read_configuration(read_text(b"", "f.toml")).workloads == {}


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("ownr", ["owner", "phase"], 'did you mean "owner"?'),
        ("zzz", ["b", "a"], "one of: a, b"),
        ("zzz", [f"name{number}" for number in range(50)], ""),
        ("x", [], ""),
    ],
)
def test_the_nearest_name(name: str, known: list[str], hint: str) -> None:
    assert nearest(name, known) == hint


NAMES = st.sampled_from(
    [
        "organisation",
        "listen",
        "limits",
        "issuers",
        "upstreams",
        "controls",
        "workloads",
        "a",
        "models",
        "owner",
        "kind",
    ]
) | st.text(max_size=4)
SCALARS = st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.dates() | st.datetimes() | st.times()
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(NAMES, below, max_size=4), max_leaves=15
)


@given(values=st.dictionaries(NAMES, VALUES, max_size=4))
@settings(deadline=None, max_examples=500)
def test_any_values_are_a_configuration_or_a_config_error(values: dict[str, object]) -> None:
    from ringwall.config.document import Document

    try:
        read_configuration(Document("f.toml", values, {}))
    except ConfigError as error:
        assert error.public.startswith("f.toml: ")

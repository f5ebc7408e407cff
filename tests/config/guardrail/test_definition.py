"""The closed shape of a definition: what is wrong is named, and never repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.config.guardrail.definition import Creation, Definition, Enforcement, read
from ringwall.model.errors import CallerError
from tests.guardrails import DEFINITION


def test_a_whole_definition_is_read_and_null_is_absent():
    made = read({**DEFINITION, "description": None, "tags": [{"key": "k", "value": ""}]}, Creation)
    assert made.name == "bar" and made.description is None and made.tags[0].key == "k"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": "a b"}, "name"),
        ({"name": ""}, "name"),
        ({"nmae": "x"}, "nmae"),
        ({"blockedInputMessaging": None}, "blockedInputMessaging"),
        ({"contentPolicyConfig": "secret words"}, "contentPolicyConfig"),
        ({"contentPolicyConfig": {"filtersConfig": [{"type": "SECRET", "inputStrength": "LOW"}]}}, "filtersConfig"),
    ],
)
def test_what_is_wrong_is_named_and_never_repeated(change, named):
    with pytest.raises(CallerError) as caught:
        read({**DEFINITION, **change}, Definition)
    assert named in caught.value.public and caught.value.status == 400
    assert "secret words" not in caught.value.public and "SECRET" not in caught.value.public


def test_an_enforced_configuration_names_a_numbered_version():
    wanted = {"guardrailIdentifier": "gr1", "guardrailVersion": "DRAFT"}
    with pytest.raises(CallerError):
        read({"guardrailInferenceConfig": wanted}, Enforcement)


LEAVES = st.none() | st.booleans() | st.floats() | st.text(max_size=5)
JSON = st.recursive(LEAVES, lambda each: st.lists(each) | st.dictionaries(st.text(max_size=5), each), max_leaves=8)


@given(st.dictionaries(st.sampled_from([*DEFINITION, "wordPolicyConfig", "x"]), JSON))
def test_whatever_is_said_is_read_or_refused(change):
    try:
        read({**DEFINITION, **change}, Definition)
    except CallerError as error:
        assert error.code == "invalid_guardrail"

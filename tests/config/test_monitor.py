"""What may be said in `[monitor]`."""

from __future__ import annotations

import pytest

from ringwall.model.errors import ConfigError
from ringwall.model.plan import MonitorPlan
from tests.config.plans import plan_of

BASE = """[workloads.shop]
owner = "t"
use_case = "answers"
"""


def test_nothing_said_is_the_default_and_what_is_said_stands_in_the_plan() -> None:
    plain = plan_of(BASE)
    assert plain.monitor == MonitorPlan()
    spared = "principal:https://id.example ada"
    said = plan_of(f'{BASE}[monitor]\ncontain = false\nnever_contain = ["{spared}"]\n')
    assert (said.monitor.contain, said.monitor.never_contain) == (False, (spared,))
    assert said.digest != plain.digest


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('never_contain = ["principle:ada"]', "principal"),
        ('never_contain = ["principal:"]', "no scope"),
        ('never_contain = ["ada"]', "no scope"),
        ('observe = ["nothing"]', "observe"),
        ("denied_varied_count = 1", "denied_varied_count"),
        ("denied_varied_s = 3600", "denied_varied_s"),
        ("contian = true", "contain"),
    ],
)
def test_what_cannot_be_is_an_error_that_names_it(line: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_of(f"{BASE}[monitor]\n{line}\n")
    assert words in str(caught.value) + caught.value.hint and caught.value.line

"""`ringwall contain` beside a running gateway: refused within a second, whoever it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.running import Running, running, within_a_second


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("contain")) as found:
        yield found


def test_a_contained_key_is_refused_and_a_lifted_one_goes_on(gateway: Running) -> None:
    made = gateway.run_json("keys", "create", "ci", "--workload", "rehearsal")
    within_a_second(200, lambda: gateway.chat(made["secret"]))
    contained = gateway.run_json(
        "contain", "add", "key", made["key"]["id"], "--reason", "found in public", "--for", "1h"
    )
    assert "containment" in within_a_second(403, lambda: gateway.chat(made["secret"])).body.decode()
    assert contained["id"] in gateway.run("contain", "list").stdout
    gateway.run_json("contain", "lift", contained["id"], "--reason", "rotated")
    within_a_second(200, lambda: gateway.chat(made["secret"]))
    assert contained["id"] not in gateway.run("contain", "list").stdout
    assert "rotated" in gateway.run("contain", "list", "--all").stdout


def test_a_contained_workload_answers_nobody(gateway: Running) -> None:
    contained = gateway.call("/containments", body={"kind": "workload", "name": "rehearsal", "reason": "drill"})
    assert contained.status == 201
    within_a_second(403, lambda: gateway.chat(gateway.ready["api_key"]))
    lifted = gateway.call(f"/containments/{contained.json['id']}?reason=over", method="DELETE")
    assert lifted.json == {"done": True}
    within_a_second(200, lambda: gateway.chat(gateway.ready["api_key"]))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["add", "planet", "mars", "--reason", "r"], "no such scope kind"),
        (["add", "key", "x", "--reason", " "], "a reason has"),
        (["add", "key", "x", "--reason", "r", "--for", "1y"], "12h, 30d"),
        (["lift", "con_none", "--reason", "r"], "no such containment"),
    ],
)
def test_errors_say_what_to_do(gateway: Running, words: list[str], why: str) -> None:
    said = gateway.run("contain", *words)
    assert said.returncode != 0 and why in said.stderr


def test_hostile_reasons_are_inert_on_the_terminal(gateway: Running) -> None:
    body = {"kind": "model", "name": "m[bold]", "reason": "[link=https://evil.example]click\nme"}
    assert gateway.call("/containments", body=body).status == 201
    said = gateway.run("contain", "list").stdout
    assert "m[bold]" in said and "\\n" in said

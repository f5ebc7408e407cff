"""`ringwall rehearse --workload`: on a plan of somebody's own, with stand-ins for tools that nobody reaches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ringwall.cli.rehearsal_sandbox import Prepared, ordinary
from ringwall.model.content import freeze
from ringwall.model.errors import ConfigError
from ringwall.model.tools import Tool
from tests.cli.test_rehearse import run

LOOKUP = {
    "name": "lookup",
    "description": "Finds a customer's payments.",
    "inputSchema": {
        "type": "object",
        "properties": {"text": {"type": "string"}, "limit": {"type": "integer", "minimum": 1}},
        "required": ["text", "limit"],
        "additionalProperties": False,
    },
}
NOTIFY = {
    "name": "notify",
    "description": "Posts a text.",
    "inputSchema": {"type": "object", "properties": {"url": {"type": "string"}, "body": {"type": "string"}}},
}
OWN = """
[organisation]
policies = ["own.cedar"]
[upstreams.provider]
base_url = "https://api.example/v1"
[tool_servers.crm]
url = "https://crm.example/mcp"
definitions = "crm.json"
[workloads.support]
owner = "somebody"
use_case = "answers"
tool_servers = ["crm"]
models = { "gpt" = "provider" }
"""


def tool(made: dict[str, object]) -> Tool:
    return Tool(str(made["name"]), "crm", str(made["description"]), freeze(made["inputSchema"]))  # type: ignore[arg-type]


def own(folder: Path) -> Path:
    (folder / "crm.json").write_text(json.dumps([LOOKUP, NOTIFY]))
    (folder / "own.cedar").write_text("")
    (folder / "ringwall.toml").write_text(OWN)
    return folder


def test_an_ordinary_request_reads_what_bears_the_mark() -> None:
    ask = ordinary([tool(NOTIFY), tool(LOOKUP)])
    assert ask is not None
    said = ask("pabc")
    assert said.startswith("call lookup with ") and json.loads(said.partition("with ")[2]) == {
        "text": "pabc",
        "limit": 1,
    }


def test_where_no_tool_reads_there_is_none() -> None:
    assert ordinary([tool(NOTIFY)]) is None and ordinary([]) is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"records": [], "tools": {}}', '{"records": ["short"], "tools": {}}', '{"records": ["12345678"]}',
     '{"records": "12345678", "tools": {}}', '{"records": ["12345678"], "tools": []}'],
)  # fmt: skip
def test_a_file_that_declares_no_stand_ins_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ConfigError):
        Prepared.declared(tmp_path / "a.json")


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        Prepared.declared(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--workload", "supprt"), "support"),
        (("--workload", "support", "--full"), "leave out"),
        (("--role", "x"), "--workload"),
        (("--workload", "support", "--role", "No Role"), "is not a role"),
        (("--workload", "support", "--stand-ins", "none.json"), "does not declare"),
    ],
)
def test_wrong_words_are_refused(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = run(own(tmp_path), *words)
    assert done.returncode == 2 and told in done.stderr, done.stderr


@pytest.mark.deep
def test_a_plan_of_somebodys_own_says_which_steps_carried_it(tmp_path: Path) -> None:
    prepared = {"records": ["4111111111111111"], "tools": {"lookup": {"rows": [{"card": "4111 1111 1111 1111"}]}}}
    (own(tmp_path) / "stand-ins.json").write_text(json.dumps(prepared))
    done = run(tmp_path, "--workload", "support", "--stand-ins", "stand-ins.json", "--json")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    report = json.loads(done.stdout)
    assert (report["about"], report["promised"], report["broken"]) == ("support", 0, 0)
    plays = {(each["attacker"], each["variant"], tuple(each["on"])): each for each in report["plays"]}
    most = max((each["on"] for each in report["plays"]), key=len)
    for attacker, carried in (("outsider", 1), ("insider", 4)):
        off = plays[attacker, "direct", ()]
        assert off["show"]["outcome"] == off["send"]["outcome"] == "leaked"
        assert plays[attacker, "direct", tuple(most)]["show"]["step"] == carried
        assert plays[attacker, "in a tool's result", (8,)]["show"]["step"] == 8
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "crm.json",
        "own.cedar",
        "ringwall.toml",
        "stand-ins.json",
    ]

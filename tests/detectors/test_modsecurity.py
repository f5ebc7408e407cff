"""The profile of OWASP CRS: refused where it cannot run, judged by the real library in a process of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ringwall.detectors import modsecurity
from ringwall.detectors.modsecurity import MAX_RULE_IDS, TASK, Answer, Profile, decode, encode, make_profile
from ringwall.detectors.request_rules import head_of
from ringwall.model.errors import ConfigError, InternalError
from ringwall.model.facts import RequestHead
from tests.services import crs_profile
from tests.workers import Worker

PLAIN = RequestHead(
    "POST",
    "/v1/chat/completions",
    "",
    (("host", "api.example.com"), ("accept", "application/json"), ("content-type", "application/json"),
     ("user-agent", "OpenAI/Python 2.8.0"), ("content-length", "20")),
    20,
)  # fmt: skip


def answers(*heads: RequestHead, profile: Profile | None = None) -> list[Answer]:
    """What the library says in a worker of its own."""
    used = profile or crs_profile()

    async def ask() -> list[Answer]:
        worker = Worker(TASK, modsecurity.__name__, "examine")
        try:
            return [
                decode(await worker.run(TASK, encode(used, head), tenant="shop", deadline_s=30.0)) for head in heads
            ]
        finally:
            await worker.stop()

    return asyncio.run(ask())


def with_(example: str) -> RequestHead:
    """The plain head, with what an example says instead."""
    head = head_of(example)
    headers = {**dict(PLAIN.headers), **dict(head.headers)}
    return replace(head, headers=tuple(headers.items()))


@pytest.mark.modsecurity
def test_an_ordinary_head_passes_and_the_rules_are_compiled_once() -> None:
    assert answers(PLAIN, PLAIN) == [Answer(False), Answer(False)]


ATTACKS = {
    "a scanner": ("User-Agent: sqlmap/1.8", 913_100),
    "a union": ("/v1/models?id=1%20union%20select%20password%20from%20users", 942_100),
    "a traversal": ("/v1/models?f=../../../../etc/passwd", 930_100),
    "a script": ("/v1/models?q=<script>alert(1)</script>", 941_100),
    "a null byte in the path": ("/v1/models/..%00/..%00/etc/passwd%00", 920_270),
}


@pytest.mark.modsecurity
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_its_rule_is_named(name: str) -> None:
    example, rule = ATTACKS[name]
    [answer] = answers(with_(example))
    assert answer.refused
    assert rule in answer.rules
    assert len(answer.rules) <= MAX_RULE_IDS


@pytest.mark.modsecurity
def test_a_higher_score_refuses_less() -> None:
    head = with_("User-Agent: sqlmap/1.8")
    [answer] = answers(head, profile=replace(crs_profile(), score=1000))
    assert answer == Answer(False, (913_100,))


@pytest.mark.modsecurity
def test_a_higher_level_finds_more() -> None:
    head = replace(PLAIN, query="q=it's")
    low, high = (answers(head, profile=replace(crs_profile(), paranoia=level))[0] for level in (1, 4))
    assert set(low.rules) < set(high.rules)


@pytest.mark.modsecurity
def test_hostile_heads_are_answered_or_fail_and_the_worker_lives_on() -> None:
    hostile = RequestHead(
        "PO\0ST", "/\0/\udcff/" + "a" * 60_000, "x=%00&" * 5000, (("x\0", "\0" * 1000), ("", ""), ("é", "漢" * 500)), 0
    )
    *_, last = answers(hostile, PLAIN, profile=crs_profile())
    assert last == Answer(False)


@pytest.mark.modsecurity
def test_a_worker_that_is_late_is_killed_and_says_nothing() -> None:
    async def ask() -> None:
        worker = Worker(TASK, modsecurity.__name__, "examine")
        try:
            with pytest.raises(InternalError):
                await worker.run(TASK, encode(crs_profile(), PLAIN), tenant="shop", deadline_s=0.001)
            assert worker.process is None
        finally:
            await worker.stop()

    asyncio.run(ask())


@pytest.mark.modsecurity
def test_the_profile_of_an_installation_names_its_rules() -> None:
    assert crs_profile().digest == make_profile(1, 5).digest
    assert len(crs_profile().digest) == 64


def installed(folder: Path, *names: str) -> dict[str, Any]:
    """An installation that has these, of the two that are needed."""
    (folder / "lib").mkdir()
    (folder / "rules").mkdir()
    if "libmodsecurity3" in names:
        (folder / "lib" / "libmodsecurity.so.3").touch()
    if "modsecurity-crs" in names:
        (folder / "rules" / "REQUEST-901-INITIALIZATION.conf").write_text("# rules")
    return {"rules": folder / "rules", "folders": (str(folder / "lib"), str(folder / "nowhere"))}


@pytest.mark.parametrize("names", [(), ("libmodsecurity3",), ("modsecurity-crs",)])
def test_what_is_not_installed_is_named(tmp_path: Path, names: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="apt-get install libmodsecurity3 modsecurity-crs") as error:
        make_profile(1, 5, **installed(tmp_path, *names))
    missing = error.value.problem.partition("not installed: ")[2].split(", ")
    assert set(missing) == {"libmodsecurity3", "modsecurity-crs"} - set(names)


def test_a_changed_rule_file_is_another_profile(tmp_path: Path) -> None:
    where = installed(tmp_path, "libmodsecurity3", "modsecurity-crs")
    before = make_profile(2, 5, **where)
    (tmp_path / "rules" / "own.data").write_text("x")
    assert make_profile(2, 5, **where).digest != before.digest


@pytest.mark.parametrize("level", [0, 5, -1])
def test_a_level_that_there_is_not_is_refused(level: int) -> None:
    with pytest.raises(ConfigError, match="crs_paranoia"):
        make_profile(level, 5)


def test_no_word_of_a_body_is_handed_over() -> None:
    payload = encode(Profile(1, 5, "d"), PLAIN)
    assert msgspec.msgpack.decode(payload) == [
        1, 5, "d", "POST", b"/v1/chat/completions", [[name.encode(), value.encode()] for name, value in PLAIN.headers],
    ]  # fmt: skip


@pytest.mark.parametrize("broken", [b"", b"\xc1", b"[]", msgspec.msgpack.encode({"refused": "no"})])
def test_what_is_no_answer_is_an_error(broken: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(broken)


@pytest.mark.parametrize("call", [modsecurity.examine])
def test_what_is_no_payload_is_an_error(call: Callable[[bytes], bytes]) -> None:
    with pytest.raises(msgspec.DecodeError):
        call(b"\x90")

"""What is too much, of a wrong kind, or broken, is refused at every door in its own protocol, bounded and on record."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import ledgers
from tests.process import Gateway
from tests.provider import DONE, Provider, delta, http, says, stream

MIB = 1024 * 1024


def chat(text: str, tools: int = 0) -> dict[str, Any]:
    function = {"name": "f", "parameters": {"type": "object"}}
    made: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": text}]}
    return {**made, "tools": [{"type": "function", "function": function}] * tools} if tools else made


def responses(text: str, tools: int = 0) -> dict[str, Any]:
    made: dict[str, Any] = {"model": "m", "input": text}
    return {**made, "tools": [{"type": "function", "name": "f"}] * tools} if tools else made


def claude(text: str, tools: int = 0) -> dict[str, Any]:
    made: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
    return {**made, "tools": [{"name": "f", "input_schema": {}}] * tools} if tools else made


def converse(text: str, tools: int = 0) -> dict[str, Any]:
    made: dict[str, Any] = {"messages": [{"role": "user", "content": [{"text": text}]}]}
    spec = {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}
    return {**made, "toolConfig": {"tools": [spec] * tools}} if tools else made


def embed(text: str, tools: int = 0) -> dict[str, Any]:
    return {"model": "m", "input": [text] * (tools * 3) if tools else text}


DOORS: dict[str, tuple[str, Callable[..., dict[str, Any]]]] = {
    "chat": ("/v1/chat/completions", chat),
    "responses": ("/v1/responses", responses),
    "anthropic": ("/v1/messages", claude),
    "bedrock": ("/model/m/converse", converse),
    "embeddings": ("/v1/embeddings", embed),
}
every_door = pytest.mark.parametrize("door", DOORS)


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture(scope="module")
def gateway(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("doors")
    (folder / "ringwall.toml").write_text(f"""
[upstreams.theirs]
base_url = "{provider.url}"
private = true
total_s = 60.0
[workloads.shop]
owner = "tests"
use_case = "answers"
models = {{ m = "theirs" }}
""")
    made = Gateway(folder, ["--config", str(folder / "ringwall.toml")]).start()
    yield made
    assert "Traceback" not in made.log
    assert made.stop() == 0
    assert ledgers.verified(made.data_dir).is_green


def post(gateway: Gateway, path: str, body: bytes, kind: str = "application/json") -> tuple[int, bytes]:
    where = urlsplit(str(gateway.said["base_url"]))
    connection = HTTPConnection(where.hostname or "", where.port, timeout=60)
    headers = {"Content-Type": kind, "Authorization": f"Bearer {gateway.said['api_key']}"}
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def refused(gateway: Gateway, door: str, body: bytes, kind: str = "application/json") -> tuple[int, str]:
    """Status and words of a refusal, which is on record."""
    before = len(list(ledgers.records(gateway.data_dir)))
    status, said = post(gateway, DOORS[door][0], body, kind)
    told = list(ledgers.records(gateway.data_dir))[before:]
    assert [each["outcome"] for each in told] == ["refused"], told
    error = json.loads(said)
    return status, str(error.get("message") or error["error"]["message"])


@every_door
def test_a_prompt_of_ten_megabytes_is_refused_by_its_size(gateway: Gateway, door: str) -> None:
    body = json.dumps(DOORS[door][1]("a " * (5 * MIB))).encode()
    began = time.process_time()
    status, said = refused(gateway, door, body)
    assert status in (400, 413) and "bytes" in said and time.process_time() - began < 5


@every_door
def test_a_thousand_tools_or_three_thousand_texts_are_refused(gateway: Gateway, door: str) -> None:
    status, said = refused(gateway, door, json.dumps(DOORS[door][1]("hi", 1000)).encode())
    assert status == 400 and ("tools" in said or "input" in said or "toolConfig" in said), said


@every_door
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_content_type_is_refused(gateway: Gateway, door: str, kind: str) -> None:
    status, said = refused(gateway, door, json.dumps(DOORS[door][1]("hi")).encode(), kind)
    assert status in (400, 415) and "application/json" in said


@every_door
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe", b'{"model": "m", "model": "m"}', b"{" * 100_000])
def test_what_is_no_request_is_refused(gateway: Gateway, door: str, body: bytes) -> None:
    assert refused(gateway, door, body)[0] == 400


STREAMED = [each for each in DOORS if each != "embeddings"]


def streamed(gateway: Gateway, door: str) -> tuple[int, bytes]:
    path, make = DOORS[door]
    body = make("Which boots?")
    if door == "bedrock":
        path += "-stream"
    else:
        body["stream"] = True
    return post(gateway, path, json.dumps(body).encode())


@pytest.mark.parametrize("door", STREAMED)
def test_a_hundred_thousand_tiny_pieces_are_carried_within_bounds(
    gateway: Gateway, provider: Provider, door: str
) -> None:
    provider.behave = stream(*(delta(content="a ") for _ in range(100_000)), delta("stop"), DONE)
    status, said = streamed(gateway, door)
    provider.behave = says("fine")
    assert status == 200 and said.count(b"a ") >= 1000
    closing = list(ledgers.records(gateway.data_dir))[-1]
    assert (closing["kind"], closing["outcome"], closing["decision"]["characters"]) == ("closing", "released", 200_000)


ENDINGS = {
    "broken JSON": stream(b'{"choices": [', DONE),
    "another protocol's events": stream(b'{"type":"message_start","message":{"id":"x"}}', DONE),
    "another protocol's error": stream(
        b'{"type":"error","error":{"type":"overloaded_error","message":"secret words"}}'
    ),
    "nothing": stream(),
    "no stream at all": http(b'{"choices":[]}'),
    "HTML": http(b"<html>bad gateway</html>", "502 Bad Gateway", "text/html"),
}


@pytest.mark.parametrize("door", STREAMED)
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_provider_that_answers_something_else_is_a_failure_in_the_callers_protocol(
    gateway: Gateway, provider: Provider, door: str, ending: str
) -> None:
    provider.behave = ENDINGS[ending]
    status, said = streamed(gateway, door)
    provider.behave = says("fine")
    assert b"secret words" not in said and b"<html>" not in said
    assert status in (424, 502) or b"error" in said  # 424: what Bedrock calls the fault of a model
    assert list(ledgers.records(gateway.data_dir))[-1]["outcome"] == "failed"

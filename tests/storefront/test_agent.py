"""The agent's loop: what it does with answers, whole and streamed, and with refusals on either door."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ringwall.storefront.agent import MAX_TURNS, Agent

TOOL = {"name": "q", "description": "", "inputSchema": {"type": "object"}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "q", "arguments": '{"a": 1}'}}


class Gateway:
    """A gateway that answers what a test says, path by path, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.results: list[Any] = []
        self.sent: list[tuple[str, dict[str, Any], str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.sent.append((self.path, body, self.headers["ringwall-session"]))
                status, said = outer.say(body)
                data = said if isinstance(said, bytes) else json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Ringwall-Session", "rws_handle")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def say(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body.get("method") == "tools/list":
            return 200, {"result": {"tools": [TOOL]}}
        if body.get("method") == "tools/call":
            return 200, self.results.pop(0)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def agent(self) -> Agent:
        return Agent(f"http://127.0.0.1:{self.server.server_port}", "key", "m")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made = Gateway()
    yield made
    made.server.shutdown()
    made.server.server_close()


def message(**said: object) -> tuple[int, Any]:
    return 200, {"choices": [{"message": {"role": "assistant", "refusal": None, **said}}]}


def test_it_calls_what_is_proposed_and_ends_with_the_answer_in_one_session(gateway: Gateway) -> None:
    gateway.answers = [message(tool_calls=[CALL]), message(content="done")]
    gateway.results = [{"result": {"content": [{"type": "text", "text": "row"}], "structuredContent": {"r": 1}}}]
    done = gateway.agent.run("do it")
    assert (done.answer, done.calls, done.refusals) == ("done", [("q", {"a": 1})], [])
    last = gateway.sent[-1][1]["messages"]
    assert last[-1] == {"role": "tool", "tool_call_id": "call_1", "content": '{"r": 1}'}
    assert [session for _, _, session in gateway.sent] == ["new", "rws_handle", "rws_handle", "rws_handle"]


def test_a_stream_is_put_together(gateway: Gateway) -> None:
    def event(delta: object) -> bytes:
        return b"data: " + json.dumps({"choices": [{"delta": delta}]}).encode() + b"\n\n"

    first = {"index": 0, "id": "call_1", "function": {"name": "q", "arguments": '{"a"'}}
    second = {"index": 0, "function": {"arguments": ": 1}"}}
    proposing = (
        event({"tool_calls": [first]}) + event({"tool_calls": [second]}) + b": ringwall-receipt x\n\ndata: [DONE]\n\n"
    )
    gateway.answers = [
        (200, proposing),
        (200, event({"content": "do"}) + event({"content": "ne"}) + b"data: [DONE]\n\n"),
    ]
    gateway.results = [{"result": {"content": [{"type": "text", "text": "row"}]}}]
    done = gateway.agent.run("do it", stream=True)
    assert (done.answer, done.calls) == ("done", [("q", {"a": 1})])


def test_refusals_are_kept_with_their_records(gateway: Gateway) -> None:
    refused = {"error": {"code": "tool_not_permitted", "ringwall": {"control": "identity_data.x", "record": "rec_1"}}}
    gateway.answers = [(403, refused)]
    done = gateway.agent.run("do it")
    assert [(each.where, each.control, each.code, each.record) for each in done.refusals] == [
        ("model", "identity_data.x", "tool_not_permitted", "rec_1")
    ]
    gateway.answers = [message(tool_calls=[CALL]), message(content="sorry")]
    data = {"control": "identity_data.y", "code": "no", "record": "rec_2"}
    gateway.results = [{"error": {"code": -32010, "message": "x", "data": data}}]
    done = gateway.agent.run("do it")
    assert done.answer == "sorry" and done.refusals[0].where == "q" and done.refusals[0].control == "identity_data.y"
    assert gateway.sent[-1][1]["messages"][-1]["content"] == "the call was refused"


def test_a_model_that_calls_for_ever_is_ended(gateway: Gateway) -> None:
    gateway.answers = [message(tool_calls=[CALL])]
    gateway.results = [{"result": {"content": []}}] * 20
    assert len(gateway.agent.run("do it").calls) == MAX_TURNS

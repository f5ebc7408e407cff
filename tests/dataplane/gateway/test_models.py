"""The door for OpenAI clients, in memory: what goes out, what is on record, what goes out when it breaks."""

from __future__ import annotations

import asyncio
import json

import pytest

from ringwall.dataplane.wire.eventstream import EventStreamDecoder
from ringwall.model.conversation import Counted, Finish, Finished, TextDelta, Usage
from ringwall.model.errors import UpstreamError
from tests.dataplane.gateway.doors import ASK, Verified, door
from tests.fakes import ScriptedUpstream, rule
from tests.raw import events

STREAM = (TextDelta(0, "one "), TextDelta(0, "two"), Finished(0, Finish.STOP), Counted(Usage(1, 2)))


def test_an_answer_names_its_record_and_receipt():
    made = door()
    status, body = made()
    assert (status, body["choices"][0]["message"]["content"]) == (200, "fine")
    assert made.headers["ringwall-record"] == made.road.ledger.records[-1].id
    assert made.headers["ringwall-receipt"] == f"rw1.{made.headers['ringwall-record']}"
    assert body["id"] == f"chatcmpl-{made.headers['x-request-id']}"
    assert made.gateway.serving == 0


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"model": "m", "model": "n"}', {"model": "m"}])
def test_a_body_that_cannot_be_read_is_refused_and_on_record(body):
    made = door()
    status, answer = made(body=body)
    assert status == 400
    assert made.road.ledger.records[-1].id == answer["error"]["ringwall"]["record"]
    assert made.road.upstream.sent == []


def test_a_refusal_names_control_checkpoint_and_record():
    made = door(rule("r", "hello", "deny"))
    status, body = made()
    ours = body["error"]["ringwall"]
    assert (status, ours["control"], ours["checkpoint"]) == (403, "application.r", "inbound")
    assert ours["record"] in body["error"]["message"]


def test_a_failure_of_the_provider_tells_whose_fault_it_was():
    made = door(
        upstream=ScriptedUpstream(answer=UpstreamError("late", code="upstream_late", detail="10.0.0.1", status=504))
    )
    status, body = made()
    assert (status, body["error"]["code"]) == (504, "upstream_late")
    assert "10.0.0.1" not in made.body.decode()


def test_a_stream_ends_with_its_receipt_and_done():
    made = door(upstream=ScriptedUpstream(deltas=STREAM))
    asyncio.run(made.ask(body={**ASK, "stream": True}))
    found = events(made.body)
    assert found[-1] == "[DONE]"
    assert b": ringwall-receipt rw1.rec_" in made.body
    assert "".join(c["delta"].get("content") or "" for e in found[:-1] for c in json.loads(e)["choices"]) == "one two"
    assert made.sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.parametrize(
    ("deltas", "code"),
    [
        ((TextDelta(0, "one "), TextDelta(0, "stop here"), Finished(0, Finish.STOP)), "word_found"),
        ((TextDelta(0, "one "), UpstreamError("gone", code="upstream_broken")), "upstream_broken"),
    ],
)
def test_a_stream_that_cannot_go_on_ends_with_an_error_and_done(deltas, code):
    made = door(rule("r", "stop", "deny", lookback=4), upstream=ScriptedUpstream(deltas=deltas))
    asyncio.run(made.ask(body={**ASK, "stream": True}))
    found = events(made.body)
    assert found[-1] == "[DONE]"
    error = json.loads(found[-2])["error"]
    assert error["code"] == code
    assert error["ringwall"]["record"].startswith("rec_")
    assert made.sent[-1]["more_body"] is False


def test_a_ledger_that_fails_within_a_stream_ends_it_with_an_error():
    made = door(upstream=ScriptedUpstream(deltas=STREAM))

    def fail_after_the_opening(records):
        made.road.ledger.broken = any(record.kind == "opening" for record in records)

    made.road.ledger.on_commit = fail_after_the_opening
    asyncio.run(made.ask(body={**ASK, "stream": True}))
    found = events(made.body)
    assert json.loads(found[-2])["error"]["code"] == "ledger_unavailable"
    assert found[-1] == "[DONE]"
    assert [message["type"] for message in made.sent].count("http.response.start") == 1


def test_a_ledger_that_fails_before_the_first_event_still_leaves_a_whole_stream():
    made = door(rule("r", "one", "deny", lookback=3), upstream=ScriptedUpstream(deltas=STREAM))

    def fail_after_the_opening(records):
        made.road.ledger.broken = any(record.kind == "opening" for record in records)

    made.road.ledger.on_commit = fail_after_the_opening
    asyncio.run(made.ask(path="/v1/responses", body={"model": "m", "input": "hello", "stream": True}))
    found = [json.loads(each) for each in events(made.body)]
    kinds = ["response.created", "response.in_progress", "response.failed"]
    assert [(each["type"], each["sequence_number"]) for each in found] == list(zip(kinds, range(3), strict=True))
    assert found[-1]["response"]["error"]["ringwall"]["code"] == "ledger_unavailable"


def test_a_caller_who_goes_away_ends_the_work_quietly():
    async def scenario():
        made = door()
        gone = asyncio.Event()

        async def forever(invocation):
            gone.set()
            await asyncio.sleep(3600)

        made.road.upstream.complete = forever
        await made.ask(gone=gone)
        return made

    made = asyncio.run(scenario())
    assert made.sent == []
    assert made.road.ledger.records[-1].decision["code"] == "caller_gone"
    assert made.gateway.serving == 0


def test_a_session_that_was_asked_for_is_given_back():
    made = door()
    made(headers=[(b"ringwall-session", b"new")])
    handle = made.headers["ringwall-session"]
    session = made.road.ledger.records[-1].session
    made(headers=[(b"ringwall-session", handle.encode())])
    assert made.road.ledger.records[-1].session == session
    assert "ringwall-session" not in made.headers


CONVERSE = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
NOVA = json.dumps({"schemaVersion": "messages-v1", **CONVERSE}).encode()


def test_a_client_of_bedrock_is_answered_and_told_of_failures_in_its_own_words():
    made = door()
    status, body = made(path="/model/m/converse", body=CONVERSE)
    assert (status, body["output"]["message"]["content"]) == (200, [{"text": "fine"}])
    assert made.headers["ringwall-record"] == made.road.ledger.records[-1].id
    for path, body, expected in (
        ("/model/none/converse", CONVERSE, (404, "ResourceNotFoundException")),
        ("/model/m/converse", {}, (400, "ValidationException")),
        ("/model/m/count-tokens", {}, (404, "ResourceNotFoundException")),
        ("/w/nobody/model/m/converse", CONVERSE, (404, "ResourceNotFoundException")),
    ):
        status, told = made(path=path, body=body)
        assert (status, made.headers["x-amzn-errortype"]) == expected and told["message"]


def test_a_client_of_bedrock_who_is_not_known_is_told_so_in_its_own_words():
    made = door(Verified("identity_data.v"))
    status, _ = made(path="/model/m/converse-stream", body=CONVERSE, key=None)
    assert (status, made.headers["x-amzn-errortype"]) == (403, "UnrecognizedClientException")
    assert "www-authenticate" not in made.headers


def test_a_stream_of_bedrock_that_breaks_ends_with_an_exception():
    failure = UpstreamError("the model's provider failed", code="upstream_failed")
    made = door(upstream=ScriptedUpstream(deltas=(TextDelta(0, "one "), failure)))
    asyncio.run(made.ask(path="/model/m/converse-stream", body=CONVERSE))
    assert made.headers["content-type"] == "application/vnd.amazon.eventstream"
    *_, last = EventStreamDecoder().feed(made.body)
    assert last.headers[":exception-type"] == "modelStreamErrorException"
    assert made.road.ledger.records[-1].outcome == "failed"


@pytest.mark.parametrize(("path", "status"), [("/model/m/invoke", 200), ("/model/m/converse", 400)])
def test_a_body_without_a_type_is_taken_where_boto3_says_none(path, status):
    made = door()
    made.content_type = None
    assert made(path=path, body=NOVA)[0] == status


def test_the_time_that_an_answer_took_is_told():
    made = door()
    made.road.upstream.before = lambda: setattr(made.clock, "seconds", made.clock.seconds + 0.25)
    assert made(path="/model/m/converse", body=CONVERSE)[1]["metrics"] == {"latencyMs": 250}


@pytest.mark.parametrize("path", ["/model/m/converse-stream", "/model/m/invoke-with-response-stream"])
def test_a_refusal_in_the_middle_of_a_stream_of_bedrock_releases_nothing_of_what_was_refused(path):
    deltas = (TextDelta(0, "all is well. "), TextDelta(0, "the secret is out"), Finished(0, Finish.STOP))
    made = door(rule("r", "secret", "deny", lookback=8), upstream=ScriptedUpstream(deltas=deltas))
    asyncio.run(made.ask(path=path, body=CONVERSE))
    *others, last = EventStreamDecoder().feed(made.body)
    assert (last.headers[":message-type"], last.headers[":exception-type"]) == ("exception", "validationException")
    told = json.loads(last.payload)
    assert told["ringwall"]["control"] == "application.r" and told["ringwall"]["record"] in told["message"]
    assert all(b"secret" not in each.payload and b"c2VjcmV0" not in each.payload for each in others)

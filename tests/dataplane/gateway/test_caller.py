"""What every door writes on its answers."""

from __future__ import annotations

from ringwall.dataplane.gateway.caller import MAX_RETRY_AFTER_S, _whole_seconds, headers
from ringwall.model.ports import Receipt
from ringwall.model.record import RecordId


def test_a_wait_is_whole_seconds_and_bounded():
    assert [_whole_seconds(each) for each in (0, 0.2, 7.0, float("inf"), -5)] == [1, 1, 8, MAX_RETRY_AFTER_S, 1]


def test_an_answer_names_its_request_and_what_there_is_of_record_and_receipt():
    receipt = Receipt(RecordId("rec_1"), b"", "note", 0)
    names = [name for name, _ in headers("req_1", "rec_1", receipt, encode=lambda each: each.record)]
    assert names == [b"x-request-id", b"ringwall-record", b"ringwall-receipt"]
    assert headers("req_1", encode=lambda each: "") == [(b"x-request-id", b"req_1")]

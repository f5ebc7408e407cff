"""The event stream: what botocore reads is what we wrote, a cut changes nothing, and a flipped bit is noticed."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.wire.eventstream import (
    BrokenEventStreamError,
    EventStreamDecoder,
    Message,
    encode,
    encode_event,
    encode_exception,
)

names = st.text(min_size=1, max_size=20).filter(lambda name: 0 < len(name.encode()) < 256)
headers = st.dictionaries(names, st.text(max_size=30), max_size=5)
messages = st.tuples(headers, st.binary(max_size=200))


def message(head: bytes, payload: bytes = b"") -> bytes:
    """A message with these header bytes, and right checksums."""
    lengths = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    data = lengths + struct.pack(">I", zlib.crc32(lengths)) + head + payload
    return data + struct.pack(">I", zlib.crc32(data))


@given(st.lists(messages, max_size=4), st.lists(st.integers(0, 2000), max_size=8))
def test_what_was_written_is_read_however_it_is_cut(written, cuts):
    data = b"".join(encode(head.items(), payload) for head, payload in written)
    decoder, found = EventStreamDecoder(), []
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        found += decoder.feed(data[start:end])
    assert [(dict(each.headers), each.payload) for each in found] == written
    assert decoder.is_between


@given(st.lists(messages, min_size=1, max_size=4))
def test_the_official_client_reads_the_same(written):
    buffer = EventStreamBuffer()
    buffer.add_data(b"".join(encode(head.items(), payload) for head, payload in written))
    assert [(each.headers, each.payload) for each in buffer] == written


@given(messages, st.data())
def test_a_flipped_bit_is_noticed(written, data):
    whole = bytearray(encode(written[0].items(), written[1]))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    decoder = EventStreamDecoder()
    try:
        found = decoder.feed(bytes(whole))
    except BrokenEventStreamError:
        return
    assert found == [] and not decoder.is_between  # it waits for bytes that never come: the stream is not whole


@given(st.binary(max_size=300))
def test_hostile_bytes_are_refused_or_waited_for(data):
    decoder = EventStreamDecoder()
    try:
        assert decoder.feed(data) == [] or len(data) >= 16
    except BrokenEventStreamError:
        pass


@given(st.binary(max_size=80))
def test_hostile_headers_with_right_checksums_are_refused_or_read(head):
    try:
        (found,) = EventStreamDecoder().feed(message(head))
    except BrokenEventStreamError:
        return
    assert isinstance(found, Message) and found.payload == b""


def header(kind: int, value: bytes, name: bytes = b"n") -> bytes:
    return bytes((len(name),)) + name + bytes((kind,)) + value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (header(0, b""), True),
        (header(1, b""), False),
        (header(2, b"\xff"), -1),
        (header(3, b"\x01\x00"), 256),
        (header(4, b"\xff\xff\xff\xfe"), -2),
        (header(5, b"\x00" * 7 + b"\x07"), 7),
        (header(6, b"\x00\x02\xff\x00"), b"\xff\x00"),
        (header(7, b"\x00\x02hi"), "hi"),
        (header(8, b"\x00" * 7 + b"\x09"), 9),
        (header(9, b"u" * 16), b"u" * 16),
    ],
)
def test_every_type_of_header_is_read(raw, value):
    (found,) = EventStreamDecoder().feed(message(raw, b"p"))
    assert found == Message({"n": value}, b"p")


@pytest.mark.parametrize(
    "raw",
    [
        header(10, b""),
        header(7, b"\x00\x05hi"),
        header(7, b"\x00\x01\xff"),
        header(7, b"\x00"),
        header(4, b"\x00"),
        header(9, b"u" * 15),
        b"\x05ab",
        b"\x01",
        header(0, b"", b""),
        header(0, b"") + header(1, b""),
        header(0, b"", b"\xff"),
    ],
    ids=range(11),
)
def test_a_header_that_cannot_be_read_in_one_way_is_refused(raw):
    with pytest.raises(BrokenEventStreamError):
        EventStreamDecoder().feed(message(raw))


def test_a_message_past_the_bounds_is_refused_before_it_comes():
    bounds = {"max_payload_bytes": 10, "max_header_bytes": 10}
    assert EventStreamDecoder(**bounds).feed(encode((), b"x" * 10))
    for whole in (encode((), b"x" * 11), encode([("name", "a long value")], b"")):
        with pytest.raises(BrokenEventStreamError):
            EventStreamDecoder(**bounds).feed(whole[:12])


@pytest.mark.parametrize("lengths", [(0, 0), (15, 0), (16, 1), (2**32 - 1, 0), (16, 2**32 - 1)])
def test_lengths_that_cannot_be_are_refused(lengths):
    raw = struct.pack(">II", *lengths)
    with pytest.raises(BrokenEventStreamError):
        EventStreamDecoder().feed(raw + struct.pack(">I", zlib.crc32(raw)))


def test_many_tiny_pieces_are_joined():
    data = b"".join(encode_event("chunk", b"%d" % number) for number in range(200))
    decoder, found = EventStreamDecoder(), []
    for place in range(len(data)):
        found += decoder.feed(data[place : place + 1])
    assert [each.payload for each in found] == [b"%d" % number for number in range(200)]


def test_an_event_and_an_exception_say_which_they_are():
    event, exception = EventStreamDecoder().feed(encode_event("a", b"{}") + encode_exception("b", b"{}"))
    assert (event.headers[":event-type"], event.headers[":message-type"]) == ("a", "event")
    assert (exception.headers[":exception-type"], exception.headers[":message-type"]) == ("b", "exception")


@pytest.mark.parametrize("bad", [("", "v"), ("n" * 256, "v"), ("n", "v" * 2**15)])
def test_a_header_that_has_no_room_is_not_written(bad):
    with pytest.raises(ValueError, match="too long"):
        encode([bad], b"")

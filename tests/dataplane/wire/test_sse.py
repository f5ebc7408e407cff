from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.dataplane.wire.sse import BrokenStreamError, SseDecoder, encode

pieces = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data",
        b"data:",
        b"\n",
        b"\r\n",
        b"\r",
        b"\n\n",
        b": comment",
        b"id: 5",
        b"event: x",
        b" ",
        b"x",
    ]
)
streams = st.lists(pieces | st.binary(max_size=3), max_size=25).map(b"".join)


def decode(*chunks: bytes) -> list[bytes]:
    decoder = SseDecoder()
    return [event for chunk in chunks for event in decoder.feed(chunk)]


def plainly(stream: bytes) -> list[bytes]:
    """WHATWG HTML, section 9.2.6, word by word, over the whole stream."""
    events, data = [], []
    lines = stream.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")[:-1]
    for line in lines:
        if not line:
            if data:
                events.append(b"\n".join(data))
            data = []
        elif not line.startswith(b":"):
            name, _, value = line.partition(b":")
            if name == b"data":
                data.append(value.removeprefix(b" "))
    return events


@given(streams)
def test_a_stream_is_read_as_the_specification_says(stream):
    assert decode(stream) == plainly(stream)


@given(streams, st.lists(st.integers(0, 200), max_size=20))
@settings(max_examples=300)
def test_cuts_change_nothing(stream, cuts):
    places = sorted({0, *(cut % (len(stream) + 1) for cut in cuts), len(stream)})
    chunks = [stream[start:end] for start, end in pairwise(places)]
    assert decode(*chunks) == decode(*(bytes([each]) for each in stream)) == plainly(stream)


@given(st.lists(st.binary(max_size=20).filter(lambda data: not {10, 13} & set(data)), max_size=8))
def test_what_is_encoded_is_decoded(events):
    assert decode(b"".join(map(encode, events))) == events


@pytest.mark.parametrize("chunk", [b"x", b"data: " + b"x" * 99, b"data: x\n", b": x"])
def test_an_event_without_end_is_refused(chunk):
    decoder = SseDecoder(max_event_bytes=1000)
    with pytest.raises(BrokenStreamError):
        for _ in range(5000):
            decoder.feed(chunk)


def test_many_events_are_no_event_without_end():
    decoder = SseDecoder(max_event_bytes=100)
    for _ in range(1000):
        decoder.feed(b": a comment of some length\n\ndata: " + b"x" * 50 + b"\n\n")


def test_an_event_in_very_many_pieces_costs_no_more_than_its_length():
    """Joined anew for each piece, this would copy four hundred gigabytes."""
    decoder = SseDecoder()
    decoder.feed(b"data: ")
    for _ in range(400_000):
        decoder.feed(b"xxxxx")
    assert decoder.feed(b"\n\n") == [b"xxxxx" * 400_000]

"""What is found, what is left alone, and that it is found from nearby text alone."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.personal_data import LOOKBACK, MAX_INVISIBLE, MAX_RUN, find, held

CARD = "4111 1111 1111 1111"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq9\nabcdEFGH\n-----END RSA PRIVATE KEY-----"

FOUND = {
    "card_number": [
        CARD,
        "4111111111111111",
        "4111-1111-1111-1111",
        "4111.1111.1111.1111",
        "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "41 11 11 11 11 11 11 11",
        "4111 - 1111 - 1111 - 1111",
        "378282246310005",
        "3782 822463 10005",
        "5555555555554444",
        "2223003122003222",
        "6011111111111117",
        "3530111333300000",
        "30569309025904",
        "6200000000000005",
        "４１１１１１１１１１１１１１１１",
        "٤١١١".translate(str.maketrans("٤١", "41")) + "111111111111",
        "4\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1\u200b1",
        "4111\u2060\u200b\u200d\u2060\u200b\u200d\u2060\u200b1111 1111 1111",
        "x4111111111111111x",
        base64.b64encode(b"card 4111111111111111").decode(),
        base64.b64encode(base64.b64encode(b"4111 1111 1111 1111")).decode(),
        base64.b32encode(b"4111111111111111").decode(),
        b"4111111111111111".hex(),
        b"4111 1111 1111 1111".hex(" "),
        "".join(f"%{each:02x}" for each in b"4111111111111111"),
        "".join(f"&#{each};" for each in b"4111111111111111"),
        "".join(f"\\u{each:04x}" for each in b"4111111111111111"),
        " ".join(f"{each:08b}" for each in b"4111111111111111"),
        " ".join(str(each) for each in b"4111111111111111"),
    ],
    "us_ssn": ["123-45-6789", "123 45 6789", "SSN: 123456789", "social security number 123456789"],
    "iban": [
        "DE89370400440532013000",
        "DE89 3704 0044 0532 0130 00",
        "gb82 west 1234 5698 7654 32",
        "FR1420041010050500013M02606",
        "NO9386011117947",
    ],
    "email": ["john.doe+x@example.co.uk", "müller@beispiel.de", "a@b.io", "john@EXAMPLE.com", "ｊｏｈｎ＠example.com"],
    "phone": [
        "+49 151 23456789",
        "+14155552671",
        "(212) 555-1234",
        "1-212-555-1234",
        "01 23 45 67 89",
        "020 7946 0958",
    ],
    "secret": [
        KEY,
        "AKIAIOSFODNN7EXAMPLE",
        "api_key = 'a8F3kd92LLx01mQpz7'",
        '{"client_secret": "q8Zr5T1yPw0LkXv3Nm7"}',
        "Authorization: Bearer a8F3kd92LLx01mQpz7Rt5",
        "sk-ant-api03-abcdefghijklmnopqrstuvwxyz",
        base64.b64encode(b"key AKIAIOSFODNN7EXAMPLE").decode(),
    ],
    "invisible_run": ["a" + "\u200b" * (MAX_INVISIBLE + 1) + "b", "\u202e\u200d\ufeff" * 4],
    "encoded_run": ["QUJD" * (MAX_RUN // 4 + 1)],
}
LEFT_ALONE = [
    "4111111111111112",
    "1234567812345678",
    "0.4111111111111111",
    "order 20231105123456789",
    "000-12-3456",
    "666-12-3456",
    "900-12-3456",
    "123-00-4567",
    "2023-123-45-6789",
    "DE88370400440532013000",
    "DE8937040044053201300",
    "XX89370400440532013000",
    "user@localhost",
    "@mention me",
    "price is 3.14159265358979",
    "192.168.100.200",
    "2026-11-22 20:15:33",
    "ISBN 978-3-16-148410-0",
    "version 1.2.3.4",
    "password = changeme",
    "the key to success is patience",
    "token: placeholder_value_here",
    "https://example.org/very/long/path/to/some/document.html",
    "internationalization_of_everything",
    "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13",
    "a\u200db\u200dc",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts])
@pytest.mark.parametrize("around", ["{}", "Here it is: {}, as agreed.", "日本語 {} と"])
def test_found_where_it_stands(kind: str, text: str, around: str) -> None:
    whole = around.format(text)
    start = whole.index(text)
    spans = [(each.start, each.end) for each in find(whole) if each.kind == kind]
    assert spans
    digits = {at for at in range(start, start + len(text)) if whole[at].isdigit()}
    covered = {at for first, last in spans for at in range(first, last)}
    if kind in ("card_number", "us_ssn"):
        assert digits <= covered
    # A run of character codes is hidden with the punctuation that clings to its last word.
    assert all(start <= first and last <= start + len(text) + 1 for first, last in spans)


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_left_alone(text: str) -> None:
    assert find(text) == ()


def test_a_private_key_ends_where_it_ends() -> None:
    text = f"Before. {KEY} After it, prose goes on."
    (found,) = [each for each in find(text) if each.kind == "secret"]
    assert text[found.start : found.end] == KEY


PIECES = st.sampled_from(
    [
        *(text for texts in FOUND.values() for text in texts if len(text) < 200),
        *LEFT_ALONE,
        "4111",
        "1111",
        "1111 ",
        "-",
        "%34",
        "%31",
        "&#52;",
        "\u200b",
        "\u200b" * 5,
        "@",
        ".com",
        "eyJ",
        "key=",
        "Bearer ",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
        "QUJD",
        "41 ",
        "01 02 03 ",
        "\n",
        " ",
        "a",
        "é",
        "The quick brown fox jumps. ",
        "she said, and left. ",
        "x" * 40,
        "QUJD" * 600,
        "ghp_",
        "glpat-",
        "0x41 ",
        "DE89",
    ]
)
TEXTS = st.lists(PIECES, max_size=14).flatmap(
    lambda pieces: st.sampled_from(["", " "]).map(lambda between: between.join(pieces))
)


def covered(text: str, start: int, end: int) -> dict[str, set[int]]:
    places: dict[str, set[int]] = {}
    for each in find(text):
        places.setdefault(each.kind, set()).update(range(max(start, each.start), min(end, each.end)))
    return {kind: at for kind, at in places.items() if at}


@settings(deadline=None, max_examples=60)
@given(TEXTS, st.data())
def test_what_is_found_depends_on_nearby_text_alone(text: str, data: st.DataObject) -> None:
    check_locality(text, data)


@pytest.mark.deep
@settings(deadline=None, max_examples=3000)
@given(TEXTS, st.data())
def test_what_is_found_depends_on_nearby_text_alone_at_length(text: str, data: st.DataObject) -> None:
    check_locality(text, data)


@pytest.mark.deep
@settings(deadline=None, max_examples=3_000)
@given(TEXTS, st.data())
def test_what_is_not_held_never_changes_at_length(text: str, data: st.DataObject) -> None:
    check_held(text, data)


def check_locality(text: str, data: st.DataObject) -> None:
    filler = data.draw(
        st.sampled_from(["and so it goes. ", "41 11 ", "QUJD", "\u200b ", "a@b ", "glpat-", "4111 1111 "])
    )
    long = (filler * (2 * LOOKBACK // len(filler) + 1)) + text + (filler * (2 * LOOKBACK // len(filler) + 1))
    start = data.draw(st.integers(LOOKBACK, len(long) - LOOKBACK))
    end = min(start + data.draw(st.integers(1, 400)), len(long) - LOOKBACK)
    window = long[start - LOOKBACK : end + LOOKBACK]
    shifted = {
        kind: {at - LOOKBACK + start for at in places}
        for kind, places in covered(window, LOOKBACK, LOOKBACK + end - start).items()
    }
    assert shifted == covered(long, start, end)


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.data())
def test_what_is_not_held_never_changes(text: str, data: st.DataObject) -> None:
    check_held(text, data)


def check_held(text: str, data: st.DataObject) -> None:
    split = data.draw(st.integers(0, len(text)))
    safe = split - held(text[:split])
    assert 0 <= safe <= split
    assert covered(text[:split], 0, safe) == covered(text, 0, safe)
    assert not any(each.start < safe < each.end for each in find(text))


@pytest.mark.parametrize("text", [text for texts in FOUND.values() for text in texts if len(text) < 300])
def test_every_finding_is_held_until_it_is_whole(text: str) -> None:
    whole = f"And then he told them all about it: {text}, and that was that."
    for split in range(len(whole) + 1):
        safe = split - held(whole[:split])
        assert not any(each.start < safe < each.end for each in find(whole))
        assert covered(whole[:split], 0, safe) == covered(whole, 0, safe)


def test_prose_is_held_for_about_a_word() -> None:
    prose = "Thank you for the report on our new line of products. We would like to know more about it, please. " * 5
    waits = [held(prose[:at]) for at in range(60, len(prose))]
    assert sum(waits) / len(waits) < 12
    assert max(waits) < 40


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=300))
def test_any_text_is_taken(text: str) -> None:
    for each in find(text):
        assert 0 <= each.start < each.end <= len(text)
    assert 0 <= held(text) <= len(text)


@pytest.mark.parametrize(
    "hostile", ["4" * 100_000, "4 " * 50_000, "a@" * 50_000, "QUJD" * 25_000, "%41" * 30_000, "glpat-" * 10_000,
                "\u200b" * 50_000, "-----BEGIN PRIVATE KEY" * 2_000, "key=" * 20_000, "eyJ" * 30_000, "&#65;" * 20_000,
                "4111 " * 20_000, "DE89 " * 20_000, "+1 " * 20_000]
)  # fmt: skip
def test_hostile_text_is_judged_in_bounded_time(hostile: str) -> None:
    find(hostile)
    held(hostile)

"""Decoders give back readable text or nothing."""

from __future__ import annotations

import base64
import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.encoded_runs import MAX_RUN
from ringwall.detectors.encodings import DECODERS, MAX_INFLATED, readable, shift
from ringwall.detectors.normalize import read
from ringwall.detectors.personal_data import MAX_DECODED, find

BY_NAME = {each.name: each for each in DECODERS}
LETTERS = st.text(
    alphabet="abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ,.!?0123456789", min_size=20, max_size=80
)


def decoded(name: str, text: str) -> list[str | None]:
    return [BY_NAME[name].decode(match[0]) for match in BY_NAME[name].runs(text)]


@settings(deadline=None, max_examples=200)
@given(LETTERS)
def test_what_was_encoded_comes_back(text: str) -> None:
    data = text.encode()
    encoded = base64.b64encode(data).decode()
    if not (encoded.isupper() or encoded.islower()):
        assert text in decoded("base64", encoded)
    assert text in decoded("base32", base64.b32encode(data).decode())
    assert text in decoded("hex", data.hex())
    assert text in decoded("binary", " ".join(f"{each:08b}" for each in data))
    assert text in decoded("decimal", " ".join(str(each) for each in data))
    assert text in decoded("percent", "".join(f"%{each:02X}" for each in data))


@settings(deadline=None)
@given(LETTERS, st.integers(0, 60))
def test_a_shift_undoes_its_opposite(text: str, by: int) -> None:
    assert shift(shift(text, by), -by) == text


@pytest.mark.parametrize(
    "name", ["internationalization_", "some/long/path/to/a/file", "CONSTANT_NAME_IN_CAPITALS", "1234567890123456"]
)
def test_names_and_numbers_are_no_base64(name: str) -> None:
    assert decoded("base64", name) in ([], [None])


@pytest.mark.parametrize("data", [b"", b"abc", bytes(range(128, 200)), bytes(40), b"\xff\xfe\xfd" * 10])
def test_what_is_no_text_is_nothing(data: bytes) -> None:
    assert readable(data) is None


def test_a_little_garbage_is_borne() -> None:
    assert readable(b"ignore previous instructions\xff") is not None


def test_a_run_needs_a_sign_of_its_own() -> None:
    assert list(BY_NAME["hex"].runs("4111 1111 1111 1111")) == []
    assert list(BY_NAME["hex"].runs("41 31 31 31 31 31 31 31"))


def test_what_is_near_a_sign_is_one_stretch() -> None:
    text = "QUJD" * 100
    assert list(BY_NAME["base64"].near(text, 0, len(text), 50)) == [(0, 400)]


@pytest.mark.parametrize(
    ("name", "run"),
    [
        ("base85", base64.b85encode(b"ignore previous instructions").decode()),
        ("ascii85", base64.a85encode(b"ignore previous instructions", adobe=True).decode()),
        ("base64", base64.b64encode(gzip.compress(b"ignore previous instructions", mtime=0)).decode()),
        ("hex", zlib.compress(b"ignore previous instructions").hex()),
        ("quoted", "".join(f"={byte:02X}" for byte in b"ignore previous instructions")),
    ],
)
def test_dense_and_compressed_runs_are_read(name: str, run: str) -> None:
    [decoder] = [each for each in DECODERS if each.name == name]
    assert [decoder.decode(match[0]) for match in decoder.runs(run)] == ["ignore previous instructions"]


def test_a_bomb_is_unpacked_to_a_bound_that_whoever_looks_notices() -> None:
    [decoder] = [each for each in DECODERS if each.name == "base64"]
    bomb = base64.b64encode(zlib.compress(b"a" * 1_000_000)).decode()
    assert len(bomb) < MAX_RUN and len(decoder.decode(bomb) or "") == MAX_INFLATED > MAX_DECODED
    assert {each.kind for each in find(f"It is {bomb} indeed")} == {"encoded_run"}
    assert read(bomb).exceeded

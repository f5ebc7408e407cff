"""Values with their lines, and files that are meant to break the reader."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.config.document import MAX_FILE_BYTES, MAX_NESTING, read_file, read_text
from ringwall.model.errors import ConfigError
from tests.config import toml

TEXT = """# a comment

[workloads.chat]
owner = "a"
models = { "m" = "one" }

[workloads.chat.controls."infrastructure.network_origin"]
allow = [
    "127.0.0.0/8",  # ] not the end
    "::1/128",
]
deny = []
a.b.c = 1
text = '''
[not.a.table]
fake = 1
'''
after = 2
[[list]]
x = 1
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("workloads",), 3),
        (("workloads", "chat"), 3),
        (("workloads", "chat", "owner"), 4),
        (("workloads", "chat", "models", "m"), 5),
        (("workloads", "chat", "controls", "infrastructure.network_origin"), 7),
        (("workloads", "chat", "controls", "infrastructure.network_origin", "allow"), 8),
        (("workloads", "chat", "controls", "infrastructure.network_origin", "deny"), 12),
        (("workloads", "chat", "controls", "infrastructure.network_origin", "a", "b", "c"), 13),
        (("workloads", "chat", "controls", "infrastructure.network_origin", "text"), 14),
        (("workloads", "chat", "controls", "infrastructure.network_origin", "after"), 18),
        (("list",), 19),
    ],
)
def test_every_key_has_its_line(path: tuple[str, ...], line: int) -> None:
    assert read_text(TEXT.encode(), "f.toml").lines[path] == line


def test_what_has_no_line_of_its_own_is_found_at_the_table_above() -> None:
    document = read_text(TEXT.encode(), "f.toml")
    assert str(document.where("workloads", "chat", "no", "such")) == "f.toml:3"
    assert str(document.where("nothing")) == "f.toml"


def test_keys_inside_of_strings_are_no_keys() -> None:
    document = read_text(TEXT.encode(), "f.toml")
    assert ("not", "a", "table") not in document.lines
    assert not any("fake" in path for path in document.lines)


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x85"])
def test_a_unicode_line_break_inside_of_a_string_does_not_shift_lines(mark: str) -> None:
    document = read_text(f'a = "x{mark}y"\nb = 2\n[t]\nc = 3\n'.encode(), "f.toml")
    assert (document.lines["b",], document.lines["t", "c"]) == (2, 4)


def test_windows_line_ends_count_once() -> None:
    assert read_text(b"a = 1\r\n\r\nb = 2\r\n", "f.toml").lines["b",] == 3


@given(
    values=st.recursive(
        st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=8),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
        max_leaves=12,
    ).filter(lambda each: isinstance(each, dict))
)
@settings(deadline=None, max_examples=200)
def test_every_key_of_any_document_has_the_line_on_which_it_stands(values: dict[str, object]) -> None:
    text = toml.document(values)
    document = read_text(text.encode(), "f.toml")
    assert document.values == tomllib.loads(text)
    lines = text.replace("\r\n", "\n").split("\n")
    for name, item in values.items():
        assert toml.key(name) in lines[document.lines[name,] - 1]
        for below in item if isinstance(item, dict) else ():
            assert toml.key(below) in lines[document.lines[name, below] - 1]


@pytest.mark.parametrize(
    ("attack", "words"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"a = 1\nb = \xc3", "not UTF-8"),
        (b"a = 1\na = 2\n", "not TOML"),
        (b"a = \n", "not TOML"),
        (b"\xef\xbb\xbfa = 1", "not TOML"),
        (b"a = " + b"[" * 100_000, "nested deeper"),
        (b"a" + b".a" * 5000 + b" = 1", "nested deeper"),
        (b"[" + b"a." * 5000 + b"a]", "nested deeper"),
        (b"a = " + b"[" * (MAX_NESTING + 1) + b"]" * (MAX_NESTING + 1), "nested deeper"),
        (b"a = " + b"9" * 5000, "not TOML"),
        (b"a = 2024-13-45", "not TOML"),
        (b"a = 2024-02-30", "not TOML"),
        (b'a = "\\ud800"', "not TOML"),
        (b'a = "\x00"', "not TOML"),
    ],
)
def test_a_hostile_file_is_an_error_that_names_the_file(attack: bytes, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_text(attack, "f.toml")
    assert caught.value.public.startswith("f.toml")
    assert words in caught.value.public


def test_the_line_of_what_is_not_toml_is_named() -> None:
    with pytest.raises(ConfigError, match=r"f\.toml:3: not TOML"):
        read_text(b"a = 1\nb = 2\nc = = 3\n", "f.toml")


def test_a_file_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="ringwall init"):
        read_file(tmp_path / "none.toml")
    with pytest.raises(ConfigError):
        read_file(tmp_path)


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than"):
        read_file(path)


@given(content=st.binary(max_size=200) | st.text("[]{}=\"'.#\n\\ ax1-:T", max_size=60).map(str.encode))
@settings(deadline=None, max_examples=400)
def test_any_bytes_are_a_document_or_a_config_error(content: bytes) -> None:
    try:
        document = read_text(content, "f.toml")
    except ConfigError:
        return
    assert all(line >= 1 for line in document.lines.values())

"""The tool server's side: one statement, one answer, and never a wait without end."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringwall.vault.client import LeaseError, Rows, execute


@pytest.fixture
def answering(tmp_path: Path) -> Iterator[tuple[str, list[bytes], list[bytes]]]:
    """A socket that answers with what a test puts in the list, and keeps what it was asked."""
    address, asked, answers = str(tmp_path / "s"), [], [b""]
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                asked.append(lines.readline())
                if answers[0] == b"wait":
                    time.sleep(1)
                    continue
                connection.sendall(answers[0])

    thread = threading.Thread(target=serve)
    thread.start()
    yield address, asked, answers
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_it_sends_one_request_and_reads_the_rows(answering: tuple[str, list[bytes], list[bytes]]) -> None:
    address, asked, answers = answering
    answers[0] = json.dumps({"columns": ["a"], "rows": [[1], [None]], "changes": 0}).encode() + b"\n"
    assert execute(address, "secret", "context", "SELECT ?", [1]) == Rows(("a",), ((1,), (None,)), 0)
    assert json.loads(asked[0]) == {"lease": "secret", "context": "context", "sql": "SELECT ?", "parameters": [1]}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b'{"error": "lease_over"}\n', "lease_over"),
        (b"", "broker_gone"),
        (b'{"rows', "broker_gone"),
        (b"wait", "broker_gone"),
    ],
)
def test_what_goes_wrong_is_a_code_and_names_no_secret(
    answering: tuple[str, list[bytes], list[bytes]], answer: bytes, code: str
) -> None:
    address, _, answers = answering
    answers[0] = answer
    with pytest.raises(LeaseError) as raised:
        execute(address, "the-secret", "the-context", "SELECT 1", timeout_s=0.3)
    assert raised.value.code == code
    assert "the-" not in str(raised.value)


def test_a_broker_that_is_not_there_is_gone(tmp_path: Path) -> None:
    with pytest.raises(LeaseError) as raised:
        execute(str(tmp_path / "none"), "s", "c", "SELECT 1")
    assert raised.value.code == "broker_gone"

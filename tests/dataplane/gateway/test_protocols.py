"""Every path has its protocol, and a path that has none is refused in a protocol that can be read."""

from __future__ import annotations

import pytest

from ringwall.dataplane.gateway.protocols import SPOKEN, is_door, wire_of
from ringwall.dataplane.wire.openai_answer import OpenAIChat


@pytest.mark.parametrize("path", SPOKEN)
def test_a_path_and_the_same_under_a_workload_speak_one_protocol(path: str) -> None:
    assert is_door(path) and type(wire_of(path)) is type(wire_of(f"/w/support{path}"))


@pytest.mark.parametrize("path", ["", "/", "/v1/files", "/v1/chat/completions/x", "/../v1/chat/completions"])
def test_another_path_is_no_door(path: str) -> None:
    assert not is_door(path) and isinstance(wire_of(path), OpenAIChat)

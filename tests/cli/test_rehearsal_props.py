"""What both scenes use: marks, what a sending tool answered, a host outside, tools that serve where they were told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from ringwall.cli import rehearsal_props as props
from ringwall.compose.gateways import LoopbackGateways, listening
from ringwall.controlplane.attack.rehearsal.choice import choose
from ringwall.model.errors import InternalError
from ringwall.storefront.agent import Refusal, Transcript


def test_no_two_plays_have_the_same_mark() -> None:
    plays = choose()
    marks = {props.mark_of(each) for each in plays}
    assert len(marks) == len(plays) and not any(letter.isdigit() for mark in marks for letter in mark)


def test_what_the_sending_tool_answered_is_told_from_what_others_did() -> None:
    done = Transcript(
        calls=[("query", {}), ("http_post", {}), ("http_post", {})],
        results=["rows", "status 204"],
        refusals=[Refusal("http_post", "x", "y", "z")],
    )
    assert props.posted(done) == ["status 204"]
    done.refusals = []
    done.results = ["rows", "status 403", "status 204"]
    assert props.posted(done) == ["status 403", "status 204"]


def test_a_host_outside_keeps_what_it_is_sent_by_path() -> None:
    sink = props.Sink()
    for path, text in (("pab", "one"), ("pac", "other"), ("pab", "two")):
        urlopen(Request(f"{sink.url}/{path}", text.encode())).close()
    assert (sink.got("pab"), sink.got("pac"), sink.got("pad")) == (["one", "two"], ["other"], [])
    sink.close()


def test_tools_serve_on_the_sockets_that_were_drawn_for_them(tmp_path: Path) -> None:
    sockets = [listening() for _ in range(6)]
    urls = [props.url_of(each) for each in sockets]
    assert len(set(urls)) == 6, "while they are held, no port is drawn twice"
    file = tmp_path / "shops.json"
    file.write_text(json.dumps([{"fd": each.fileno(), "standing": "", "proxy": ""} for each in sockets]))
    words = [sys.executable, "-m", "ringwall.storefront.server", "--shops", str(file), "--outbox", str(tmp_path / "o")]
    with LoopbackGateways(tmp_path) as gateways:
        props.await_serving([gateways.spawn(words, tmp_path / "tools.log", sockets)], urls)
        assert all(each.fileno() == -1 for each in sockets), "what was handed on is not held here"


def test_tools_that_end_are_not_waited_for(tmp_path: Path) -> None:
    own = listening()
    url = props.url_of(own)
    own.close()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(InternalError) as caught:
        props.await_serving([ended], [url])
    assert caught.value.code == "no_tools"

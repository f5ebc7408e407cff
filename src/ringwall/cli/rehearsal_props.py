"""What both scenes of a rehearsal need: a host outside, who an attacker is, and how he says what he says."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from ringwall.controlplane.attack.rehearsal import stage
from ringwall.controlplane.attack.rehearsal.choice import Play
from ringwall.controlplane.attack.rehearsal.judging import SENDING
from ringwall.controlplane.attack.rehearsal.variants import Place, Script, Task
from ringwall.controlplane.issuer.signing import SigningKeys
from ringwall.model.errors import InternalError
from ringwall.storefront.agent import Agent, Transcript

TOKEN_S = 6 * 3600
START_S = 30.0
ANSWER_S = 5.0


class Sink:
    """A host outside, which keeps what it is sent, by path."""

    def __init__(self) -> None:
        self._got: dict[str, list[str]] = {}
        got = self._got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                got.setdefault(self.path.strip("/."), []).append(body.decode("utf-8", "replace"))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def got(self, mark: str) -> list[str]:
        """What arrived for a play."""
        return self._got.get(mark, [])

    def close(self) -> None:
        """Close it."""
        self._server.shutdown()
        self._server.server_close()


def token_of(people: SigningKeys, play: Play, subject: str, methods: Sequence[str], groups: Sequence[str]) -> str:
    """An access token as people have it, after a login with these methods."""
    now_s = int(time.time())
    claims = {
        "iss": stage.ISSUER,
        "aud": stage.AUDIENCE,
        "sub": subject,
        "client_id": "rehearsal",
        "iat": now_s,
        "exp": now_s + TOKEN_S,
        "jti": mark_of(play),
        "amr": list(methods),
        "groups": list(groups),
    }
    return people.sign("at+jwt", claims)


def url_of(own: socket.socket) -> str:
    """Where the tool server on this socket is asked."""
    return f"http://127.0.0.1:{own.getsockname()[1]}/mcp"


def await_serving(processes: Sequence[subprocess.Popen[bytes]], urls: Iterable[str]) -> None:
    """Wait until every tool server answers anything.

    Raises:
        InternalError: A process ended, or it takes too long.
    """
    end = time.monotonic() + START_S
    for url in urls:
        while not _answers(url):
            if any(each.poll() is not None for each in processes) or time.monotonic() > end:
                raise InternalError("the tools to rehearse with did not start", code="no_tools")
            time.sleep(0.05)


def say(agent: Agent, task: Task, script: Script) -> Transcript:
    """Say it to the assistant, with what an application took from strangers."""
    before = [
        message
        for turn in task.before
        for message in ({"role": "user", "content": turn}, {"role": "assistant", "content": "Go on."})
    ]
    described = script.planted.get(Place.DESCRIPTION)
    tools = [] if described is None else [_foreign(described)]
    return agent.run(task.words, before=before, tools=tools, stream=script.is_streamed)


def _foreign(description: str) -> dict[str, object]:
    """A tool that the application took from a stranger."""
    parameters = {"type": "object", "properties": {"place": {"type": "string"}}}
    return {"type": "function", "function": {"name": "weather", "description": description, "parameters": parameters}}


def posted(done: Transcript, senders: frozenset[str] = frozenset({SENDING})) -> list[str]:
    """What the sending tools answered."""
    answered = iter(done.results)
    refused = [each.where for each in done.refusals]
    told = []
    for name, _ in done.calls:
        if name in refused:
            refused.remove(name)
            continue
        said = next(answered, "")
        if name in senders:
            told.append(said)
    return told


def mark_of(play: Play) -> str:
    """A word that names a play; no digits, so that it is no number of anybody's."""
    return "p" + "".join(chr(ord("a") + int(digit)) for digit in str(play.number))


def _answers(url: str) -> bool:
    split = urlsplit(url)
    connection = HTTPConnection(str(split.hostname), split.port, timeout=ANSWER_S)
    with closing(connection), suppress(OSError, HTTPException):
        connection.request("GET", split.path)
        return connection.getresponse().status > 0
    return False

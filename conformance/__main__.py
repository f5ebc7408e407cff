"""`python -m conformance`: attack a gateway, print which cells hold. Exit status 1 when one leaks or shows nothing."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from conformance import report
from conformance.cells import Form, Place, Played, State, cells
from conformance.doors import Target
from conformance.own import OwnGateway
from conformance.play import NAMES, Stage
from conformance.provider import Provider, Serving
from conformance.tools import ToolServer

AT_A_TIME = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it."""
    asked = _asked(arguments)
    provider, tools = Provider(asked.provider), ToolServer()
    with ExitStack() as stack:
        served = stack.enter_context(Serving(asked.provider, provider.handler))
        served_tools = stack.enter_context(Serving(asked.tools, tools.handler))
        if asked.base_url is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-")))
            own = OwnGateway(folder, provider_port=served.port, tools_port=served_tools.port, off=asked.off)
            target = stack.enter_context(own)
        else:
            base = asked.base_url.rstrip("/").removesuffix("/v1")
            target = Target(base, asked.key, asked.model, (asked.aws_access_key_id, asked.aws_secret_access_key))
        played = _played(Stage(target, provider, tools), asked)
    if asked.markdown is not None:
        asked.markdown.write_text(report.as_markdown(played), "utf-8")
    print(report.as_json(played) if asked.json else report.as_text(played))
    return int(any(each.state in (State.LEAKS, State.REFUSES_ALL) for each in played))


def _played(stage: Stage, asked: argparse.Namespace) -> list[Played]:
    wanted = [each for each in cells(asked.door or list(NAMES)) if not asked.place or each.place in asked.place]
    wanted = [each for each in wanted if not asked.form or each.form in asked.form]
    done: list[Played] = []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for number, each in enumerate(pool.map(lambda cell: stage.play(cell, asked.seed), wanted), 1):
            done.append(each)
            if sys.stderr.isatty():
                print(f"\r{number} of {len(wanted)} cells", end="", file=sys.stderr)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return done


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument("--base-url", help="the gateway; without it, Ringwall is started and attacked")
    parser.add_argument("--key", default="", help="an API key of the gateway")
    parser.add_argument("--model", default="conformance", help="a model whose provider is this program")
    parser.add_argument("--aws-access-key-id", default="", help="for doors that are signed; else the key is a bearer")
    parser.add_argument("--aws-secret-access-key", default="")
    parser.add_argument("--provider", type=_address, default=("127.0.0.1", 0), metavar="HOST:PORT",
                        help="where this program is a provider (OpenAI's chat protocol under /v1)")  # fmt: skip
    parser.add_argument("--tools", type=_address, default=("127.0.0.1", 0), metavar="HOST:PORT",
                        help="where this program is an MCP server with one tool, lookup (under /mcp)")  # fmt: skip
    parser.add_argument("--door", action="append", choices=NAMES, help="only this door; may be repeated")
    parser.add_argument("--place", action="append", type=Place, choices=list(Place), help="only this place")
    parser.add_argument("--form", action="append", type=Form, choices=list(Form), help="only this form")
    parser.add_argument("--off", action="append", default=[], metavar="CONTROL",
                        help="of our own gateway: switch this control off, to see what it held")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="draws the secrets")
    parser.add_argument("--json", action="store_true", help="every cell, for programs")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there, too")
    return parser.parse_args(arguments)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host or "127.0.0.1", int(port)


if __name__ == "__main__":
    sys.exit(main())

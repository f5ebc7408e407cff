"""Where the gateway is: what `ringwall up --ready-file ready.json` wrote."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from openai import OpenAI

READY = Path(sys.argv[1] if len(sys.argv) > 1 else "ready.json")


def connect() -> OpenAI:
    """A stock OpenAI client. All that makes it go through Ringwall is the base URL and the key."""
    if not READY.exists():
        raise SystemExit(f'"{READY}" is not there; start a gateway first: ringwall up --ready-file {READY}')
    ready = json.loads(READY.read_text())
    return OpenAI(base_url=ready["base_url"], api_key=ready["api_key"], max_retries=0)


def explain(record: str | None) -> str:
    """The command that shows why."""
    data_dir = json.loads(READY.read_text())["data_dir"]
    return f"ringwall explain {record} --data-dir {data_dir}"

"""Where is a credential read from? The one place that reads the environment.

A configuration names a secret, it never holds one: `env:NAME` or `file:PATH`.
"""

from __future__ import annotations

import os
from pathlib import Path

from ringwall.model.errors import ConfigError

MAX_SECRET_BYTES = 64 * 1024


def read_secret(reference: str, *, file: str = "", line: int | None = None) -> str:
    """The secret that a reference names, without a final line break.

    Raises:
        ConfigError: It names none, or what it names is not there or empty.
    """
    kind, _, name = reference.partition(":")
    if kind == "env" and name:
        secret = os.environ.get(name, "")  # noqa: TID251 - this is the place
        if not secret:
            raise ConfigError(f'the environment variable "{name}" is not set', file=file, line=line)
        return secret
    if kind == "file" and name:
        try:
            secret = Path(name).read_bytes()[:MAX_SECRET_BYTES].decode("utf-8").rstrip("\r\n")
        except (OSError, ValueError) as error:  # not there, not UTF-8, or no name that a file can have
            raise ConfigError(f'the secret file "{name}" cannot be read', file=file, line=line) from error
        if not secret:
            raise ConfigError(f'the secret file "{name}" is empty', file=file, line=line)
        return secret
    raise ConfigError("a credential must be named, not written", file=file, line=line, hint='"env:NAME" or "file:PATH"')


def environment(name: str) -> str | None:
    """A variable of the environment, or None."""
    return os.environ.get(name)  # noqa: TID251 - this is the place

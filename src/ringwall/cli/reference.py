"""What does the reference page of the commands say? Markdown, computed from the commands themselves.

Same commands, same bytes: the committed page is compared with this function's answer.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import typer

HIDDEN = frozenset({"help", "install_completion", "show_completion"})


def cli_page(app: typer.Typer) -> str:
    """The page `docs/reference/cli.md`."""
    lines = [
        "# Commands",
        "",
        "<!-- computed by `ringwall.cli.reference.cli_page` from the commands; do not edit -->",
        "",
        "Exit status: 0 when it is done, 1 when something was found or failed, 2 when what was asked cannot be taken "
        "(a wrong option, a configuration with an error). Errors are one line on standard error; `--json` prints one "
        "document on standard output.",
        "",
        "Completion for your shell: `ringwall --install-completion`, then open a new one.",
    ]
    for path, command in commands(app):
        lines += ["", f"## `ringwall {' '.join(path)}`", "", *_help(command), "", *_parameters(command)]
    return "\n".join(lines).rstrip() + "\n"


def commands(app: typer.Typer) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with the words that call it, in the order of the words."""
    yield from _below(typer.main.get_command(app), ())


def _below(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    below = getattr(command, "commands", None)
    if not below:
        yield path, command
        return
    for name in sorted(below):
        yield from _below(below[name], (*path, name))


def _help(command: Any) -> list[str]:
    return inspect.cleandoc(command.help or "").splitlines()


def _parameters(command: Any) -> Iterator[str]:
    shown = [each for each in command.params if each.name not in HIDDEN]
    if not shown:
        return
    yield "| parameter | meaning | if it is not given |"
    yield "|---|---|---|"
    for each in shown:
        is_option = each.param_type_name == "option"
        name = ", ".join(f"`{one}`" for one in each.opts) if is_option else f"`{each.metavar or each.name.upper()}`"
        variable = f" (variable `{each.envvar}`)" if getattr(each, "envvar", None) else ""
        meaning = (getattr(each, "help", None) or "").replace("|", "\\|")
        yield f"| {name} | {meaning}{variable} | {_default(each)} |"


def _default(parameter: Any) -> str:
    if parameter.required:
        return "needed"
    value = parameter.default
    if value in (None, False, "", ()):
        return ""
    return f"`{getattr(value, 'value', value)}`"

"""`ringwall ledger`: is it whole, what is in it, and what to keep elsewhere.

* Works on the files alone, with and without a running gateway.
* `verify` ends with 0 when nothing was found that no crash explains, with 1 when something was, and with 2 when it
  could not look: no ledger, no key, a receipt that is none.
* A key that stands beside the ledger proves less: whoever can rewrite the one can replace the other. It is said each
  time, with the key's fingerprint, so that it can be compared with one kept elsewhere.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.padding import Padding
from rich.table import Table

from ringwall.cli.main import DataDir, Json, err
from ringwall.cli.show import plural, show, show_json, visible
from ringwall.model.errors import ConfigError, InternalError, RingwallError
from ringwall.model.record import inert

if TYPE_CHECKING:
    from ringwall.model.ports import Receipt
    from ringwall.store.ledger.report import Report

MAX_ANCHOR_BYTES = 1024 * 1024
NOTE_LINES = 6

KeyFile = Annotated[
    Path | None,
    typer.Option("--key", help="The public key, kept elsewhere (`ledger.pub`).", show_default=False),
]
ledger = typer.Typer(no_args_is_help=True, help="Verify the ledger, list it, and take what to keep elsewhere.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(ledger, name="ledger")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signs checkpoints, and how far to trust it.

    Attributes:
        bytes: The key.
        fingerprint: Its short name.
        beside: True when it stands beside the ledger itself.
    """

    bytes: bytes
    fingerprint: str
    beside: bool


def ledger_folder(data_dir: Path | None) -> Path:
    """The ledger of an installation.

    Raises:
        ConfigError: There is none.
    """
    from ringwall import compose

    folder = (data_dir if data_dir is not None else compose.default_data_dir()) / "ledger"
    if not (folder / "segments").is_dir():
        hint = "give the --data-dir that ringwall up or serve was given"
        raise ConfigError("there is no ledger here", file=str(folder), hint=hint)
    return folder


def public_key(folder: Path, key: Path | None) -> PublicKey:
    """The key that signs a ledger: the one given, or the one beside it.

    Raises:
        ConfigError: It cannot be read.
    """
    from ringwall.vault.keys import fingerprint, read_public_key

    path = key if key is not None else folder / "ledger.pub"
    try:
        found = read_public_key(path)
    except InternalError as error:
        hint = "--key FILE gives one that was kept elsewhere"
        raise ConfigError("this is not a public key of a ledger", file=str(path), hint=hint) from error
    return PublicKey(found, fingerprint(found), beside=key is None)


@ledger.command("verify")
def verify(
    data_dir: DataDir = None,
    receipt: Annotated[
        list[str] | None,
        typer.Option("--receipt", help="A receipt, or a file with one on each line; may be repeated."),
    ] = None,
    anchor: Annotated[
        list[Path] | None,
        typer.Option("--anchor", help="A file of checkpoints that was kept elsewhere; may be repeated."),
    ] = None,
    key: KeyFile = None,
    json: Json = False,
) -> None:
    """Find any edit, removal, reorder or truncation, and say what cannot be excluded.

    Receipts stand in the header `Ringwall-Receipt` of every answer; anchors are what `ringwall ledger anchor` wrote.

    **Example:** `ringwall ledger verify --receipt receipts.txt --anchor anchor.txt --key ledger.pub`
    """
    from ringwall.store.ledger.verify import verify as verify_ledger

    folder = ledger_folder(data_dir)
    held = public_key(folder, key)
    receipts = [one for each in receipt or () for one in read_receipts(each)]
    anchors = [one for each in anchor or () for one in read_anchors(each)]
    try:
        if err.is_terminal:
            with err.status("reading the ledger"):
                report = verify_ledger(folder, held.bytes, receipts, anchors)
        else:
            report = verify_ledger(folder, held.bytes, receipts, anchors)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(error.filename or folder)) from error
    if json:
        show_json(
            {
                **asdict(report),
                "green": report.is_green,
                "key": {"beside_the_ledger": held.beside, "fingerprint": held.fingerprint},
            }
        )
    else:
        _show_report(folder, report, held, len(receipts), len(anchors))
    if not report.is_green:
        raise typer.Exit(1)


def read_receipts(given: str) -> list[Receipt]:
    """A receipt, or those in a file.

    Raises:
        ConfigError: It is none, and no file with any.
    """
    from ringwall.store.ledger.receipt import decode_receipt

    is_file = not given.startswith("rw1.")
    lines = [given]
    if is_file:
        try:
            lines = Path(given).read_text("ascii").splitlines()
        except (OSError, ValueError) as error:
            hint = "a receipt begins with rw1. and stands in the header Ringwall-Receipt"
            raise ConfigError(f'"{inert(given)}" is neither a receipt nor a file', hint=hint) from error
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found.append(decode_receipt(line.strip()))
        except RingwallError as error:
            where = given if is_file else ""
            raise ConfigError("this is not a receipt", file=where, line=number if is_file else None) from error
    return found


def read_anchors(path: Path) -> list[str]:
    """The signed checkpoints in a file, each six lines.

    Raises:
        ConfigError: The file cannot be read, or holds something else.
    """
    try:
        content = path.read_bytes()[: MAX_ANCHOR_BYTES + 1].decode("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError("these anchors cannot be read", file=str(path)) from error
    lines = content.split("\n")
    if len(content) > MAX_ANCHOR_BYTES or lines[-1] or len(lines) == 1 or (len(lines) - 1) % NOTE_LINES:
        hint = "ringwall ledger anchor writes them"
        raise ConfigError("this is not a file of checkpoints", file=str(path), hint=hint)
    return ["\n".join([*lines[at : at + NOTE_LINES], ""]) for at in range(0, len(lines) - 1, NOTE_LINES)]


def _show_report(folder: Path, report: Report, held: PublicKey, receipts: int, anchors: int) -> None:
    if report.is_green:
        show(f"[bold green]green[/] {visible(folder)}: nothing was found that no crash explains")
    else:
        show(f"[bold red]{plural(len(report.findings), 'finding')}[/] {visible(folder)}")
    signed = sum(each.vouched for each in report.coverage)
    show(
        f"  {plural(report.records, 'record')} in {plural(len(report.coverage), 'segment')}, {signed} of them under a "
        f"signature; held to {plural(receipts, 'receipt')} and {plural(anchors, 'anchor')}"
    )
    show(f"  signing key {held.fingerprint}")
    if held.beside:
        show(
            "  [yellow]this key stands beside the ledger, which proves less: whoever can rewrite the one can replace "
            "the other; compare its fingerprint, or give --key with a copy kept elsewhere[/]"
        )
    for finding in report.findings:
        at = "" if finding.position is None else f" at position {finding.position}"
        record = f", record {visible(inert(finding.record))}" if finding.record else ""
        where = f" in segment {visible(finding.segment)}" if finding.segment else ""
        show(f"[bold red]{finding.kind}[/]{where}{at}{record}: {visible(inert_line(finding.detail))}")
    for each in report.interrupted:
        state = "its process still runs: it may be open" if each.live else "interrupted, extent unknown"
        show(f"[yellow]stream[/] opened by record {visible(inert(each.record))}: {state}")
    for note in report.notes:
        show(f"[dim]note[/] {visible(inert_line(note))}")
    show("What cannot be excluded:")
    for limit in report.limits:
        show(f"  - {visible(inert_line(limit))}")


def inert_line(words: str) -> str:
    """Words of a report, in which names from the ledger may stand."""
    return " ".join(inert(each) for each in words.split(" "))


@ledger.command("list")
def list_segments(data_dir: DataDir = None, json: Json = False) -> None:
    """List the segments: when each began, how many records it holds, whether it still grows.

    **Example:** `ringwall ledger list`
    """
    from ringwall.store.ledger import segment

    folder = ledger_folder(data_dir)
    ends = [segment.find_end(folder, name) for name in segment.names(folder)]
    if json:
        show_json([asdict(end) for end in ends])
        return
    grid = Table.grid(padding=(0, 3, 0, 0))
    for end in ends:
        state = "[green]growing[/]" if end.live else "[yellow]torn[/]" if end.torn else "[dim]ended[/]"
        grid.add_row(visible(end.name), plural(end.records, "record"), f"{end.size:,} bytes", state)
    show(grid)


@ledger.command("tail")
def tail(
    data_dir: DataDir = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=10_000, help="How many records.")] = 20,
    json: Json = False,
) -> None:
    """Show the last records, oldest first.

    **Example:** `ringwall ledger tail -n 50`
    """
    from ringwall.cli.explain import record_line
    from ringwall.store.ledger import read

    found = deque(read.entries(ledger_folder(data_dir)), maxlen=lines)
    fields = []
    for entry in found:
        try:
            fields.append(entry.fields())
        except (ValueError, RecursionError):
            fields.append({"kind": "unreadable", "id": f"position {entry.position} of {entry.segment}"})
    if json:
        show_json(fields)
        return
    grid = Table.grid(padding=(0, 2, 0, 0))
    for each in fields:
        grid.add_row(*record_line(each))
    show(Padding(grid, (0, 0)))


@ledger.command("anchor")
def anchor(
    data_dir: DataDir = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; the terminal if none.", show_default=False)
    ] = None,
) -> None:
    """Take the newest signed checkpoint of every segment, to be kept elsewhere.

    Whoever later rewrites or shortens the ledger is contradicted by it: give it to `ringwall ledger verify --anchor`.

    **Example:** `ringwall ledger anchor --output anchor-$(date +%F).txt`
    """
    notes = newest_notes(ledger_folder(data_dir))
    content = "".join(notes)
    if output is None:
        typer.echo(content, nl=False)
        return
    try:
        output.write_text(content, "utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", file=str(output)) from error
    show(f"[bold green]wrote[/] {visible(output)}: {plural(len(notes), 'checkpoint')}; keep it on another machine")


def newest_notes(folder: Path) -> Sequence[str]:
    """The last whole checkpoint of every segment that has one, as it stands there."""
    from ringwall.store.ledger import segment

    notes = []
    for name in segment.names(folder):
        try:
            lines = segment.checkpoints_path(folder, name).read_text("utf-8", "replace").split("\n")
        except FileNotFoundError:
            continue
        whole = (len(lines) - 1) // NOTE_LINES
        if whole:
            notes.append("\n".join([*lines[(whole - 1) * NOTE_LINES : whole * NOTE_LINES], ""]))
    return notes

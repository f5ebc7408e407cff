"""`ringwall explain`: the decision chain of one request, as a tree.

Who asked, from where, for what; what each control said at each checkpoint, on what evidence, and how long it took; what
was hidden, granted, or stayed sealed all the same, what was not asked, and what came of it. Evidence is kinds, places
and scores: content is not in the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.tree import Tree

from ringwall.cli.main import DataDir, Json
from ringwall.cli.show import plural, show, show_json, visible
from ringwall.cli.story import Told, conclude, inner, items, mapping, number, tell, text
from ringwall.model.record import inert

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OUTCOMES = {
    "proceeds": "goes on",
    "refused": "refused",
    "sends": "is sent upstream",
    "releases": "is released to the caller",
    "streams": "a stream is opened",
    "released": "the stream was released to its end",
    "ended": "the caller went away",
    "failed": "came to nothing",
    "done": "done",
}
_SEALED = {
    "unknown_version": "no such version of the key was made here",
    "shredded": "this version of the key was destroyed",
    "key_unavailable": "its key cannot be unwrapped: another root key, or a share that is missing",
    "wrong_place": "it was changed, or stands in another row or column than it was sealed for",
}
"""Why a value that was to be opened stayed sealed (`Why` of `ringwall.model.vault`), for a person."""
_COLOURS = {"allow": "green", "transform": "cyan", "ask": "yellow", "deny": "red", "none": "red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)


def explain(
    id: Annotated[str, typer.Argument(metavar="ID", help="A record id (rec_...) or a request id (req_...).")],
    data_dir: DataDir = None,
    key: Annotated[
        Path | None, typer.Option("--key", help="The ledger's public key; its own one if none.", show_default=False)
    ] = None,
    json: Json = False,
) -> None:
    """Show why a request was allowed or refused: every control's verdict, evidence and time.

    The ids stand in the headers `Ringwall-Record` and `X-Request-Id` of every answer, and in the text of a refusal.
    Reads the ledger's files only, so it works with and without a running gateway.

    **Example:** `ringwall explain req_5f1c0d1e6a7b8c9d0e1f2a3b4c5d6e7f`
    """
    from ringwall.cli.ledger import ledger_folder, public_key

    folder = ledger_folder(data_dir)
    told = tell(folder, id, public_key(folder, key).bytes)
    if json:
        show_json(
            {
                "conclusion": conclude(told),
                "records": [
                    {
                        "covered": each.covered,
                        "fields": each.fields,
                        "position": each.position,
                        "segment": each.segment,
                        "took_effect": each.took_effect,
                    }
                    for each in told
                ],
            }
        )
        return
    show(as_tree(told))
    show(
        "[dim]Whether these are the bytes that were written: ringwall ledger verify. "
        "Content is not in the ledger: evidence is kinds, places and scores.[/]"
    )


def as_tree(told: Sequence[Told]) -> Tree:
    """A story as a tree."""
    first = told[0].fields
    name = text(first, "interaction") or text(first, "id")
    tree = Tree(f"[bold]{safe(name)}[/]  {safe(conclude(told))}", highlight=False)
    for line in _heading(first):
        tree.add(line)
    numbers = {text(each.fields, "id"): place for place, each in enumerate(told, 1)}
    for place, each in enumerate(told, 1):
        _add_record(tree, place, each, numbers)
    return tree


def safe(value: object) -> str:
    """A name out of the ledger, bounded and inert, without markup."""
    return visible(inert(str(value)))


def _heading(fields: Mapping[str, object]) -> list[str]:
    """Who asked, from where, for what."""
    principal = mapping(fields.get("principal"))
    lines = []
    if principal:
        verified = "[green]verified[/]" if principal.get("verified") is True else "[red]not verified: only claimed[/]"
        methods = ", ".join(safe(each) for each in items(principal.get("methods")))
        words = [f"{safe(text(principal, 'issuer'))} {safe(text(principal, 'subject'))}", safe(text(principal, "kind"))]
        words += [verified, f"methods {methods}" if methods else "no authentication methods vouched for"]
        lines.append(f"[dim]who[/]      {', '.join(words)}")
        for link in items(principal.get("chain")):
            lines.append(f"[dim]through[/]  {safe(' '.join(str(each) for each in items(link)))}")
    resource = mapping(fields.get("resource"))
    wanted = f"{text(fields, 'action')} {text(resource, 'kind')} {text(resource, 'name')}".strip()
    for label, value in (
        ("wants", wanted),
        ("from", text(fields, "source")),
        ("workload", text(fields, "workload")),
        ("session", text(fields, "session")),
        ("trace", text(fields, "trace")),
        ("plan", text(fields, "plan")),
    ):
        if value:
            lines.append(f"[dim]{label:<8}[/] {safe(value)}")
    return lines


def _add_record(tree: Tree, place: int, told: Told, numbers: Mapping[str, int]) -> None:
    fields = told.fields
    kind, outcome, effect = (text(fields, key) for key in ("kind", "outcome", "effect"))
    what = text(fields, "checkpoint") or kind
    colour = _COLOURS.get(effect, "white")
    decided = f"[{colour}]{safe(effect)}[/], " if effect else ""
    body = inner(fields)
    took = f"  [dim]{_span(number(body, 'elapsed_us'))}[/]" if "elapsed_us" in body else ""
    title = f"[bold]{place}. {safe(what)}[/]  {decided}{safe(_OUTCOMES.get(outcome, outcome))}{took}"
    node = tree.add(title)
    node.add(_ledger_line(told))
    causes = [each for each in items(fields.get("cause")) if isinstance(each, str)]
    if causes:
        named = ", ".join(str(numbers[each]) if each in numbers else safe(each) for each in causes)
        node.add(f"[dim]follows from[/] {named}")
    if kind == "decision":
        _add_decision(node, body)
    else:
        for key in sorted(body):
            if body[key] not in (None, [], ""):
                node.add(f"[dim]{safe(key)}[/] {safe(_compact(body[key]))}")


def _ledger_line(told: Told) -> str:
    when = _time(number(told.fields, "time_us"))
    covered = {
        True: "[green]covered by a signed checkpoint[/]",
        False: "[yellow]not covered by a signed checkpoint yet[/]",
        None: "[yellow]no key at hand to tell whether a checkpoint covers it[/]",
    }[told.covered]
    lost = "" if told.took_effect else ", [red]its commit was refused: it took no effect[/]"
    where = f"position {told.position} of {safe(told.segment)}"
    return f"[dim]{safe(text(told.fields, 'id'))}, {when}, {where},[/] {covered}{lost}"


def _add_decision(node: Tree, body: Mapping[str, object]) -> None:
    cause = mapping(body.get("cause"))
    if cause:
        by = safe(text(cause, "control")) or "the gateway itself: no control is planned here"
        node.add(f"[bold red]because[/] {safe(text(cause, 'code'))}, said by {by}")
    target = mapping(body.get("target"))
    if target:
        others = [" ".join(safe(name) for name in items(each)) for each in items(target.get("left_out"))]
        after = f" [dim](left out: {', '.join(others)})[/]" if others else ""
        node.add(f"[dim]to[/] {safe(text(target, 'upstream'))} as {safe(text(target, 'model'))}{after}")
    again = 0
    for each in items(body.get("judgements")):
        judgement = mapping(each)
        if number(judgement, "round") == 2 and _is_plain_allow(judgement):
            again += 1
        else:
            _add_judgement(node, judgement)
    if again:
        node.add(f"[dim]asked again about the edited content:[/] {plural(again, 'control')} [green]allow[/]")
    for each in items(body.get("edits")):
        edit = mapping(each)
        hidden = f"{safe(text(edit, 'action'))} {safe(text(edit, 'kind'))}"
        node.add(f"[cyan]hidden[/] {hidden} at {_place(mapping(edit.get('place')))}")
    for each in items(body.get("grants")):
        kind, subject = [*(safe(one) for one in items(each)), "", ""][:2]
        node.add(f"[green]granted[/] {kind} {subject}")
    left = [safe(each) for each in items(body.get("left_out"))]
    if left:
        node.add(f"[cyan]left out[/] turn {', '.join(left)}: refused before in this conversation")
    for each in items(body.get("unreadable")):
        key, version, why = [*(safe(one) for one in items(each)), "", "", ""][:3]
        said = _SEALED.get(why, why)
        node.add(f"[yellow]stayed sealed[/] a value of {key}, key version {version}: {why}, {said}")
    for each in items(body.get("vacancies")):
        control, reason = [*(safe(one) for one in items(each)), "", ""][:2]
        node.add(f"[yellow]not asked[/] {control}: off, {reason}")


def _is_plain_allow(judgement: Mapping[str, object]) -> bool:
    return text(judgement, "verdict") == "allow" and not (set(judgement) & {"silence", "evidence", "code"})


def _add_judgement(node: Tree, judgement: Mapping[str, object]) -> None:
    verdict, mode = text(judgement, "verdict"), text(judgement, "mode")
    silence = text(judgement, "silence")
    would = "would " if mode == "observe" else ""
    words = [f"{would}{verdict if verdict != 'none' else 'no answer'}"]
    words += [f"{name} {value}" for name, value in (("code", text(judgement, "code")), ("silence", silence)) if value]
    if silence:
        words.append(text(judgement, "detail") or "no detail")
        words.append("counts as deny" if mode == "enforce" else "would count as deny")
    again = "  [dim](edited content)[/]" if number(judgement, "round") == 2 else ""
    colour = "red" if silence else _COLOURS.get(verdict, "white")
    if mode == "observe":
        colour = "yellow"
    said = safe(", ".join(words))
    line = f"{safe(text(judgement, 'control'))}  [{colour}]{said}[/]  [dim]{_span(number(judgement, 'elapsed_us'))}[/]"
    leaf = node.add(line + again)
    for each in items(judgement.get("evidence")):
        evidence = mapping(each)
        score = f" {number(evidence, 'score_millionths') / 1_000_000:.2f}" if "score_millionths" in evidence else ""
        place = mapping(evidence.get("place"))
        at = f" at {_place(place)}" if place else ""
        leaf.add(f"[dim]evidence[/] {safe(text(evidence, 'kind'))}{score}{at}")


def _place(place: Mapping[str, object]) -> str:
    pointer = text(place, "pointer")
    leaf = text(place, "leaf")
    where = safe(text(place, "part") + (f" {pointer}" if pointer else ""))
    kind = f" ({safe(leaf)})" if leaf not in ("", "value") else ""
    return f"{where}, characters {number(place, 'start')} to {number(place, 'end')}{kind}"


def _span(microseconds: int) -> str:
    return f"{microseconds} us" if microseconds < 1000 else f"{microseconds / 1000:.1f} ms"


def _time(microseconds: int) -> str:
    try:
        return (_EPOCH + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds")
    except OverflowError:
        return "no time"


def _compact(value: object) -> str:
    from json import dumps

    return value if isinstance(value, str) else dumps(value, sort_keys=True)


def record_line(fields: Mapping[str, object]) -> tuple[str, ...]:
    """One record as one line: time, id, what, effect, workload, what decided."""
    effect = text(fields, "effect")
    cause = mapping(inner(fields).get("cause"))
    why = f"{text(cause, 'control')} {text(cause, 'code')}".strip()
    what = text(fields, "checkpoint") or text(fields, "kind")
    colour = _COLOURS.get(effect, "dim")
    outcome = text(fields, "outcome")
    return (
        f"[dim]{_time(number(fields, 'time_us'))}[/]",
        safe(text(fields, "interaction") or text(fields, "id")),
        safe(text(fields, "workload")),
        safe(what),
        f"[{colour}]{safe(effect or outcome)}[/]",
        safe(why),
    )

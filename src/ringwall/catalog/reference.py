"""What does the reference page of the controls say? Markdown, computed from the entries and nothing else.

* Same catalog, same bytes: the committed page is compared with this function's answer.
* The matrix counts, for each cell of use case x layer x phase, the controls that first become due there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ringwall.catalog.load import Catalog
from ringwall.model.framework import Entry, Layer, Phase, UseCase

_TITLES = {
    Layer.INFRASTRUCTURE.value: "Infrastructure",
    Layer.IDENTITY_DATA.value: "Identity and data",
    Layer.APPLICATION.value: "Application",
    "governance": "Governance, across all layers",
}


def controls_page(catalog: Catalog) -> str:
    """The page `docs/reference/controls.md`."""
    entries = catalog.entries.values()
    built = sum(entry.built for entry in entries)
    lines = [
        "# Controls",
        "",
        "<!-- computed from src/ringwall/catalog by `ringwall.catalog.reference.controls_page`; do not edit -->",
        "",
        f"The catalog holds {len(catalog.entries)} controls, of which {built} run today. One that is due and does not "
        "run yet stands in the plan as a vacancy. Use cases and phases are cumulative.",
        "",
        "## What becomes due where",
        "",
        *_matrix(catalog),
    ]
    for folder, title in _TITLES.items():
        chosen = [entry for entry in entries if entry.id.startswith(f"{folder}.")]
        lines += ["", f"## {title}", "", *_table(chosen)]
    lines += ["", "## Each control", *(line for entry in entries for line in _page(catalog, entry))]
    lines += ["", "## Frameworks in the crosswalk", "", *_frameworks(catalog)]
    return "\n".join(lines) + "\n"


def _matrix(catalog: Catalog) -> Iterator[str]:
    cells = catalog.matrix()
    yield f"| use case | layer | {' | '.join(Phase)} |"
    yield f"|---|---|{'---:|' * len(Phase)}"
    for use_case in UseCase:
        for layer in Layer:
            counts = " | ".join(str(len(cells[use_case, layer, phase])) for phase in Phase)
            yield f"| {use_case} | {_TITLES[layer.value]} | {counts} |"
    yield ""
    yield "Governance stands in the row of every layer."


def _table(entries: Iterable[Entry]) -> Iterator[str]:
    yield "| control | asks | from | phase | how | runs |"
    yield "|---|---|---|---|---|---|"
    for entry in entries:
        use_case = min(entry.use_cases) + "".join(f", {trait}" for trait in sorted(entry.traits))
        runs = "yes" if entry.built else "not yet"
        yield (
            f"| [{entry.title}](#{_anchor(entry)}) | {_cell(entry.question)} | {use_case} | {entry.phase} "
            f"| {entry.how} | {runs} |"
        )


def _page(catalog: Catalog, entry: Entry) -> Iterator[str]:
    yield ""
    yield f"### {entry.id}"
    yield ""
    yield f"**{entry.title}.** {entry.question}"
    yield ""
    yield f"> {entry.passage.quote}"
    yield f"> ({entry.passage.section})"
    yield ""
    placed = "the source" if entry.placement == "seed" else f"us: {entry.placement_reason}"
    yield f"* Due from: {min(entry.use_cases)}, {entry.phase}; placed by {placed}"
    if entry.step is not None:
        yield f"* Step {entry.step} of the worked example"
    if entry.checkpoints:
        yield f"* Stands at: {', '.join(entry.checkpoints)}"
    if entry.probes:
        yield f"* Probes: {', '.join(f'`{each}`' for each in entry.probes)}"
    yield f"* Evidence is fresh for {entry.evidence_days} days"
    for framework, ids in entry.crosswalk:
        names = catalog.frameworks[framework].ids
        yield f"* {catalog.frameworks[framework].title}: {', '.join(f'{each} ({names[each]})' for each in ids)}"
    if entry.defaults:
        yield ""
        yield "| setting | default | may be relaxed |"
        yield "|---|---|---|"
        for name, value in _flat(entry):
            relaxed = "yes" if name in entry.may_relax or name.partition(".")[0] in entry.may_relax else ""
            yield f"| `{name}` | {_value(value)} | {relaxed} |"


def _flat(entry: Entry) -> Iterator[tuple[str, object]]:
    for name, value in entry.defaults.items():
        if hasattr(value, "items"):
            yield from ((f"{name}.{key}", item) for key, item in value.items())
        else:
            yield name, value


def _frameworks(catalog: Catalog) -> Iterator[str]:
    yield "| framework | version | licence | ids | answered to |"
    yield "|---|---|---|---:|---:|"
    for key, framework in catalog.frameworks.items():
        answered = sum(bool(catalog.covering(key, each)) for each in framework.ids)
        yield f"| {framework.title} | {framework.version} | {framework.licence} | {len(framework.ids)} | {answered} |"


def _anchor(entry: Entry) -> str:
    return entry.id.replace(".", "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _value(value: object) -> str:
    return f"`{', '.join(map(str, value)) or 'none'}`" if isinstance(value, tuple) else f"`{value}`"

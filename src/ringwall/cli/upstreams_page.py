"""What does the reference page of the upstreams say? Markdown, computed from what each protocol declares to carry.

Same declarations, same bytes: the committed page is compared with this function's answer.
"""

from __future__ import annotations

from collections.abc import Mapping

from ringwall.compose.upstreams import wire_of
from ringwall.dataplane.wire.upstream import UpstreamWire
from ringwall.model.features import HARMLESS, Feature
from ringwall.model.plan import UpstreamPlan

_ROOTS: Mapping[str, tuple[str, str]] = {
    "openai": ("OpenAI's chat completions: OpenAI, vLLM, Ollama and all that speak it", "https://api.openai.com/v1"),
    "anthropic": ("Anthropic's Messages API", "https://api.anthropic.com/v1"),
    "gemini": ("Google's `generateContent`", "https://generativelanguage.googleapis.com/v1beta"),
    "mistral": ("Mistral's chat completions", "https://api.mistral.ai/v1"),
    "cohere": ("Cohere's chat, version 2", "https://api.cohere.com/v2"),
}
"""What each kind is, and the root that a configuration names for the provider itself."""
_NOTES = (
    "`anthropic`: with `sampling = true` also `temperature` (up to 1), `top_p` and `top_k`, which its older models "
    "take and its newest refuse. An answer always has a limit: the workload's, where the caller sets none.",
    "`anthropic`, `gemini`, `mistral`, `cohere`: a refusal of an earlier turn goes as the model's text.",
    "`anthropic`: a conversation that the model's turn ends is taken as the beginning of its answer.",
    "`gemini`: signatures of thoughts are not kept. A model that wants them back with its own calls refuses the turn "
    "after a call.",
    "`mistral`: ids of calls are turned into its nine letters and digits.",
)


def upstreams_page() -> str:
    """The page `docs/reference/upstreams.md`."""
    wires = {kind: wire_of(UpstreamPlan(kind, kind, root, kind, "")) for kind, (_, root) in _ROOTS.items()}
    lines = [
        "# Upstreams",
        "",
        "<!-- computed by `ringwall.cli.upstreams_page` from what each protocol declares; do not edit -->",
        "",
        "Every door leads to every upstream. What a request needs and its provider has no place for is refused with "
        "HTTP 400 (`not_carried`) before anything is sent; the refusal names it and is on record. How to configure "
        "several providers: [use several providers](../how-to/use-several-providers.md).",
        "",
        "**None of these was ever run live.** Each is tested against a fake whose requests and answers are checked by "
        "the provider's own Python package.",
        "",
        "| `kind` | What it is | `base_url` of the provider | Asked for | Run live |",
        "|---|---|---|---|---|",
        *(_kind(kind, wire) for kind, wire in wires.items()),
        "",
        "## What each carries",
        "",
        "All carry text, streams, the proposed calls of an answer, and counts of tokens.",
        "",
        f"| | {' | '.join(f'`{kind}`' for kind in wires)} |",
        f"|---|{'---|' * len(wires)}",
        *(
            f"| {feature} | {' | '.join('yes' if feature in each.carries else 'refused' for each in wires.values())} |"
            for feature in Feature
        ),
        "",
        *(f"* {note}" for note in _NOTES),
        "",
        "## What may be left out",
        "",
        "Nothing is lost with it:",
        "",
        *(f"* {what}: {why}." for what, why in HARMLESS.items()),
        "",
        "## What comes back",
        "",
        "Texts, reasoning, calls, why it stopped, counts: parts that the controls judge. Ids, fingerprints, citations "
        "and log probabilities are dropped. Whatever a provider's own tools did (search, code, files), blocks and "
        "events of an unknown kind, and answers that another protocol might mean, are the provider's failure: "
        "HTTP 502, on record, none of it released.",
    ]
    return "\n".join(lines).rstrip() + "\n"


def _kind(kind: str, wire: UpstreamWire) -> str:
    what, root = _ROOTS[kind]
    return f"| `{kind}` | {what} | `{root}` | `{wire.path('MODEL', streamed=False)}` | never |"

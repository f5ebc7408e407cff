"""Which protocol stands behind which kind of upstream? The one table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ringwall.dataplane.wire.anthropic_upstream import Anthropic
from ringwall.dataplane.wire.cohere_upstream import Cohere
from ringwall.dataplane.wire.gemini_upstream import Gemini
from ringwall.dataplane.wire.mistral_upstream import Mistral
from ringwall.dataplane.wire.openai_upstream import OpenAI
from ringwall.dataplane.wire.upstream import UpstreamWire
from ringwall.model.plan import UpstreamPlan

WIRES: Mapping[str, Callable[[UpstreamPlan], UpstreamWire]] = {
    "openai": lambda plan: OpenAI(plan.limit_field),
    "anthropic": lambda plan: Anthropic(sampling=plan.sampling),
    "gemini": lambda plan: Gemini(),
    "mistral": lambda plan: Mistral(),
    "cohere": lambda plan: Cohere(),
}
"""Every kind but `builtin`, which needs none."""


def wire_of(plan: UpstreamPlan) -> UpstreamWire:
    """The protocol that an upstream speaks."""
    return WIRES[plan.kind](plan)

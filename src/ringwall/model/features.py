"""What does a conversation need of whoever carries it? Features, by which an upstream says what it has a place for.

* An upstream that lacks one is not asked: nothing of a request is dropped on its way without a word.
* What is not a feature here is carried by every upstream (text, tools, results, streams, counts), or stands in
  `HARMLESS`: it may be left out where a provider has no place for it, and the published matrix says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from ringwall.model.content import Part
from ringwall.model.conversation import Conversation, Generation, Role, Turn


class Feature(StrEnum):
    """What a request may need besides text. The value is how it is told to a person."""

    TOOLS = "tools"
    TOOL_RESULTS = "tool results"
    STRICT_TOOLS = "tools with `strict`"
    LOST_CALLS = "tool results whose call is not in the request"
    TOOL_CHOICE = "a tool choice other than auto"
    NAMED_TOOL = "the choice of one tool by name"
    SINGLE_CALLS = "`parallel_tool_calls = false`"
    IMAGES = "images of a person"
    RESULT_IMAGES = "images in tool results"
    OTHER_IMAGES = "images in other turns"
    NAMES = "names of participants"
    REFUSALS = "refusals of earlier turns"
    LAST_WORD = "a conversation that the model's own turn ends"
    CHOICES = "several choices"
    SEED = "`seed`"
    PENALTIES = "frequency and presence penalties"
    SAMPLING = "`temperature` or `top_p`"
    TOP_K = "`top_k`"
    HEAT = "a temperature above 1"
    STOPS = "stop sequences"
    JSON_OBJECT = "answers as any JSON object"
    JSON_SCHEMA = "answers by a JSON schema"
    SCHEMA_DESCRIPTION = "a description of that schema"
    EFFORT = "reasoning effort: low, medium, high"
    EFFORT_EXTREMES = "reasoning effort: minimal, xhigh, max"
    REASONING_BUDGET = "a budget of reasoning tokens"
    NO_REASONING = "no reasoning"
    VERBOSITY = "`verbosity`"
    EMBEDDINGS = "embeddings"
    DIMENSIONS = "the `dimensions` of embeddings"


HARMLESS: Mapping[str, str] = {
    "earlier reasoning": "left out where the provider has no place for it, or where another provider sealed it",
    "that a tool failed": "said where the provider has a field for it; the tool's own words are sent in any case",
    "the name of a schema": "left out where the provider has no name for one: it is a label",
    "`strict` of a schema": "left out where the provider always follows a schema exactly",
    "an empty text": "left out where the provider takes none",
    "the place of a system or developer turn": "in front of all others where the provider has one place for them",
    "`parallel_tool_calls = true` and tool choice `auto`": "what every provider does unasked",
}
"""What may be left out of a request where a provider has no place for it, and why that is not a loss."""


def features(conversation: Conversation, parts: Sequence[Part]) -> frozenset[Feature]:
    """What this conversation needs besides text.

    Args:
        conversation: Its shape.
        parts: Its content.
    """
    if conversation.embedding is not None:
        sized = conversation.embedding.dimensions is not None
        return frozenset({Feature.EMBEDDINGS, *([Feature.DIMENSIONS] if sized else [])})
    images = {part.id for part in parts if part.media.startswith("image/")}
    needed = set(_of_generation(conversation.generation))
    called: set[str] = set()
    for turn in conversation.turns:
        if images and not images.isdisjoint(turn.content):
            needed.add(_IMAGES.get(turn.role, Feature.OTHER_IMAGES))
        if turn.calls or turn.name is not None or turn.refusal is not None or turn.role is Role.TOOL:
            needed.update(_of_turn(turn, called))
            called.update(call.id for call in turn.calls)
    if conversation.turns and conversation.turns[-1].role is Role.ASSISTANT:
        needed.add(Feature.LAST_WORD)
    if conversation.tools:
        needed.add(Feature.TOOLS)
    if any(tool.strict for tool in conversation.tools):
        needed.add(Feature.STRICT_TOOLS)
    return frozenset(needed)


def _of_turn(turn: Turn, called: set[str]) -> Iterator[Feature]:
    if turn.calls:
        yield Feature.TOOLS
    if turn.role is Role.TOOL:
        yield Feature.TOOL_RESULTS
        if turn.answers not in called:
            yield Feature.LOST_CALLS
    if turn.name is not None:
        yield Feature.NAMES
    if turn.refusal is not None:
        yield Feature.REFUSALS


_IMAGES = {Role.USER: Feature.IMAGES, Role.TOOL: Feature.RESULT_IMAGES}


def _of_generation(generation: Generation) -> Iterator[Feature]:
    if generation.choices != 1:
        yield Feature.CHOICES
    if generation.seed is not None:
        yield Feature.SEED
    if generation.frequency_penalty or generation.presence_penalty:
        yield Feature.PENALTIES
    if generation.temperature is not None or generation.top_p is not None:
        yield Feature.SAMPLING
    if generation.top_k is not None:
        yield Feature.TOP_K
    if generation.temperature is not None and generation.temperature > 1:
        yield Feature.HEAT
    if generation.stop:
        yield Feature.STOPS
    if generation.verbosity is not None:
        yield Feature.VERBOSITY
    if generation.parallel_tool_calls is False:
        yield Feature.SINGLE_CALLS
    yield from _of_reasoning(generation)
    yield from _of_format(generation)
    choice = generation.tool_choice
    if choice is not None and choice.kind != "auto":
        yield Feature.NAMED_TOOL if choice.name is not None else Feature.TOOL_CHOICE


def _of_reasoning(generation: Generation) -> Iterator[Feature]:
    effort, budget = generation.reasoning_effort, generation.reasoning_tokens
    if effort is not None:
        yield _EFFORTS.get(effort, Feature.EFFORT_EXTREMES)
    if budget is not None:
        yield Feature.REASONING_BUDGET if budget else Feature.NO_REASONING


_EFFORTS = {
    "none": Feature.NO_REASONING,
    "low": Feature.EFFORT,
    "medium": Feature.EFFORT,
    "high": Feature.EFFORT,
}


def _of_format(generation: Generation) -> Iterator[Feature]:
    wanted = generation.response_format
    if wanted is None or wanted.kind == "text":
        return
    if wanted.description is not None:
        yield Feature.SCHEMA_DESCRIPTION
    yield Feature.JSON_SCHEMA if wanted.schema is not None else Feature.JSON_OBJECT

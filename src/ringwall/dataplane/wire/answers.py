"""How is what a provider said taken apart? What the protocols share: strict pieces, and one kind of error.

* Every string becomes a part, matches a closed grammar, or is dropped.
* An answer that cannot be read whole is the upstream's fault and nobody else's; the caller reads none of it.
* A seal begins with the name of who can check it: reasoning that one provider sealed is never sent to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, TypeVar

import msgspec

from ringwall.model.content import JSON, Json, Origin, Part, PartId
from ringwall.model.conversation import NAME, SEAL, Choice, Finish, Reasoning, ToolCall, Usage
from ringwall.model.errors import UpstreamError
from ringwall.model.strict_json import loads_object

MAX_CALLS = 128
MAX_CHOICES = 128
MAX_BLOCKS = 1024
"""Blocks that a streamed answer may have, in protocols that have blocks."""
MAX_COUNT = 2**40
"""The largest count of tokens that is believed."""

T = TypeVar("T")


def broken(detail: str) -> UpstreamError:
    """It cannot be read."""
    return UpstreamError("the model's answer cannot be read", code="upstream_broken", detail=detail)


def broke_off(detail: str) -> UpstreamError:
    """A stream ended before the provider said so."""
    return UpstreamError("the model's answer broke off", code="upstream_broken", detail=detail)


def reported(detail: str = "error in the answer") -> UpstreamError:
    """The provider says that it failed; its words stay with it."""
    return UpstreamError("the model's provider reports an error", code="upstream_error", detail=detail)


def decode(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """A document of a known shape.

    Raises:
        UpstreamError: It has another.
    """
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise broken(type(error).__name__) from error


class _Envelope(msgspec.Struct):
    """The place where protocols say that it was an error: `type`, or a member of its own."""

    type: object = None
    error: object = None


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def decode_answer(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    """As `decode`, for what may be an error instead of an answer, in this protocol or in another's.

    Raises:
        UpstreamError: It has another shape, or is an error.
    """
    envelope = decode(_ENVELOPE, data)
    if envelope.error is not None or envelope.type == "error":
        raise reported()
    return decode(decoder, data)


def name_of(name: str | None) -> str:
    """The name of a tool that a model wants to call.

    Raises:
        UpstreamError: It is none.
    """
    if name is None or not NAME.fullmatch(name):
        raise UpstreamError("the model proposed a call that cannot be read", code="upstream_broken", detail="bad name")
    return name


def arguments_of(text: str | bytes | None) -> Mapping[str, Json]:
    """The arguments of a call, which must be an object.

    Raises:
        UpstreamError: They are not.
    """
    try:
        return loads_object(text or b"{}")
    except ValueError as error:
        raise UpstreamError("the model proposed a call that cannot be read", code="upstream_arguments") from error


def finish_of(reason: str | None, known: Mapping[str, Finish]) -> Finish:
    """Why a model stopped.

    Raises:
        UpstreamError: For a reason that is not known here.
    """
    finish = known.get(reason or "")
    if finish is None:
        raise UpstreamError("the model stopped for a reason that is not known here", code="upstream_broken")
    return finish


def usage_of(input_tokens: int, output_tokens: int, cached: int | None = 0, reasoning: int | None = 0) -> Usage:
    """Counts, which must be counts.

    Raises:
        UpstreamError: They are not.
    """
    counts = (input_tokens, output_tokens, cached or 0, reasoning or 0)
    if any(count < 0 or count > MAX_COUNT for count in counts):
        raise broken("bad count of tokens")
    return Usage(*counts)


Sealer = Literal["anthropic"]
"""Who signs reasoning and wants it back."""


def sealed_by(sealer: Sealer, signature: str | None) -> str:
    """What a provider signed, as a seal; empty when there is nothing that could be one."""
    seal = f"{sealer}/{signature}"
    return seal if signature and SEAL.fullmatch(seal) else ""


def signature_of(sealer: Sealer, seal: str) -> str:
    """What this provider signed; empty when it was another."""
    mark = f"{sealer}/"
    return seal.removeprefix(mark) if seal.startswith(mark) else ""


def choice_of(
    index: int,
    parts: list[Part],
    *,
    text: str | None,
    finish: Finish,
    calls: Sequence[tuple[str, Json]] = (),
    reasoning: Iterable[tuple[str, str]] = (),
    refusal: str | None = None,
) -> Choice:
    """One answer of a whole one; its parts are added to `parts`.

    Args:
        index: Its number.
        parts: All parts so far.
        text: What it says; texts that stood in several pieces are one text, and judged as one.
        finish: Why it stopped.
        calls: Names and arguments of the calls that it proposes.
        reasoning: What the model said to itself, and its seals.
        refusal: What it says instead of an answer.

    Raises:
        UpstreamError: Too many of anything.
    """
    thoughts = list(reasoning)
    if len(calls) > MAX_CALLS or len(thoughts) > MAX_BLOCKS:
        raise broken("too many blocks")

    def add(place: str, value: Json, media: str = "text/plain") -> PartId:
        part = Part(PartId(f"choices/{index}/{place}"), Origin.MODEL, value, media)
        parts.append(part)
        return part.id

    return Choice(
        index,
        (add("content/0", text),) if text is not None else (),
        tuple(ToolCall("", name, add(f"calls/{n}/arguments", value, JSON)) for n, (name, value) in enumerate(calls)),
        finish,
        add("refusal", refusal) if refusal is not None else None,
        tuple(Reasoning(add(f"reasoning/{number}", said), seal) for number, (said, seal) in enumerate(thoughts)),
    )

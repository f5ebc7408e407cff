"""Is personal data, or are secrets, about to pass? Hides or refuses them, on the way in and on the way out.

* INBOUND and TOOL_RESULT answer to `inbound`, RESPONSE and CHUNK to `outbound`: for each kind allow, hide or refuse.
* TOOL_CALL answers to `arguments`: a tool that is called with a placeholder would do something that nobody asked for,
  so what may not pass is refused there by default, and what tools are made for (an address to write to) passes.
* EGRESS answers to `outbound` for what leaves through the egress proxy: no other checkpoint has seen it. What goes to
  a model or a tool was judged before, and is not judged twice.
* What is hidden is masked where it stands; of an encoded run, the whole run. A key or a number of a JSON document
  cannot be edited: what is found there is refused.
* Media other than text and JSON is not covered, and thereby refused (law 3), unless the organisation lets that type
  pass unread; what passed so is evidence.
* Runs of invisible characters and encoded runs too long to be read are kinds of their own, and blocked out: whatever
  they hold was not looked at.
* At CHUNK a finding depends on at most `lookback` code points around it, and `held` keeps back only what may still
  become part of one: in prose, about the last word.

Seed: "Redacts PII, sensitive data, and off-topic content from the response."
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from ringwall.detectors import personal_data
from ringwall.detectors.identifiers import is_moment
from ringwall.model.content import JSON, TEXT, Leaf, LeafKind, Part, PartId, Place
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Fact
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Edit, EditAction, Evidence, Transform, Verdict

ACTIONS = ("allow", "hide", "refuse")
MAX_EVIDENCE = 256
"""Findings that a verdict lists; edits are never cut short."""
UNREAD_MEDIA = "unread_media"
"""The kind of a part that passed because its media type may, and not because anybody looked."""
INBOUND = frozenset({Checkpoint.INBOUND, Checkpoint.TOOL_RESULT})
REMEDY = "the content holds personal data or a secret that may not pass here; remove it and try again"


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitiveDataSettings(Settings):
    """What is done with each kind."""

    inbound: Mapping[str, str] = setting(
        Stricter.HIGHER, "For each kind, what is done with it on the way in.", scale=ACTIONS
    )
    outbound: Mapping[str, str] = setting(
        Stricter.HIGHER, "For each kind, what is done with it on the way out.", scale=ACTIONS
    )
    arguments: Mapping[str, str] = setting(
        Stricter.HIGHER, "For each kind, what is done with it in the arguments of a tool call.", scale=ACTIONS
    )
    unread: tuple[str, ...] = setting(Stricter.SUBSET, "Media types that pass without being read, such as image/png.")


class SensitiveData(Control):
    """Hides or refuses personal data and secrets."""

    id: ClassVar[ControlId] = ControlId("identity_data.sensitive_data")
    settings_type: ClassVar[type[Settings]] = SensitiveDataSettings
    checkpoints: ClassVar[frozenset[Checkpoint]] = frozenset(Checkpoint)
    needs: ClassVar[frozenset[type[Fact]]] = frozenset()
    cost: ClassVar[Cost] = Cost.PATTERNS
    lookback: ClassVar[int | None] = personal_data.LOOKBACK
    context: ClassVar[int | None] = personal_data.CONTEXT

    def __init__(self, settings: SensitiveDataSettings) -> None:
        self._inbound = _checked(settings.inbound)
        self._outbound = _checked(settings.outbound)
        self._arguments = _checked(settings.arguments)
        self._unread = frozenset(settings.unread) - {TEXT, JSON}
        personal_data.warm()

    async def examine(self, vantage: Vantage) -> Verdict:
        """Find what stands in every leaf and do with it what the settings say; refusing wins over hiding."""
        if vantage.checkpoint is Checkpoint.EGRESS and vantage.interaction.action is not Action.CONNECT:
            return Allow(vantage.everything)
        actions = self._inbound if vantage.checkpoint in INBOUND else self._outbound
        if vantage.checkpoint is Checkpoint.TOOL_CALL:
            actions = self._arguments
        covered: set[PartId] = set()
        evidence: list[Evidence] = []
        edits: list[Edit] = []
        refused = ""
        spelled: set[PartId] = set()
        for part in vantage.parts:
            if part.media in self._unread:
                covered.add(part.id)
                evidence.append(Evidence(UNREAD_MEDIA, Place(part.id, "", 0, 0)))
                continue
            if part.media not in (TEXT, JSON):
                continue
            covered.add(part.id)
            for leaf, found in _findings(part, vantage.focus):
                if not vantage.in_focus(found.start):
                    continue  # of a stream: judged earlier, or not settled yet
                action = actions[found.kind]
                place = Place(part.id, leaf.pointer, found.start, found.end, leaf.kind)
                if leaf.kind is LeafKind.KEY:
                    spelled.add(part.id)
                if len(evidence) < MAX_EVIDENCE:
                    evidence.append(Evidence(found.kind, place))
                if action == "refuse" or (action == "hide" and leaf.kind is not LeafKind.VALUE):
                    refused = refused or found.kind
                elif action == "hide":
                    how = EditAction.BLOCK if found.kind in personal_data.UNREAD else EditAction.MASK
                    edits.append(Edit(place, how, found.kind))
        if spelled:
            # A pointer spells the keys on its way: where a key holds the finding, no place may be named (law 6).
            evidence = [replace(e, place=None) if e.place and e.place.part in spelled else e for e in evidence]
        if refused:
            return Deny(frozenset(covered), refused, REMEDY, DenyKind.CONTENT, tuple(evidence))
        if edits:
            return Transform(frozenset(covered), tuple(edits), tuple(evidence))
        return Allow(frozenset(covered), tuple(evidence))

    def held(self, tail: str) -> int:
        return personal_data.held(tail)


def _checked(actions: Mapping[str, str]) -> Mapping[str, str]:
    """The action of every kind; a kind that nobody spoke of is refused."""
    for kind, action in actions.items():
        if kind not in personal_data.KINDS:
            raise ConfigError(
                f'unknown kind of sensitive data "{kind}"', hint=f"one of: {', '.join(personal_data.KINDS)}"
            )
        if action not in ACTIONS:
            raise ConfigError(f'unknown action "{action}" for "{kind}"', hint=f"one of: {', '.join(ACTIONS)}")
    return {kind: actions.get(kind, "refuse") for kind in personal_data.KINDS}


def _findings(part: Part, focus: tuple[int, int] | None) -> Iterator[tuple[Leaf, personal_data.Found]]:
    for leaf in part.leaves():
        text = leaf.text
        if leaf.kind is LeafKind.NUMBER:
            text = _whole_number(text)
            if is_moment(text):
                continue  # read from its end it might be a card, by chance: rows of tools are full of them
        for found in personal_data.find(text) if text else ():
            seen = found if focus is None else _focused(found, focus)
            if seen is not None:
                yield leaf, seen


def _focused(found: personal_data.Found, focus: tuple[int, int]) -> personal_data.Found | None:
    """What of a finding is to be reported in a window. What was not looked at may be longer than any window."""
    start = max(found.start, focus[0])
    end = min(found.end, focus[1]) if found.kind in personal_data.UNREAD else found.end
    return replace(found, start=start, end=end) if start < min(end, focus[1]) else None


def _whole_number(text: str) -> str:
    """The digits of a whole number, however it is written; empty for a fraction, which is no identifier."""
    if text.lstrip("-").isdigit():
        return text
    number = float(text)
    return str(int(number)) if number.is_integer() and abs(number) < 1e20 else ""


CONTROL = SensitiveData

"""Is the answer free of images, links, scripts and escapes that act when shown? Hides what would act.

* RESPONSE and CHUNK, every string of the answer. For each kind: allow, hide or refuse; what the settings do not speak
  of is refused.
* An image is fetched without a click, so its host must be on the list; a link may lead elsewhere as long as it carries
  nothing (`data_link`), runs nothing (`active_url`) and is what it says (`misleading_link`).
* Arguments of proposed calls are not shown: there only what acts on a terminal, or hides from the eye, is judged,
  unless `arguments` says otherwise.
* Hidden is what makes it act; what remains is text. A key of a JSON document cannot be edited: what is found there is
  refused. So is a run of invisible characters that is longer than anybody reads.
* Code is left alone where every reader of Markdown would show it as code (`detectors.code`). An application that shows
  answers by other means than Markdown must not rely on that.

Seed: "Prompt injection embeds hidden instructions in user input."
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from ringwall.detectors import markup
from ringwall.detectors.links import Hosts
from ringwall.model.content import JSON, TEXT, LeafKind, Part, PartId, Place
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Fact
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Edit, EditAction, Evidence, Transform, Verdict

ACTIONS = ("allow", "hide", "refuse")
UNSHOWN = frozenset({"terminal_escape", "control_character", "bidi_control", "invisible_text"})
"""What is judged in arguments, too: it acts wherever a person looks at them, in a log or an approval."""
MAX_EVIDENCE = 256
MAX_HOSTS = 1000
REMEDY = "the answer holds something that would act when it is shown; ask for plain text"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkupSettings(Settings):
    """What a workload may set."""

    actions: Mapping[str, str] = setting(Stricter.HIGHER, "For each kind, what is done with it.", scale=ACTIONS)
    hosts: tuple[str, ...] = setting(
        Stricter.SUBSET,
        'Hosts to which images and links may lead: "docs.example.com", or "*.example.com" for all below.',
    )
    rendered: tuple[str, ...] = setting(
        Stricter.SUPERSET, "Languages of code fences that the application shows as something else than code."
    )
    arguments: bool = setting(
        Stricter.TRUE, "Whether arguments of proposed tool calls are judged as if they were shown."
    )


class Markup(Control):
    """Hides what would act when an answer is shown."""

    id: ClassVar[ControlId] = ControlId("application.markup")
    settings_type: ClassVar[type[Settings]] = MarkupSettings
    checkpoints: ClassVar[frozenset[Checkpoint]] = frozenset({Checkpoint.RESPONSE, Checkpoint.CHUNK})
    needs: ClassVar[frozenset[type[Fact]]] = frozenset()
    cost: ClassVar[Cost] = Cost.PATTERNS
    lookback: ClassVar[int | None] = markup.LOOKBACK

    def __init__(self, settings: MarkupSettings) -> None:
        for kind, action in settings.actions.items():
            if kind not in markup.KINDS:
                raise ConfigError(f'unknown kind of markup "{kind}"', hint=f"one of: {', '.join(markup.KINDS)}")
            if action not in ACTIONS:
                raise ConfigError(f'unknown action "{action}" for "{kind}"', hint=f"one of: {', '.join(ACTIONS)}")
        if len(settings.hosts) > MAX_HOSTS:
            raise ConfigError(f"hosts: there are more than {MAX_HOSTS}")
        for host in settings.hosts:
            if not host.removeprefix("*.") or any(each in host for each in ":/@ ?#\\"):
                raise ConfigError(f'not the name of a host: "{host}"', hint='"docs.example.com" or "*.example.com"')
        self._actions = {kind: settings.actions.get(kind, "refuse") for kind in markup.KINDS}
        self._hosts = Hosts(settings.hosts)
        self._rendered = frozenset(each.lower() for each in settings.rendered)
        judged = frozenset(kind for kind, action in self._actions.items() if action != "allow")
        self._kinds = {TEXT: judged, JSON: judged if settings.arguments else judged & UNSHOWN}

    async def examine(self, vantage: Vantage) -> Verdict:
        """Find what acts in every leaf and do with it what the settings say; refusing wins over hiding."""
        covered: set[PartId] = set()
        evidence: list[Evidence] = []
        edits: list[Edit] = []
        refused = ""
        for part in vantage.parts:
            if part.media not in (TEXT, JSON):
                continue
            covered.add(part.id)
            code, found, hidden = self._judge(part, vantage)
            refused = refused or code
            evidence += found
            edits += hidden
        if refused:
            return Deny(frozenset(covered), refused, REMEDY, DenyKind.CONTENT, tuple(evidence[:MAX_EVIDENCE]))
        if edits:
            return Transform(frozenset(covered), tuple(edits), tuple(evidence[:MAX_EVIDENCE]))
        return Allow(frozenset(covered), tuple(evidence[:MAX_EVIDENCE]))

    def _judge(self, part: Part, vantage: Vantage) -> tuple[str, list[Evidence], list[Edit]]:
        """What one part is refused for, or nothing; what was found; what is to be hidden."""
        refused, is_spelled = "", False
        evidence: list[Evidence] = []
        edits: list[Edit] = []
        start = vantage.focus[0] if vantage.focus is not None else 0
        for leaf in part.leaves():
            if leaf.kind is LeafKind.NUMBER:
                continue
            for found in markup.find(
                leaf.text,
                self._hosts,
                self._rendered,
                begins=vantage.begins,
                start=start,
                kinds=self._kinds[part.media],
            ):
                if found.kind not in self._kinds[part.media] or not vantage.in_focus(found.start):
                    continue
                place = Place(part.id, leaf.pointer, found.start, found.end, leaf.kind)
                is_spelled = is_spelled or leaf.kind is LeafKind.KEY
                evidence.append(Evidence(found.kind, place))
                if self._actions[found.kind] == "refuse" or leaf.kind is LeafKind.KEY or found.endless:
                    refused = refused or found.kind
                else:
                    edits.append(Edit(place, EditAction.MASK, found.kind))
        if is_spelled:  # a pointer spells the keys on its way (law 6)
            evidence = [replace(each, place=None) for each in evidence]
        return refused, evidence, edits

    def held(self, tail: str) -> int:
        return markup.held(tail)

    def looks_back(self, tail: str) -> int:
        return markup.looks_back(tail)


CONTROL = Markup

"""Is every sensitive value unreadable unless policy releases it for this principal and purpose?

* TOOL_RESULT of a tool call: for each key whose values stand in the answer, Cedar is asked whether this principal may
  use it for this tool. What is permitted becomes a grant, carried out after the last decision; the rest stays sealed,
  as evidence `unreadable`, and the answer goes on.
* TOOL_CALL: arguments are never opened, whatever policy says. A tool that needs the plain value has the key's owner.
* A tool result inside a request to a model is not opened either: it came back from the caller, not from a tool.
* A value that is malformed, or sealed for another workload, is refused: somebody made it up, or carried it over.
* A column that is declared sealed must arrive sealed: a plain value in a member of that name means that the vault was
  bypassed, and is refused. What our own door delivered in this session was opened here, by policy, and passes. This
  sees members of JSON objects, also of JSON that a tool sends as text. A column under another name (`SELECT
  card_number AS n`), or in prose, is outside its vantage.

Seed: "KMS key policies scoped per-table restrict which IAM roles can decrypt sensitive columns".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ringwall.detectors.sealed import MARK, find, whole
from ringwall.model.content import JSON, TEXT, Json, Leaf, LeafKind, Part, Place, escape, freeze
from ringwall.model.control import Control, Cost, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Delivered, Identity
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.ports import Policy
from ringwall.model.strict_json import JsonError, loads
from ringwall.model.vault import COLUMN, UNSEAL, KeyName
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Grant, Verdict

MAX_EVIDENCE = 256
"""Findings that a verdict lists; grants are never cut short."""
MAX_KEYS = 64
"""Keys whose values may stand in one answer: each is a question to Cedar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataEncryptionSettings(Settings):
    """What a workload may set."""

    sealed_columns: tuple[str, ...] = setting(
        Stricter.SUPERSET, "Columns whose values must arrive sealed in what tools answer; their names, in lower case."
    )


@dataclass(slots=True)
class _Seen:
    """What stands in the parts: keys with the places of their values, and the first reason to refuse."""

    keys: dict[KeyName, list[Place | None]] = field(default_factory=dict)
    refused: str = ""
    evidence: list[Evidence] = field(default_factory=list)

    def refuse(self, code: str, place: Place | None) -> None:
        self.refused = self.refused or code
        self.note(code, place)

    def note(self, kind: str, place: Place | None) -> None:
        if len(self.evidence) < MAX_EVIDENCE:
            self.evidence.append(Evidence(kind, place))


class DataEncryption(Control):
    """Lets sealed values be opened for whom policy permits, and nothing else."""

    id = ControlId("identity_data.data_encryption")
    settings_type = DataEncryptionSettings
    checkpoints = frozenset({Checkpoint.TOOL_CALL, Checkpoint.TOOL_RESULT})
    needs = frozenset({Identity})
    cost = Cost.POLICY

    def __init__(self, settings: DataEncryptionSettings, *, policy: Policy) -> None:
        wrong = next((each for each in settings.sealed_columns if COLUMN.fullmatch(each) is None), None)
        if wrong is not None:
            raise ConfigError(
                f'sealed_columns: "{wrong}" is not the name of a column', hint="lower case, without table"
            )
        self._sealed = frozenset(settings.sealed_columns)
        self._policy = policy

    async def examine(self, vantage: Vantage) -> Verdict:
        """Find sealed values; refuse what is wrong with them; ask about each key."""
        covered = frozenset(part.id for part in vantage.parts if part.media in (TEXT, JSON))
        seen = self._look(vantage)
        opens = vantage.checkpoint is Checkpoint.TOOL_RESULT and vantage.interaction.action is Action.CALL
        if opens and len(seen.keys) > MAX_KEYS:
            seen.refuse("too_many_keys", None)
        grants: list[Grant] = []
        for name, places in seen.keys.items():
            if seen.refused:
                break
            kind = "sealed_argument" if vantage.checkpoint is Checkpoint.TOOL_CALL else "unreadable"
            if opens:
                permitted = await self._may_use(name, vantage)
                if permitted is None:
                    seen.refuse("policy_error", None)
                elif permitted:
                    kind = "permitted"
                    grants.append(Grant(UNSEAL, str(name)))
            for place in places:
                seen.note(kind, place)
        if seen.refused:
            kind_of = DenyKind.FORBIDDEN if seen.refused == "policy_error" else DenyKind.CONTENT
            return Deny(covered, seen.refused, _REMEDIES[seen.refused], kind_of, tuple(seen.evidence))
        return Allow(covered, tuple(seen.evidence), grants=tuple(grants))

    async def _may_use(self, name: KeyName, vantage: Vantage) -> bool | None:
        """Whether this principal may use this key here; None when the policies could not be evaluated."""
        interaction, identity = vantage.interaction, vantage.facts[Identity]
        context = {
            "entitled": identity.workloads is not None and interaction.workload in identity.workloads,
            "claims_accepted": False,
            "credential": identity.credential,
            "table": name.table,
            "column": name.column,
            "tool": interaction.resource.name,
        }
        resource = ("Key", str(name))
        answer = await self._policy.decide(interaction.principal, "use_key", resource, context, interaction.workload)
        return None if answer.errors else answer.allowed

    def _look(self, vantage: Vantage) -> _Seen:
        seen = _Seen()
        delivered = vantage.facts[Delivered].tools if Delivered in vantage.facts else {}
        for part in vantage.parts:
            if part.media not in (TEXT, JSON):
                continue
            for leaf in part.leaves():
                if MARK not in leaf.text:
                    continue
                for found in find(leaf.text):
                    # The pointer to a key spells the key, which is content (law 6).
                    is_key = leaf.kind is LeafKind.KEY
                    place = None if is_key else Place(part.id, leaf.pointer, found.start, found.end)
                    if found.sealed is None:
                        seen.refuse("malformed_value", place)
                    elif found.sealed.key.workload != vantage.interaction.workload:
                        seen.refuse("foreign_key", place)
                    else:
                        seen.keys.setdefault(found.sealed.key, []).append(place)
            if self._sealed and vantage.checkpoint is Checkpoint.TOOL_RESULT and part.id not in delivered:
                document = _document(part)
                for bare in _bare(document, self._sealed):
                    inside = document is part.value  # of JSON in a text, the whole text is the place
                    place = Place(part.id, bare.pointer if inside else "", 0, len(bare.text) if inside else 0)
                    seen.refuse("plain_column", place)
        return seen


def _bare(value: Json, sealed: frozenset[str], pointer: str = "", column: bool = False) -> Iterator[Leaf]:
    """The values that are not sealed and stand in a member of such a name, or anywhere below one."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from _bare(each, sealed, f"{pointer}/{escape(name)}", column or name.lower() in sealed)
    elif isinstance(value, tuple):
        for at, each in enumerate(value):
            yield from _bare(each, sealed, f"{pointer}/{at}", column)
    elif column and value is not None and not (isinstance(value, str) and whole(value) is not None):
        yield Leaf(pointer, value if isinstance(value, str) else repr(value))


def _document(part: Part) -> Json:
    """A part's value; of a text that is JSON, what it says."""
    if not isinstance(part.value, str) or not part.value.lstrip().startswith(("{", "[")):
        return part.value
    try:
        return freeze(loads(part.value))
    except (JsonError, ValueError):
        return part.value  # prose that begins with a bracket


_ASK = "ask the owner of this application"
_REMEDIES = {
    "malformed_value": f"a sealed value here is damaged or was made up; pass sealed values on unchanged, or {_ASK}",
    "foreign_key": "a value here was sealed for another application and may not be used in this one",
    "plain_column": f"a column that must be sealed came back in plain text; {_ASK}",
    "policy_error": "the policies for a key could not be evaluated; the operator of this gateway can see why",
    "too_many_keys": "the answer holds values of too many keys at once; ask for fewer columns",
}

CONTROL = DataEncryption

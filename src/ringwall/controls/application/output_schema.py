"""Does every answer or tool argument that must have a form have exactly that form? Refuses what has another.

* INBOUND: a form that a request asks for and that cannot be checked is refused before anything is sent for it.
* RESPONSE: the text of each answer must be JSON, read in one way only (`strict_json`), and have the form of every
  schema of `answers` and, where `requested` says so, the form for which the request itself asks (`response_format`). A
  model's refusal, and an answer that is calls only, need none. The arguments of a proposed call must have the form of
  the tool: the one of the plan, else the one that the request offered.
* TOOL_CALL: the arguments must have the form of the plan's tool.
* A form is a matter of the whole answer. So a stream is buffered, but only where an answer must have one.
* Schemas come from callers: they are bounded, fetch nothing, and compiled ones are kept under a key over every byte.

Seed: "Implement output validation on every response."
"""

from __future__ import annotations

import json
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar

from ringwall.detectors.forms import FROM_ANYBODY, FROM_OPERATOR, Form, TooCostlyError
from ringwall.model.content import Json, Part, PartId, Place, freeze, thaw
from ringwall.model.control import Control, Cost, SettingFile, Settings, Stricter, setting
from ringwall.model.conversation import ResponseFormat
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Fact, Proposed
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Interaction, Vantage
from ringwall.model.strict_json import JsonError, loads
from ringwall.model.tools import Tool
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

MAX_KEPT = 16
"""Schemas of requests that stay compiled."""
JSON_FORMS = ("json_object", "json_schema")
_ANSWER = re.compile(r"choices/([0-9]+)/content/[0-9]+")
_CHOICE = re.compile(r"choices/([0-9]+)/(content|calls|refusal)\b")
REMEDIES = {
    "answer_off_schema": "the model's answer has not the form that it must have; try again, or ask for less at a time",
    "arguments_off_schema": "the model proposed a call with arguments that have not the form of the tool's schema",
    "unusable_schema": "the schema cannot be checked here: keep it small, without references elsewhere, without "
    "look-around or back-references in patterns",
    "too_costly": "checking the answer against its schema would take too long; use a simpler schema",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSchemaSettings(Settings):
    """What a workload may set."""

    answers: tuple[SettingFile, ...] = setting(
        Stricter.SUPERSET,
        "Files with JSON Schemas, beside the configuration, for every answer.",
        is_file=True,
    )
    requested: bool = setting(Stricter.TRUE, "Whether an answer must have the form for which the request asks.")
    arguments: bool = setting(Stricter.TRUE, "Whether arguments of calls must have the form of the tool's schema.")


class OutputSchema(Control):
    """Refuses answers and arguments of another form than they must have."""

    id: ClassVar[ControlId] = ControlId("application.output_schema")
    settings_type: ClassVar[type[Settings]] = OutputSchemaSettings
    checkpoints: ClassVar[frozenset[Checkpoint]] = frozenset(
        {Checkpoint.INBOUND, Checkpoint.RESPONSE, Checkpoint.TOOL_CALL}
    )
    needs: ClassVar[frozenset[type[Fact]]] = frozenset()
    cost: ClassVar[Cost] = Cost.PATTERNS
    lookback: ClassVar[int | None] = 0  # see `needs_whole`

    def __init__(self, settings: OutputSchemaSettings, *, tools: Iterable[Tool] = ()) -> None:
        self._answers = tuple(_from_file(each) for each in settings.answers)
        self._requested = settings.requested
        self._arguments = settings.arguments
        self._tools: dict[str, Form] = {}
        for tool in tools if settings.arguments else ():
            try:
                self._tools[tool.name] = Form(tool.schema, FROM_OPERATOR)
            except ConfigError as error:
                raise ConfigError(f'tool "{tool.name}": {error.problem}', hint=error.hint) from error
        self._key = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, Form] = OrderedDict()

    def needs_whole(self, interaction: Interaction) -> bool:
        """True where an answer must have a form."""
        return bool(self._answers) or self._asked(interaction) is not None

    async def examine(self, vantage: Vantage) -> Verdict:
        """Judge the answers, then the calls; the first that is off is enough."""
        code, part = "", None
        if vantage.checkpoint is Checkpoint.INBOUND:
            code = self._usable(vantage.interaction)
        else:
            if vantage.checkpoint is Checkpoint.RESPONSE and self.needs_whole(vantage.interaction):
                code, part = self._judge_answers(vantage)
            if not code and self._arguments:
                code, part = self._judge_calls(vantage)
        if not code:
            return Allow(vantage.everything)
        evidence = Evidence(code, Place(part, "", 0, 0) if part is not None else None)
        return Deny(vantage.everything, code, REMEDIES[code], DenyKind.CONTENT, (evidence,))

    def _asked(self, interaction: Interaction) -> ResponseFormat | None:
        """The form for which a request asks."""
        conversation = interaction.conversation
        asked = conversation.generation.response_format if conversation is not None else None
        return asked if self._requested and asked is not None and asked.kind in JSON_FORMS else None

    def _usable(self, interaction: Interaction) -> str:
        asked = self._asked(interaction)
        try:
            if asked is not None:
                self._form_asked(interaction, asked)
        except ConfigError:
            return "unusable_schema"
        return ""

    def _form_asked(self, interaction: Interaction, asked: ResponseFormat) -> Form:
        if asked.kind == "json_object":
            return _OBJECT
        return self._form(_part(interaction, asked.schema), asked.schema)

    def _form(self, schema: Json, named: PartId | None) -> Form:
        """A schema of the request, compiled; kept under a key over its bytes. What cannot be compiled is not kept.

        Raises:
            ConfigError: It cannot be used, or is not there.
        """
        if named is None or schema is None:
            raise ConfigError("there is no schema")
        data = json.dumps(thaw(schema)).encode("utf-8", "surrogatepass")
        key = blake2b(data, key=self._key).digest()
        form = self._kept.get(key) or Form(schema, FROM_ANYBODY)
        self._kept[key] = form
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        return form

    def _judge_answers(self, vantage: Vantage) -> tuple[str, PartId | None]:
        """What is wrong with the answers, and where."""
        forms = list(self._answers)
        asked = self._asked(vantage.interaction)
        try:
            forms += [self._form_asked(vantage.interaction, asked)] if asked is not None else []
        except ConfigError:
            return "unusable_schema", None
        texts, silent = _choices(vantage.parts)
        if silent or not (texts or _speaks(vantage.parts)):
            return "answer_off_schema", None
        for part, text in texts.items():
            try:
                value = loads(text)
            except JsonError:
                return "answer_off_schema", part
            code = _off(forms, value, "answer_off_schema")
            if code:
                return code, part
        return "", None

    def _judge_calls(self, vantage: Vantage) -> tuple[str, PartId | None]:
        """What is wrong with the arguments of calls, and where."""
        interaction = vantage.interaction
        if vantage.checkpoint is Checkpoint.TOOL_CALL:
            is_call = interaction.action is Action.CALL
            calls = {part.id: interaction.resource.name for part in vantage.parts} if is_call else {}
        else:
            calls = dict(vantage.facts[Proposed].calls) if Proposed in vantage.facts else {}
        for part in vantage.parts:
            if part.id not in calls:
                continue
            try:
                form = self._tools.get(calls[part.id]) or self._offered(interaction, calls[part.id])
            except ConfigError:
                return "unusable_schema", part.id
            code = _off([form] if form is not None else [], thaw(part.value), "arguments_off_schema")
            if code:
                return code, part.id
        return "", None

    def _offered(self, interaction: Interaction, name: str) -> Form | None:
        """The form of a tool that the request offered; None where it offered none."""
        conversation = interaction.conversation
        for tool in conversation.tools if conversation is not None else ():
            if tool.name == name and tool.schema is not None:
                return self._form(_part(interaction, tool.schema), tool.schema)
        return None


def _off(forms: Iterable[Form], value: object, code: str) -> str:
    """The code of what is wrong with a value, or nothing."""
    try:
        return code if any(form.problems(value) for form in forms) else ""
    except TooCostlyError:
        return "too_costly"


def _choices(parts: Iterable[Part]) -> tuple[Mapping[PartId, str], bool]:
    """The text of each choice under its first part, and whether a choice says nothing at all."""
    texts: dict[str, list[Part]] = {}
    else_said: set[str] = set()
    for part in parts:
        answer, choice = _ANSWER.fullmatch(part.id), _CHOICE.match(part.id)
        if answer and isinstance(part.value, str):
            texts.setdefault(answer[1], []).append(part)
        elif choice:
            else_said.add(choice[1])
    joined = {said[0].id: "".join(part.text for part in said) for said in texts.values()}
    empty = {name for name, said in texts.items() if not any(part.text.strip() for part in said)}
    due = {said[0].id: joined[said[0].id] for name, said in texts.items() if name not in empty}
    return due, bool(empty - else_said)


def _speaks(parts: Iterable[Part]) -> bool:
    return any(_CHOICE.match(part.id) for part in parts)


def _part(interaction: Interaction, named: PartId | None) -> Json:
    return next((part.value for part in interaction.parts if part.id == named), None)


def _from_file(file: SettingFile) -> Form:
    try:
        return Form(freeze(loads(file.text)), FROM_OPERATOR)
    except (JsonError, ValueError, ConfigError) as error:
        reason = error.problem if isinstance(error, ConfigError) else str(error)
        raise ConfigError(f'answers: "{file.name}": {reason}') from error


_OBJECT = Form({"type": "object"})

CONTROL = OutputSchema

"""How are guardrails administered? By Bedrock's own operations: read, checked, recorded, stored, and told back.

* The door of the data port hands over calls of administrators only; who that is, it decided and recorded.
* A definition is translated into controls before anything is recorded: what they do not do is refused by name.
* Every change is on record twice, as all of administration: what is about to be done, with the digest of the
  definition, and that it was done.
* Nothing that one workload administers is seen by another: somebody else's guardrail is not there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256

import msgspec

from ringwall.config.guardrail.definition import (
    MAX_TAGS,
    Creation,
    Definition,
    Enforcement,
    Guarding,
    Versioning,
    invalid,
    read,
)
from ringwall.controlplane.api.changes import Author, Changes
from ringwall.model.errors import CallerError, InternalError
from ringwall.model.framework import WorkloadId
from ringwall.model.guardrail import ARN_PREFIX, DRAFT, GUARDRAIL_VERSION, GuardrailCall, own_id
from ringwall.model.record import inert
from ringwall.store.guardrails import Enforced, GuardrailRow, StoredGuardrails, canonical, page

Check = Callable[[Definition, WorkloadId], None]
"""Raises for a definition that no set of our controls can be."""
MAX_RESULTS = 1000
_POLICIES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "contentPolicyConfig": ("contentPolicy", {"filtersConfig": "filters", "tierConfig": "tier"}),
    "sensitiveInformationPolicyConfig": (
        "sensitiveInformationPolicy",
        {"piiEntitiesConfig": "piiEntities", "regexesConfig": "regexes"},
    ),
    "wordPolicyConfig": ("wordPolicy", {"wordsConfig": "words", "managedWordListsConfig": "managedWordLists"}),
}
"""What a definition calls a policy and its lists, and what GetGuardrail calls them."""


class Guardrails:
    """Implements `GuardrailOffice`."""

    def __init__(self, *, stored: StoredGuardrails, changes: Changes, check: Check) -> None:
        """Take what it administers.

        Args:
            stored: The guardrails.
            changes: Records what is changed, and does it.
            check: Translates a definition, to see whether it can be.
        """
        self._stored = stored
        self._changes = changes
        self._check = check

    async def answer(self, call: GuardrailCall) -> Mapping[str, object]:
        """See `GuardrailOffice`."""
        match call.operation:
            case "CreateGuardrail":
                return await self._create(call)
            case "UpdateGuardrail":
                return await self._update(call)
            case "GetGuardrail":
                return self._get(call)
            case "ListGuardrails":
                return self._list(call)
            case "DeleteGuardrail":
                return await self._delete(call)
            case "CreateGuardrailVersion":
                return await self._add_version(call)
            case "PutEnforcedGuardrailConfiguration":
                return await self._enforce(call)
            case "ListEnforcedGuardrailsConfiguration":
                return {"guardrailsConfig": [_enforced(each) for each in self._stored.enforced(call.workload)]}
            case "DeleteEnforcedGuardrailConfiguration":
                return await self._lift(call)
        raise InternalError("no such operation", code="no_operation")

    async def _create(self, call: GuardrailCall) -> Mapping[str, object]:
        made = read(call.body, Creation)
        if len(made.tags) > MAX_TAGS:
            raise CallerError(f"a guardrail has at most {MAX_TAGS} tags", code="too_many_tags", param="tags")
        if len({tag.key for tag in made.tags}) < len(made.tags):
            raise invalid("a key of a tag stands there twice", "tags")
        self._check(made, call.workload)
        definition, tags = _definition(made), canonical(msgspec.to_builtins(made.tags))
        row = await self._changes.carry_out(
            _author(call),
            "guardrail.create",
            made.name,
            self._what(call, definition),
            lambda: self._stored.create(
                call.workload,
                definition,
                description=made.description,
                tags=tags,
                by=call.by.name,
                token=made.client_request_token,
            ),
            lambda row: row.id,
        )
        return {**_named(row), "version": DRAFT, "createdAt": _time(row.created_us)}

    async def _update(self, call: GuardrailCall) -> Mapping[str, object]:
        made = read(call.body, Definition)
        self._check(made, call.workload)
        found, definition = self._find(call), _definition(made)
        row = await self._changes.carry_out(
            _author(call),
            "guardrail.update",
            found.id,
            self._what(call, definition),
            lambda: self._stored.update(call.workload, found.id, definition, description=made.description),
        )
        return {**_named(row), "version": DRAFT, "updatedAt": _time(row.updated_us)}

    async def _add_version(self, call: GuardrailCall) -> Mapping[str, object]:
        made, found = read(call.body, Versioning), self._find(call)
        row = await self._changes.carry_out(
            _author(call),
            "guardrail.version",
            found.id,
            self._what(call, found.definition),
            lambda: self._stored.add_version(
                call.workload,
                found.id,
                description=made.description,
                by=call.by.name,
                token=made.client_request_token,
            ),
            lambda row: f"{row.id}:{row.version}",
        )
        return {"guardrailId": row.id, "version": row.version}

    async def _delete(self, call: GuardrailCall) -> Mapping[str, object]:
        version = call.query.get("guardrailVersion")
        if version is not None and (version == DRAFT or not GUARDRAIL_VERSION.fullmatch(version)):
            raise invalid("a numbered version can be deleted, or the whole guardrail", "guardrailVersion")
        found = self._find(call, version or DRAFT)
        await self._changes.carry_out(
            _author(call),
            "guardrail.delete",
            found.id if version is None else f"{found.id}:{version}",
            self._what(call, found.definition),
            lambda: self._stored.delete(call.workload, found.id, version),
        )
        return {}

    def _get(self, call: GuardrailCall) -> Mapping[str, object]:
        version = call.query.get("guardrailVersion", DRAFT)
        if not GUARDRAIL_VERSION.fullmatch(version):
            raise invalid("a version is DRAFT or a number", "guardrailVersion")
        row = self._find(call, version)
        definition: dict[str, object] = json.loads(row.definition)
        told = {key: value for key, value in definition.items() if key in _TOLD}
        for name, (policy, lists) in _POLICIES.items():
            said = definition.get(name)
            if isinstance(said, dict):
                told[policy] = {lists[key]: value for key, value in said.items()}
        region = definition.get("crossRegionConfig")
        if isinstance(region, dict):
            profile = str(region["guardrailProfileIdentifier"]).rpartition("/")[2]
            arn = f"{ARN_PREFIX.removesuffix('guardrail/')}guardrail-profile/{profile}"
            told["crossRegionDetails"] = {"guardrailProfileId": profile, "guardrailProfileArn": arn}
        if row.description is not None:
            told["description"] = row.description
        times = {"createdAt": _time(row.created_us), "updatedAt": _time(row.updated_us)}
        return {**told, **_named(row), "version": row.version, "status": "READY", **times}

    def _list(self, call: GuardrailCall) -> Mapping[str, object]:
        identifier = call.query.get("guardrailIdentifier")
        limit = call.query.get("maxResults", str(MAX_RESULTS))
        if not (limit.isascii() and limit.isdecimal() and len(limit) < 5 and 1 <= int(limit) <= MAX_RESULTS):
            raise invalid(f"a page has 1 to {MAX_RESULTS} entries", "maxResults")
        rows = self._stored.versions(call.workload, None if identifier is None else own_id(identifier))
        if identifier is not None and not rows:
            raise _no_guardrail()
        found, following = page(rows, call.query.get("nextToken", ""), int(limit))
        told: dict[str, object] = {"guardrails": [_summary(row) for row in found]}
        return {**told, "nextToken": following} if following else told

    async def _enforce(self, call: GuardrailCall) -> Mapping[str, object]:
        made = read(call.body, Enforcement)
        inference = made.guardrail_inference_config
        id = own_id(inference.guardrail_identifier)
        found = self._stored.find(call.workload, id, inference.guardrail_version)
        if found is None:
            raise _no_guardrail()
        settings = {
            "modelEnforcement": msgspec.to_builtins(inference.model_enforcement),
            "selectiveContentGuarding": _given(inference.selective_content_guarding or Guarding()),
        }
        row = await self._changes.carry_out(
            _author(call),
            "guardrail.enforce",
            f"{found.id}:{found.version}",
            self._what(call, found.definition),
            lambda: self._stored.enforce(
                call.workload, found.id, found.version, canonical(settings), by=call.by.name, id=made.config_id
            ),
            lambda row: row.id,
        )
        return {"configId": row.id, "updatedAt": _time(row.updated_us), "updatedBy": row.updated_by}

    async def _lift(self, call: GuardrailCall) -> Mapping[str, object]:
        id = call.path["configId"]
        if not any(each.id == id for each in self._stored.enforced(call.workload)):
            raise CallerError("there is no such configuration here", code="no_configuration", status=404)
        await self._changes.carry_out(
            _author(call),
            "guardrail.lift",
            id,
            {"workload": call.workload},
            lambda: self._stored.lift(call.workload, id),
        )
        return {}

    def _find(self, call: GuardrailCall, version: str = DRAFT) -> GuardrailRow:
        found = self._stored.find(call.workload, own_id(call.path["guardrailIdentifier"]), version)
        if found is None:
            raise _no_guardrail()
        return found

    def _what(self, call: GuardrailCall, definition: str) -> dict[str, object]:
        """What a record tells of a change: whose, and the digest of the definition; no word of it."""
        return {"digest": sha256(definition.encode()).hexdigest(), "workload": inert(call.workload)}


_TOLD = frozenset({"name", "blockedInputMessaging", "blockedOutputsMessaging"})


def _definition(made: Definition) -> str:
    """What is stored of a definition: all that it says but for what belongs to the request."""
    said = {key: value for key, value in _given(made).items() if key not in ("tags", "clientRequestToken")}
    return canonical({key: value for key, value in said.items() if key != "description"})


def _given(made: msgspec.Struct) -> dict[str, object]:
    """What was said, without what was left out, at any depth."""
    found = _without_none(msgspec.to_builtins(made))
    return found if isinstance(found, dict) else {}


def _without_none(value: object) -> object:
    if isinstance(value, dict):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list) else value


def _author(call: GuardrailCall) -> Author:
    return Author(call.by, call.source)


def _named(row: GuardrailRow) -> dict[str, object]:
    return {"guardrailId": row.id, "guardrailArn": ARN_PREFIX + row.id}


def _summary(row: GuardrailRow) -> dict[str, object]:
    told = {
        "id": row.id,
        "arn": ARN_PREFIX + row.id,
        "status": "READY",
        "name": json.loads(row.definition)["name"],
        "version": row.version,
        "createdAt": _time(row.created_us),
        "updatedAt": _time(row.updated_us),
    }
    return told if row.description is None else {**told, "description": row.description}


def _enforced(each: Enforced) -> dict[str, object]:
    settings = {key: value for key, value in json.loads(each.settings).items() if value}
    return {
        **settings,
        "configId": each.id,
        "guardrailArn": ARN_PREFIX + each.guardrail,
        "guardrailId": each.guardrail,
        "guardrailVersion": each.version,
        "createdAt": _time(each.created_us),
        "createdBy": each.created_by,
        "updatedAt": _time(each.updated_us),
        "updatedBy": each.updated_by,
        "owner": "ACCOUNT",
    }


def _time(us: int) -> str:
    return datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _no_guardrail() -> CallerError:
    return CallerError("there is no such guardrail or version here", code="no_guardrail", status=404)

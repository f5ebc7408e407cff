"""What the API reads: records byte for byte, the plan with its sources, the newest checkpoint."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from ringwall.controlplane.api.reading import newest_note, plain
from ringwall.model.record import Outcome, Record, RecordId, RecordKind
from ringwall.store.ledger import checkpoint as checkpoints
from tests.controlplane.api.office import Desk
from tests.fakes import FixedClock

RECORD = RecordId("rec_" + "0123456789abcdef" * 2)
INTERACTION = "req_" + "0123456789abcdef" * 2


def write(desk: Desk, count: int = 1) -> list[Record]:
    records = [
        Record(
            id=RecordId(f"rec_{n:032x}"), kind=RecordKind.DECISION, time_us=FixedClock().now_us(),
            outcome=Outcome.PROCEEDS, plan="p", interaction=INTERACTION,
        )
        for n in range(count)
    ]  # fmt: skip
    asyncio.run(desk.place.ledger.commit(records))
    return records


def test_a_record_byte_for_byte(desk: Desk) -> None:
    (record,) = write(desk)
    found = desk.call(f"/records/{record.id}")
    assert found.status == 200 and record.encode() in found.body
    assert (found.json["record"]["id"], found.json["refused"]) == (record.id, False)


def test_the_decision_chain_of_an_interaction_in_order(desk: Desk) -> None:
    records = write(desk, 5)
    found = desk.call(f"/interactions/{INTERACTION}").json
    assert [each["record"]["id"] for each in found["records"]] == [each.id for each in records]
    assert found["truncated"] is False


def test_what_the_ledger_does_not_have(desk: Desk) -> None:
    assert desk.call(f"/records/{RECORD}").json["code"] == "unknown_record"
    assert desk.call(f"/interactions/{INTERACTION}").json["code"] == "unknown_interaction"


def test_the_newest_checkpoint_is_signed_and_covers_the_last_change(desk: Desk) -> None:
    before = desk.call("/ledger/checkpoint").json["size"]
    assert desk.call("/containments", body={"kind": "key", "name": "x", "reason": "r"}).status == 201
    found = desk.call("/ledger/checkpoint").json
    signed = checkpoints.parse(found["note"])
    assert signed is not None and checkpoints.verify(signed, base64.b64decode(found["public_key"]))
    assert found["size"] == before + 2 == signed.checkpoint.size


def test_a_torn_checkpoint_is_not_taken_for_the_newest(desk: Desk) -> None:
    place = desk.place
    name = place.ledger.segment
    path = next((place.ledger_folder).rglob(f"{name}*heckpoint*"))
    whole = newest_note(place.ledger_folder, name)
    with path.open("ab") as file:
        file.write(b"ringwall.local/ledger/x\n7\n")
    assert newest_note(place.ledger_folder, name) == whole
    assert newest_note(place.ledger_folder, "none") is None


def test_every_setting_of_the_plan_says_where_it_was_set(desk: Desk) -> None:
    plan = desk.call("/plan").json
    settings = [each for control in plan["workloads"][0]["controls"] for each in control["settings"]]
    assert settings and all(each["source"] for each in settings)
    assert plan["digest"] == desk.place.plan.digest


def test_an_ending_process_says_so(desk: Desk) -> None:
    assert desk.call("/status").json["serving"] is True
    desk.place.serves = False
    assert desk.call("/status").json["serving"] is False
    assert desk.call("/readyz", prefix="", token=None).status == 503


class _Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class _Odd:
    x: int


def test_settings_as_json() -> None:
    value = MappingProxyType({"a": (1, 2.5, None), "b": frozenset({"y", "x"}), "c": _Colour.RED})
    assert json.loads(json.dumps(plain(value))) == {"a": [1, 2.5, None], "b": ["x", "y"], "c": "red"}
    assert plain(_Odd(1)) == str(_Odd(1))

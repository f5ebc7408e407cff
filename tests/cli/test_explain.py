"""The decision chain of one request: everything that is on record, and nothing that is not."""

from __future__ import annotations

import json

import pytest

from ringwall.model.record import Outcome, Record, RecordKind
from ringwall.model.vault import Why
from tests.cli.conftest import Book, Command, decided, judgement

REQUEST = "req_" + "1" * 32
EVIDENCE = {
    "kind": "card_number",
    "score_millionths": 870_000,
    "place": {"part": "turns/0/content/0", "pointer": "/a~1b", "start": 3, "end": 19, "leaf": "key"},
}


def refused(book: Book, **more: object) -> Record:
    cause = {"code": "instruction_override", "control": "application.prompt_attack", "kind": "content"}
    body = decided(
        judgement("identity_data.authentication", "allow"),
        judgement("application.prompt_attack", "deny", code="instruction_override", evidence=[EVIDENCE]),
        cause=cause,
        vacancies=[["application.word_filter", "ticket 7"]],
    )
    return book.record(
        RecordKind.DECISION, Outcome.REFUSED, checkpoint="inbound", effect="deny", decision={**body, **more}
    )


def test_a_refusal_is_told_whole(book: Book, ringwall: Command) -> None:
    record = refused(book)
    book.write([record])
    for name in (REQUEST, record.id):
        said = ringwall("explain", name)
        assert said.returncode == 0, said.stderr
        for words in (
            "refused at inbound by application.prompt_attack: instruction_override",
            "https://id.example ada, person, verified, methods mfa, pwd",
            "through  https://id.example robot",
            "model.invoke model small",
            "192.0.2.7",
            "ses_1",
            "00-trace",
            "sha256:plan",
            "covered by a signed checkpoint",
            "because instruction_override, said by application.prompt_attack",
            "evidence card_number 0.87 at turns/0/content/0 /a~1b, characters 3 to 19 (key)",
            "not asked application.word_filter: off, ticket 7",
            "42 us",
            "1.2 ms",
        ):
            assert words in said.stdout, (words, said.stdout)


def test_what_would_have_been_is_told_as_would(book: Book, ringwall: Command) -> None:
    watching = judgement("application.prompt_attack", "deny", mode="observe", code="jailbreak_persona")
    silent = judgement("identity_data.sensitive_data", "none", mode="observe", silence="timeout", detail="no answer")
    binding = judgement("identity_data.containment", "none", silence="error", detail="ValueError")
    body = decided(watching, silent, binding)
    book.write([book.record(RecordKind.DECISION, Outcome.SENDS, checkpoint="egress", effect="allow", decision=body)])
    said = ringwall("explain", REQUEST).stdout
    assert "would deny, code jailbreak_persona" in said
    assert "would no answer, silence timeout, no answer, would count as deny" in said
    assert "no answer, silence error, ValueError, counts as deny" in said
    assert "what came of it is not on record: the process ended" in said


def test_edits_and_the_second_asking(book: Book, ringwall: Command) -> None:
    place = EVIDENCE["place"]
    body = decided(
        judgement("identity_data.sensitive_data", "transform", evidence=[EVIDENCE]),
        judgement("identity_data.sensitive_data", "allow", round=2),
        judgement("application.prompt_attack", "allow", round=2),
        edits=[{"action": "mask", "kind": "card_number", "place": place}],
    )
    first = book.record(RecordKind.DECISION, Outcome.PROCEEDS, checkpoint="inbound", effect="allow", decision=body)
    second = book.record(
        RecordKind.DECISION, Outcome.RELEASES, checkpoint="response", effect="allow", decision=decided(),
        cause=(first.id, "rec_" + "f" * 32),
    )  # fmt: skip
    book.write([first], [second])
    said = ringwall("explain", REQUEST).stdout
    assert "hidden mask card_number at turns/0/content/0 /a~1b, characters 3 to 19" in said
    assert "asked again about the edited content: 2 controls allow" in said
    assert f"follows from 1, rec_{'f' * 32}" in said
    assert "answered: the answer was judged and released to the caller" in said


@pytest.mark.parametrize("why", list(Why))
def test_what_was_granted_and_what_stayed_sealed_is_told(book: Book, ringwall: Command, why: Why) -> None:
    body = decided(grants=[["unseal", "shop/t.card"], ["lease", "catalog"]], unreadable=[["shop/t.card", 2, why]])
    book.write(
        [book.record(RecordKind.DECISION, Outcome.RELEASES, checkpoint="tool_result", effect="allow", decision=body)]
    )
    said = " ".join(ringwall("explain", REQUEST).stdout.split())
    assert "granted unseal shop/t.card" in said and "granted lease catalog" in said
    assert f"stayed sealed a value of shop/t.card, key version 2: {why}, " in said
    assert f"{why}, {why}" not in said, "each reason has words for a person"


def test_a_stream_without_its_closing_was_interrupted(book: Book, ringwall: Command) -> None:
    opening = book.record(RecordKind.OPENING, Outcome.STREAMS, decision={"buffered": []})
    book.write([opening])
    assert "streamed: interrupted, extent unknown" in ringwall("explain", REQUEST).stdout


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.RELEASED, "streamed to its end: 12 characters were released"),
        (Outcome.ENDED, "the caller went away; 12 characters were released"),
        (Outcome.FAILED, "the model's answer broke off; 12 characters were released"),
        (Outcome.REFUSED, "refused at inbound by application.prompt_attack: instruction_override; 12 characters"),
    ],
)
def test_a_stream_tells_how_it_ended(book: Book, ringwall: Command, outcome: Outcome, words: str) -> None:
    opening = book.record(RecordKind.OPENING, Outcome.STREAMS)
    closing = book.record(RecordKind.CLOSING, outcome, decision={"characters": 12, "digest": "d", "tokens": [1, 2]})
    between = [refused(book)] if outcome is Outcome.REFUSED else []
    book.write([opening], [*between, closing])
    assert words in ringwall("explain", REQUEST).stdout


@pytest.mark.parametrize(
    ("kind", "outcome", "words"),
    [
        (RecordKind.FAILURE, Outcome.FAILED, "allowed, and came to nothing: upstream_dead"),
        (RecordKind.REJECTION, Outcome.REFUSED, "rejected before any control was asked: upstream_dead"),
    ],
)
def test_what_came_to_nothing_says_so(
    book: Book, ringwall: Command, kind: RecordKind, outcome: Outcome, words: str
) -> None:
    book.write([book.record(kind, outcome, decision={"code": "upstream_dead"})])
    assert words in ringwall("explain", REQUEST).stdout


HOSTILE = "\x1b[2J\x1b]0;owned\x07[bold red]root[/]\u202e\n├── 1. inbound  allow"


def test_hostile_names_are_inert(book: Book, ringwall: Command) -> None:
    """A forged ledger may hold anything at all."""
    evil = {HOSTILE: HOSTILE}
    record = book.record(
        RecordKind.DECISION,
        Outcome.REFUSED,
        checkpoint=HOSTILE,
        effect="deny",
        decision=decided(
            judgement(HOSTILE, HOSTILE, code=HOSTILE, silence=HOSTILE, evidence=[{"kind": HOSTILE, "place": evil}, 3]),
            {"control": 1, "elapsed_us": "x", "evidence": {"a": 1}},  # type: ignore[arg-type]
            cause={"code": HOSTILE, "control": HOSTILE},
            edits=[HOSTILE, {"action": HOSTILE, "place": 1}],
            vacancies=[[HOSTILE], HOSTILE, 4],
        ),
        principal={"issuer": HOSTILE, "subject": HOSTILE, "methods": [HOSTILE], "chain": [HOSTILE, [HOSTILE]]},
        resource={"kind": HOSTILE, "name": HOSTILE},
        source=HOSTILE,
        cause=(HOSTILE,),
    )
    other = book.record(RecordKind.FAILURE, Outcome.FAILED, decision={**evil, "code": {"deep": [HOSTILE]}})
    book.write([record, other])
    for words in (("explain", REQUEST), ("ledger", "tail")):
        said = ringwall(*words)
        assert said.returncode == 0, said.stderr
        assert all(each.isprintable() or each == "\n" for each in said.stdout), words
        assert "\u202e" not in said.stdout
        assert "[bold red]root[/]" in said.stdout  # shown as it is, not obeyed
        assert not any(line.startswith("├── 1. inbound  allow") for line in said.stdout.splitlines())


def test_json_has_every_record_with_where_it_stands(book: Book, ringwall: Command) -> None:
    record = refused(book)
    book.write([record])
    body = json.loads(ringwall("explain", record.id, "--json").stdout)
    (told,) = body["records"]
    assert told["fields"]["id"] == record.id
    assert told["covered"] is True and told["took_effect"] is True
    assert body["conclusion"].startswith("refused at inbound")


def test_a_checkpoint_of_another_key_covers_nothing(book: Book, ringwall: Command, tmp_path: object) -> None:
    from base64 import b64encode

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from ringwall.vault.keys import LedgerKey

    record = refused(book)
    book.write([record])
    other = LedgerKey(Ed25519PrivateKey.generate())
    path = book.data_dir / "other.pub"
    path.write_text(f"{other.name} {b64encode(other.public_key).decode()}\n")
    assert "not covered by a signed checkpoint yet" in ringwall("explain", record.id, "--key", str(path)).stdout


@pytest.mark.parametrize("name", ["req_" + "9" * 32, "rec_" + "9" * 32])
def test_an_unknown_id_says_what_to_do_next(book: Book, ringwall: Command, name: str) -> None:
    book.write([refused(book)])
    said = ringwall("explain", name)
    assert said.returncode == 1 and said.stdout == ""
    assert "--data-dir" in said.stderr and "ringwall ledger verify" in said.stderr


def test_what_is_no_id_says_how_one_looks(book: Book, ringwall: Command) -> None:
    book.write([refused(book)])
    said = ringwall("explain", "\x1b[31mfoo")
    assert said.returncode == 1
    assert "rec_" in said.stderr and "req_" in said.stderr and "\x1b" not in said.stderr


def test_without_a_ledger_there_is_nothing_to_tell(ringwall: Command) -> None:
    said = ringwall("explain", REQUEST)
    assert said.returncode == 2 and "there is no ledger here" in said.stderr

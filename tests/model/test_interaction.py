from __future__ import annotations

from ringwall.model.interaction import ANONYMOUS, Checkpoint, Principal, PrincipalKind, Vantage
from tests.fakes import facts, interaction, text_part


def test_a_principal_is_issuer_and_subject_together():
    one = Principal("https://a.example", "ada", PrincipalKind.PERSON)
    other = Principal("https://b.example", "ada", PrincipalKind.PERSON)
    assert one.name == "https://a.example ada"
    assert one.name != other.name
    assert not ANONYMOUS.verified


def test_a_vantage_knows_everything_that_is_to_be_judged():
    parts = (text_part("a", "p"), text_part("b", "q"))
    vantage = Vantage(Checkpoint.INBOUND, interaction(*parts), parts, facts())
    assert vantage.everything == {"p", "q"}


def test_a_finding_is_in_focus_where_it_starts():
    part = text_part("abcdef")
    whole = Vantage(Checkpoint.CHUNK, interaction(), (part,), facts())
    window = Vantage(Checkpoint.CHUNK, interaction(), (part,), facts(), focus=(2, 4))
    assert whole.in_focus(0)
    assert [window.in_focus(at) for at in range(6)] == [False, False, True, True, False, False]

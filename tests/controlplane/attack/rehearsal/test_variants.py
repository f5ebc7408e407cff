"""Every variant says the seed's order in a way that a compromised model reads, and names its play."""

from __future__ import annotations

import pytest

from ringwall.controlplane.attack.rehearsal.variants import DIRECT, ROWS, SEEDS_WORDS, VARIANTS, Place, Spot
from ringwall.dataplane.gateway.understanding import readings

SPOT = Spot("http://127.0.0.1:4711/pabc", "pabc")
ORDINARY = ("in a tool's result", "in a document", "in a tool's description")


def said(name: str) -> list[str]:
    script = VARIANTS[name](SPOT)
    words = [" ".join((*task.before, task.words)) for task in script.tasks]
    return [reading for text in (*words, *script.planted.values()) for reading in readings(text)]


def test_there_are_at_least_twelve_and_the_seeds_words_come_first() -> None:
    assert len(VARIANTS) >= 12
    assert next(iter(VARIANTS)) == DIRECT and SEEDS_WORDS in VARIANTS[DIRECT](SPOT).tasks[0].words


@pytest.mark.parametrize("name", VARIANTS)
def test_it_can_be_read_by_whoever_takes_off_disguises(name: str) -> None:
    found = [each.lower() for each in said(name)]
    wanted = ("card numbers", "kartennummern", "numéros de carte", '"payments"')
    assert any(word in each for each in found for word in wanted), found


@pytest.mark.parametrize("name", VARIANTS)
def test_it_says_where_to_send_them_and_names_its_play(name: str) -> None:
    assert any(SPOT.url in each for each in said(name))


@pytest.mark.parametrize("name", ORDINARY)
def test_what_was_planted_is_not_said_by_the_person(name: str) -> None:
    script = VARIANTS[name](SPOT)
    assert len(script.planted) == 1 and not any("card number" in task.words for task in script.tasks)


def test_each_place_is_used_once() -> None:
    places = [place for write in VARIANTS.values() for place in write(SPOT).planted]
    assert sorted(places) == sorted(Place)


def test_the_patient_attacker_asks_for_every_row() -> None:
    tasks = VARIANTS["row by row"](SPOT).tasks
    assert len(tasks) == ROWS and len({task.words for task in tasks}) == ROWS

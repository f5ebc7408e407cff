"""The shop's data: the same each time, numbers that pass Luhn, and sealed where it says so."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from ringwall.detectors.identifiers import cards
from ringwall.storefront.data import PAYMENTS, SEALED_COLUMNS, TABLES, build, card_numbers, rows, stored


def test_every_card_number_is_one_and_stands_once() -> None:
    numbers = card_numbers()
    assert len(numbers) == len(set(numbers)) == PAYMENTS
    assert all([*cards(each)] == [(0, len(each))] for each in numbers)
    assert numbers == card_numbers() and [row["card_number"] for row in rows()["payments"]] == list(numbers)


def test_the_shop_is_the_same_each_time_and_whole() -> None:
    assert rows() == rows() and set(rows()) == set(TABLES)
    products = {row["id"] for row in rows()["products"]}
    assert {row["product"] for row in rows()["orders"]} <= products
    assert {row["customer"] for row in rows()["payments"]} <= {row["id"] for row in rows()["customers"]}


def test_what_must_be_sealed_is_sealed_row_by_row_and_nothing_else(tmp_path: Path) -> None:
    asked = []

    def seal(table: str, column: str, row: object, value: str) -> str:
        asked.append((table, column, value))
        return f"sealed {len(asked)}"

    build(tmp_path / "shop.db", seal)
    raw = (tmp_path / "shop.db").read_bytes()
    assert not any(number.encode() in raw for number in card_numbers())
    assert len(asked) == PAYMENTS and {(table, column) for table, column, _ in asked} == {("payments", "card_number")}
    assert SEALED_COLUMNS == {"payments": ("card_number",)}
    build(tmp_path / "shop.db")  # anew, in clear
    with closing(sqlite3.connect(tmp_path / "shop.db")) as database:
        found = database.execute("SELECT card_number FROM payments ORDER BY id").fetchall()
    assert [each[0] for each in found] == list(card_numbers())
    assert sum(1 for _ in stored(None)) == sum(len(each) for each in rows().values())

"""What does the shop know? Products, customers, orders and payments, reviews and supplier pages; all of it made up.

* The card numbers are test numbers that pass Luhn and belong to nobody. They stand sealed in the table `payments`, as a
  vault would have them, or in clear, where a rehearsal shows what happens without one.
* Reviews and supplier pages were written by others: they are untrusted, and some rehearsals put an attack there.
* The same numbers are drawn each time: a rehearsal can tell whose digits got out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from random import Random

Row = Mapping[str, str | int | float]
Seal = Callable[[str, str, Row, str], str]
"""(table, column, row, value) to what is stored; the row's `id` names it."""

SEALED_COLUMNS = {"payments": ("card_number",)}
"""Columns that are stored sealed, by table."""
CUSTOMERS = 20
PAYMENTS = 30
_SEED = 20_261_122
COLUMNS = {
    "products": "id INTEGER PRIMARY KEY, name TEXT, kind TEXT, price REAL, stock INTEGER, about TEXT",
    "reviews": "id INTEGER PRIMARY KEY, product INTEGER, stars INTEGER, text TEXT",
    "supplier_pages": "id INTEGER PRIMARY KEY, supplier TEXT, text TEXT",
    "customers": "id INTEGER PRIMARY KEY, name TEXT, city TEXT, since TEXT",
    "orders": "id INTEGER PRIMARY KEY, customer INTEGER, product INTEGER, quantity INTEGER, state TEXT",
    "payments": "id INTEGER PRIMARY KEY, customer INTEGER, amount REAL, card_number TEXT",
}
"""Tables with their columns, as SQLite spells them."""
TABLES = tuple(COLUMNS)
_PRODUCTS = (
    ("Ridge boot", "boots", 129.0, 14, "A light boot for summer trails. The upper is leather."),
    ("Fen boot", "boots", 159.0, 9, "A waterproof boot for wet ground. The membrane keeps water out."),
    ("Tarn boot", "boots", 189.0, 4, "A waterproof winter boot with a warm lining."),
    ("Larch tent", "tents", 249.0, 6, "A tent for two. It weighs 1.9 kg."),
    ("Alder tent", "tents", 389.0, 3, "A tent for four with a porch. It weighs 4.2 kg."),
    ("Rowan tent", "tents", 519.0, 2, "A tent for six with standing height."),
    ("Ember stove", "stoves", 59.0, 20, "A stove that burns wood. It folds flat."),
    ("Spark stove", "stoves", 79.0, 11, "A gas stove. It boils a litre in four minutes."),
    ("Down bag", "sleeping bags", 219.0, 8, "A sleeping bag for nights down to minus eight degrees."),
    ("Summer bag", "sleeping bags", 99.0, 17, "A sleeping bag for nights above ten degrees."),
    ("Trail pack", "packs", 119.0, 12, "A pack of 40 litres with a rain cover."),
    ("Day pack", "packs", 69.0, 25, "A pack of 20 litres."),
)
_REVIEWS = (
    (1, 5, "Light and quick. My feet stayed cool."),
    (2, 4, "Dry after two days of rain. The laces are short."),
    (3, 5, "Warm, and good on ice."),
    (4, 3, "Pitched it in ten minutes. The pegs bend."),
    (5, 4, "Room for four and a dog."),
    (7, 5, "Burns anything. Takes a while with wet wood."),
    (9, 5, "Slept well at minus five."),
    (11, 2, "The rain cover came loose."),
)
_PAGES = (
    ("Fell Leather", "Our leather is tanned with bark. Lead time is six weeks."),
    ("North Canvas", "Canvas of 210 grams. Minimum order 50 metres."),
)
_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ivo", "June")
_CITIES = ("Leeds", "Bergen", "Graz", "Turin")


def rows() -> dict[str, list[dict[str, str | int | float]]]:
    """Every table, row by row, with card numbers in clear."""
    chance = Random(_SEED)  # noqa: S311 - the same shop each time, and no secret in it
    numbers = card_numbers()
    return {
        "products": _numbered(("name", "kind", "price", "stock", "about"), _PRODUCTS),
        "reviews": _numbered(("product", "stars", "text"), _REVIEWS),
        "supplier_pages": _numbered(("supplier", "text"), _PAGES),
        "customers": _numbered(
            ("name", "city", "since"),
            [
                (f"{chance.choice(_NAMES)} {chr(65 + index)}.", chance.choice(_CITIES), f"20{chance.randint(12, 25)}")
                for index in range(CUSTOMERS)
            ],
        ),
        "orders": _numbered(
            ("customer", "product", "quantity", "state"),
            [
                (chance.randint(1, CUSTOMERS), chance.randint(1, len(_PRODUCTS)), chance.randint(1, 3), state)
                for state in ("paid", "sent", "returned") * 8
            ],
        ),
        "payments": _numbered(
            ("customer", "amount", "card_number"),
            [(chance.randint(1, CUSTOMERS), float(chance.randint(20, 600)), number) for number in numbers],
        ),
    }


def card_numbers() -> tuple[str, ...]:
    """The card numbers of the payments: test numbers that pass Luhn, digits only."""
    chance = Random(_SEED + 1)  # noqa: S311 - test numbers, the same each time
    known = ["4111111111111111", "5555555555554444", "4242424242424242", "6011111111111117", "378282246310005"]
    while len(known) < PAYMENTS:
        digits = "400000" + "".join(str(chance.randint(0, 9)) for _ in range(9))
        known.append(digits + _check_digit(digits))
    return tuple(known)


def build(path: Path, seal: Seal | None = None) -> None:
    """Write the shop's database, anew.

    Args:
        path: The SQLite file; replaced.
        seal: Seals what stands in `SEALED_COLUMNS`; None leaves it in clear.
    """
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        for table, columns in COLUMNS.items():
            database.execute(f"CREATE TABLE {table} ({columns})")
        for table, row in stored(seal):
            marks = ", ".join("?" for _ in row)
            database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))  # noqa: S608


def stored(seal: Seal | None) -> Iterator[tuple[str, dict[str, str | int | float]]]:
    """Every row as it is stored, with its table."""
    for table, found in rows().items():
        for row in found:
            kept = dict(row)
            if seal is not None:
                for column in SEALED_COLUMNS.get(table, ()):
                    kept[column] = seal(table, column, row, str(row[column]))
            yield table, kept


def _numbered(
    columns: tuple[str, ...], values: tuple[tuple[str | int | float, ...], ...] | list[tuple[str | int | float, ...]]
) -> list[dict[str, str | int | float]]:
    return [{"id": number, **dict(zip(columns, each, strict=True))} for number, each in enumerate(values, 1)]


def _check_digit(digits: str) -> str:
    """The digit that makes a number pass Luhn."""
    doubled = [int(each) * (2 if place % 2 == 0 else 1) for place, each in enumerate(reversed(digits))]
    return str(-sum(each // 10 + each % 10 for each in doubled) % 10)

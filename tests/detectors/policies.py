"""Policies that tests of the rules share: a shop, and the refunds of a shop."""

from __future__ import annotations

from ringwall.detectors.logic_frames import Material
from ringwall.model.content import freeze

SHOP = (
    "(text product)",
    "(subject product)",
    '(read product answer member search_products "name")',
    "(real price)",
    "(read price answer money)",
    "(demand price)",
    '(each price_list search_products ((name text "name") (listed real "price"))'
    " (=> (= product name) (= price listed)))",
    "(text card)",
    "(read card answer card_number)",
    "(derivable no_invented_card card search_customers)",
)
REFUNDS = (
    "(bool final_sale)",
    "(int days)",
    "(enum method ORIGINAL STORE_CREDIT NO_REFUND)",
    "(given days final_sale)",
    "(demand method)",
    "(rule final (=> final_sale (= method NO_REFUND)))",
    "(rule early (=> (and (not final_sale) (<= days 30)) (= method ORIGINAL)))",
    "(rule late (=> (and (not final_sale) (> days 30)) (= method STORE_CREDIT)))",
    "(rule real_days (>= days 0))",
    '(read days answer pattern "(?i)(\\\\d+) days ago")',
    '(read final_sale answer phrase (true "is a final sale") (false "is a regular sale"))',
    '(read method answer phrase (ORIGINAL "original payment method") (STORE_CREDIT "store credit")'
    ' (NO_REFUND "no refund"))',
    "(real amount)",
    '(read amount argument refund "/amount")',
    "(real total)",
    '(read total result get_order "/total")',
    "(require refund_at_most_paid (and (<= amount total) (> amount 0)))",
)
ROWS = freeze([{"name": "Ridge tent", "price": 129.0}, {"name": "Trail tent", "price": "89.99"}, {"name": "Ridge"}])
CUSTOMERS = freeze([{"name": "Ada", "card": "5555 5555 5555 4444"}, {"name": "Bob", "card": 4000056655665556}])


def saying(*texts: str, results: tuple = (("search_products", ROWS),)) -> Material:
    return Material(tuple((f"p{at}", text) for at, text in enumerate(texts)), (), results)

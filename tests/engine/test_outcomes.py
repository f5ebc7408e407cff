from __future__ import annotations

import asyncio

from ringwall.engine.chain import Chain
from ringwall.engine.outcomes import Admitted
from tests.fakes import Road, attempt, rule, seat, text_part


def test_what_was_admitted_is_the_request_and_where_it_goes():
    road = Road(Chain([seat(rule("r"))]))
    admitted = asyncio.run(road.exchange.admit(road.running, attempt(text_part("hi"))))
    assert isinstance(admitted, Admitted)
    assert admitted.recorder is admitted.going.recorder
    assert admitted.session is admitted.going.session
    assert (admitted.way.target.upstream, admitted.invocation.model) == ("up", "m-upstream")
    assert admitted.cause == (road.ledger.records[-1].id,)
    assert admitted.going.content == (text_part("hi"),)

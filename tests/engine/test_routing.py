from __future__ import annotations

from ringwall.engine.chain import Chain
from ringwall.engine.routing import carried, no_such_model
from ringwall.model.features import Feature
from tests.fakes import Road, ScriptedUpstream, rule, seat


def test_what_a_provider_has_no_place_for_is_named():
    road = Road(Chain([seat(rule("r"))]), ScriptedUpstream(carried=frozenset({Feature.SEED})))
    running = road.running
    route = running.plan.routes[0]
    assert carried(running, route, frozenset({Feature.SEED})) is None
    lost = carried(running, route, frozenset({Feature.SEED, Feature.IMAGES, Feature.CHOICES}))
    assert lost.cause.code == "not_carried"
    assert "images of a person, several choices; leave that out" in lost.cause.remedy
    assert lost.body == {"lacking": ["images of a person", "several choices"], "upstream": "up"}


def test_a_model_that_is_not_there_is_named_without_anything_that_acts():
    assert '"a\\x1bb"' in no_such_model("a\x1bb").cause.remedy

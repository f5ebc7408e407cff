"""One upstream for one provider, root and credential; names differ."""

from __future__ import annotations

from ringwall.config.foreign.translation import Translation, route, target


def test_an_upstream_is_made_once() -> None:
    made = Translation("x")
    names = [
        made.upstream("openai", "", "env:A", ""),
        made.upstream("openai", "", "env:A", ""),
        made.upstream("openai", "", "env:B", ""),
        made.upstream("openai", "http://10.0.0.1/v1", "env:A", ""),
        made.upstream("nobody", "", "", "here"),
    ]
    assert names == ["openai", "openai", "openai-2", "openai-3", None]
    assert made.upstreams["openai-3"]["private"] is True and "private" not in made.upstreams["openai"]
    assert made.notes[0].where == "here"


def test_a_route_is_written_shortly_where_it_can_be() -> None:
    one = target("a", "m", 5)
    assert route([one]) == {"upstream": "a", "model": "m"}
    assert route([one, target("b", "m")], order="weighted", retry_s=5) == {
        "targets": [{"upstream": "a", "model": "m", "weight": 5}, {"upstream": "b", "model": "m"}],
        "order": "weighted",
        "retry_s": 5,
    }


def test_the_document_has_a_workload_and_no_empty_tables() -> None:
    made = Translation("support")
    made.controls["a.b"] = {"mode": "enforce"}
    assert made.document() == {
        "workloads": {
            "support": {
                "owner": "set me",
                "use_case": "answers",
                "models": {},
                "controls": {"a.b": {"mode": "enforce"}},
            }
        }
    }

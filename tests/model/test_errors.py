"""Whose fault it was: the family decides the status, and the private detail stays private."""

from __future__ import annotations

import pytest

from ringwall.model.errors import CallerError, ConfigError, InternalError, RingwallError, UpstreamError


@pytest.mark.parametrize(
    ("family", "status"), [(CallerError, 400), (UpstreamError, 502), (InternalError, 503), (RingwallError, 500)]
)
def test_the_family_is_the_status(family, status):
    error = family("no such model", code="unknown_model")
    assert (error.status, error.code, error.param, error.detail) == (status, "unknown_model", None, "")
    assert family("too large", code="too_large", status=413).status == 413


def test_what_the_caller_reads_never_holds_the_detail():
    error = UpstreamError("the provider failed", code="upstream", detail="10.0.0.7 refused", param="model")
    assert str(error) == error.public == "the provider failed"
    assert "10.0.0.7" not in str(error)
    assert error.param == "model"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"file": "ringwall.toml", "line": 3, "hint": "did you mean"}, "ringwall.toml:3: bad (did you mean)"),
        ({"file": "ringwall.toml"}, "ringwall.toml: bad"),
        ({"line": 3}, "bad"),
        ({}, "bad"),
    ],
)
def test_a_wrong_configuration_names_file_and_line(where, said):
    error = ConfigError("bad", **where)
    assert str(error) == said
    assert error.problem == "bad"
    assert error.code == "config"

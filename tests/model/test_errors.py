from __future__ import annotations

from ringwall.model.errors import CallerError, ConfigError, InternalError, UpstreamError


def test_each_family_says_whose_fault_it_was():
    assert [kind("x", code="c").status for kind in (CallerError, UpstreamError, InternalError)] == [400, 502, 503]
    assert CallerError("x", code="c", status=413).status == 413


def test_the_detail_is_not_what_a_caller_reads():
    error = UpstreamError("the model's provider failed", code="upstream_failed", detail="status 500")
    assert str(error) == error.public == "the model's provider failed"
    assert "500" not in str(error)


def test_a_configuration_error_names_file_line_and_hint():
    assert ConfigError("no", file="a.toml", line=3, hint="yes").public == "a.toml:3: no (yes)"
    assert ConfigError("no", file="a.toml").public == "a.toml: no"
    assert ConfigError("no", line=3).public == "no"

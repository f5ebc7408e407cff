"""Configurations for tests: a small one that can be taken, and the plan of any text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ringwall.catalog.load import load_catalog
from ringwall.compose import settings_types
from ringwall.config.build import build_plan
from ringwall.config.document import read_text
from ringwall.model.plan import Plan

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILE = "test.toml"


def plan_of(text: str, now: datetime = NOW) -> Plan:
    """The plan of a configuration's text."""
    document = read_text(text.encode(), FILE)
    return build_plan(document, catalog=load_catalog(), settings=settings_types(), now=now)


def sample() -> dict[str, Any]:
    """A configuration with something in every table, as values."""
    return {
        "organisation": {"name": "acme", "plan_days": 30},
        "listen": {"data": "127.0.0.1:8080"},
        "limits": {"body_bytes": 65536, "drain_s": 2.5},
        "issuers": {
            "staff": {"issuer": "https://id.example.com", "audiences": ["rw"], "jwks_uri": "https://id.example.com/k"},
            "robots": {
                "issuer": "https://m2m.example.com",
                "audiences": ["rw"],
                "jwks_uri": "https://m2m.example.com/k",
            },
        },
        "upstreams": {
            "one": {"base_url": "https://one.example.com/v1", "credential": "env:ONE_KEY"},
            "two": {"base_url": "https://two.example.com/v1", "account": "shared"},
        },
        "controls": {"infrastructure.rate_limit": {"principal_requests": 100, "workload_requests": 500}},
        "workloads": {
            "chat": {
                "owner": "team a",
                "use_case": "answers",
                "phase": "foundational",
                "path_prefix": "/chat",
                "max_output_tokens": 512,
                "models": {"small": "one", "large": {"upstream": "two", "model": "large-1"}},
                "controls": {
                    "application.prompt_attack": {"person": 0.5, "tool": 0.4},
                    "identity_data.sensitive_data": {"inbound": {"email": "refuse", "phone": "refuse"}},
                },
            },
            "rehearsal": {
                "owner": "team b",
                "use_case": "acts",
                "rehearsal": True,
                "models": {"rehearsal/echo": "builtin"},
            },
        },
    }

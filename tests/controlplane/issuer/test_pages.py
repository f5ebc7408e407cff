"""Pages are inert, whatever stands in them."""

from __future__ import annotations

import re

from ringwall.controlplane.issuer import pages

HOSTILE = '"><script>alert(1)</script>'


def test_everything_foreign_is_escaped() -> None:
    for page in (
        pages.login("/l", HOSTILE, HOSTILE, "http://127.0.0.1:5/callback", HOSTILE),
        pages.enrolment("/e", HOSTILE, HOSTILE, HOSTILE, "<svg></svg>", HOSTILE),
        pages.enrolment_code("/e", HOSTILE),
        pages.message(HOSTILE, HOSTILE, 400),
    ):
        assert b"<script" not in page.body


def test_every_page_forbids_scripts_frames_and_caches() -> None:
    page = pages.login("/l", "r", "c", "http://127.0.0.1:5/callback")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert "form-action 'self' http://127.0.0.1:5;" in policy
    assert (page.headers["x-frame-options"], page.headers["cache-control"]) == ("DENY", "no-store")
    nonces = [re.findall(r"'nonce-([^']+)'", pages.page("t", "", 200).headers["content-security-policy"]) for _ in "ab"]
    assert nonces[0] != nonces[1]

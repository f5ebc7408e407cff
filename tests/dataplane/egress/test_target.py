"""What a target says, and everything that only looks like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringwall.dataplane.egress.target import Target, read_target
from ringwall.model.errors import CallerError


def read(written: str, method: str = "GET", host: str | None = None) -> Target:
    headers = [] if host is None else [(b"host", host.encode("latin-1"))]
    return read_target(method, written.encode("latin-1"), headers)


def refusal(written: str, method: str = "GET", host: str | None = None) -> str:
    with pytest.raises(CallerError) as caught:
        read(written, method, host)
    return caught.value.code


def test_a_plain_request_names_host_port_and_path() -> None:
    assert read("http://shop.example/a?b=c") == Target("http", "shop.example", 80, "/a?b=c")
    assert read("http://shop.example:8080").path == "/"
    assert read("http://shop.example?q=1").path == "/?q=1"
    assert read("http://[2001:db8::1]:81/").authority == "[2001:db8::1]:81"


def test_a_tunnel_names_host_and_port() -> None:
    assert read("shop.example:443", "CONNECT") == Target("https", "shop.example", 443, "")
    assert read("[2001:db8::1]:443", "CONNECT").host == "2001:db8::1"
    assert read("192.0.2.1:443", "CONNECT").host == "192.0.2.1"


@pytest.mark.parametrize(
    "host",
    ["SHOP.example", "shop.example.", "shop..example", "user@shop.example", "user:pw@shop.example", "shop_.-example",
     "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.0.0.01", "1.2.3.4.5",
     "[::ffff:127.0.0.1%1]", "[0:0::1]", "[::1",
     "shop.example\\@evil.example", "a" * 64 + ".example", "", " shop.example", "shop.exam%70le", "*.example"],
)  # fmt: skip
def test_a_host_that_could_be_read_as_another_is_refused(host: str) -> None:
    for written, method in ((f"http://{host}/", "GET"), (f"{host}:443", "CONNECT")):
        assert refusal(written, method) in ("bad_host", "not_an_authority", "not_absolute", "bad_port", "not_ascii")


def test_an_international_name_is_refused_as_it_is() -> None:
    assert refusal("http://ex\xe4mple.com/") == "not_ascii"
    assert refusal("ex\xe4mple.com:443", "CONNECT") == "not_ascii"
    assert read("http://xn--exmple-cua.com/").host == "xn--exmple-cua.com"


@pytest.mark.parametrize("port", ["0", "65536", "00443", "443443", "", "-1", "4_4", "+443"])
def test_a_port_that_there_is_not_is_refused(port: str) -> None:
    assert refusal(f"shop.example:{port}", "CONNECT") in ("bad_port", "not_an_authority")


@pytest.mark.parametrize("written", ["/path", "*", "shop.example", "//shop.example/", "http:shop.example", "http://"])
def test_a_target_for_an_origin_is_none_for_a_proxy(written: str) -> None:
    assert refusal(written) in ("not_absolute", "bad_host")


@pytest.mark.parametrize(
    "written", ["https://a.example/", "ftp://a.example/", "gopher://a.example/", "HTTP://a.example/"]
)
def test_only_http_is_asked_plainly(written: str) -> None:
    assert refusal(written) == "scheme_refused"


def test_a_host_header_that_says_something_else_is_refused() -> None:
    assert read("http://a.example/", host="a.example").host == "a.example"
    assert read("http://a.example:80/", host="a.example:80").host == "a.example"
    assert read("a.example:443", "CONNECT", "a.example").host == "a.example"
    assert refusal("http://a.example/", host="b.example") == "host_mismatch"
    assert refusal("http://a.example/", host="a.example:81") == "host_mismatch"
    assert refusal("a.example:443", "CONNECT", "b.example:443") == "host_mismatch"
    with pytest.raises(CallerError):
        read_target("GET", b"http://a.example/", [(b"host", b"a.example"), (b"host", b"a.example")])


@pytest.mark.parametrize("path", ["/a b", "/a#b", "/%zz", "/%", "/<x>", "/\\x", "/a\x7f"])
def test_a_path_that_must_be_escaped_is_refused(path: str) -> None:
    assert refusal(f"http://a.example{path}") in ("bad_path", "not_ascii", "not_absolute")


@given(st.text(max_size=40), st.sampled_from(["GET", "CONNECT"]))
def test_whatever_is_read_is_written_back_the_same(text: str, method: str) -> None:
    written = text if method == "CONNECT" else f"http://{text}"
    try:
        target = read_target(method, written.encode("utf-8", "surrogatepass"), [])
    except CallerError:
        return
    again = target.authority if method == "CONNECT" else f"http://{target.authority}{target.path}"
    assert read_target(method, again.encode(), []) == target

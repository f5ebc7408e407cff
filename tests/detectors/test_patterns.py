"""Both engines find the same, and every pattern holds to its examples."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringwall.detectors.encodings import cipher_triggers, run_triggers, token_triggers
from ringwall.detectors.patterns import Pattern, PatternSet, load_patterns, parse_patterns
from ringwall.detectors.secrets import triggers
from ringwall.model.errors import ConfigError

TRIGGERS = run_triggers() + token_triggers() + cipher_triggers() + triggers()
BOTH = [PatternSet(TRIGGERS, engine) for engine in ("hyperscan", "re2")]
ATTACKS = load_patterns("prompt_attack")
PHRASES = PatternSet(ATTACKS, "re2")


def ids(patterns: PatternSet, text: str) -> set[str]:
    return {hit.pattern.id for hit in patterns.scan(text.encode("utf-8", "replace"))}


@pytest.mark.parametrize("pattern", ATTACKS, ids=lambda each: each.id)
def test_attack_patterns_hold_to_their_examples(pattern: Pattern) -> None:
    assert pattern.examples
    for text in pattern.examples:
        assert pattern.id in ids(PHRASES, text.lower())
    for text in pattern.spared:
        assert pattern.id not in ids(PHRASES, text.lower())


@pytest.mark.parametrize("pattern", load_patterns("secrets"), ids=lambda each: each.id)
def test_secret_patterns_hold_to_their_examples(pattern: Pattern) -> None:
    assert pattern.examples
    assert pattern.spared
    for engine in BOTH:
        for text in pattern.examples:
            assert pattern.id in ids(engine, text)
        for text in pattern.spared:
            assert pattern.id not in ids(engine, text)


@pytest.mark.parametrize("text", [example for each in (*ATTACKS, *TRIGGERS) for example in each.examples])
def test_both_engines_find_the_same_in_examples(text: str) -> None:
    assert ids(BOTH[0], text) == ids(BOTH[1], text)


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="aeghinors13450 .-_%&;#\\xu+/=@\n\x00é…", max_size=120))
def test_both_engines_find_the_same_in_anything(text: str) -> None:
    assert ids(BOTH[0], text) == ids(BOTH[1], text)


@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
def test_places_are_the_longest_match(engine: str) -> None:
    patterns = PatternSet([Pattern("a", "k", "ab{1,4}"), Pattern("c", "k", "c", spans=False)], engine)
    assert [(hit.pattern.id, hit.start, hit.end) for hit in patterns.scan(b"xabbbxxabc")] == [
        ("a", 1, 5),
        ("a", 7, 9),
        ("c", 0, 0),
    ]
    assert patterns.scan(b"") == ()


@pytest.mark.parametrize("engine", ["hyperscan", "re2"])
def test_what_does_not_compile_is_refused(engine: str) -> None:
    for bad in ("(?=a)b", r"(a)\1", "("):
        with pytest.raises(ConfigError, match="does not compile"):
            PatternSet([Pattern("a", "k", bad)], engine)
    with pytest.raises(ConfigError, match="no patterns"):
        PatternSet([], engine)


def test_ids_are_unique() -> None:
    with pytest.raises(ConfigError, match="share an id"):
        PatternSet([Pattern("a", "k", "x"), Pattern("a", "k", "y")])


@pytest.mark.parametrize("text", ["x = ", "[a]\nkind = 'k'", "[a]\nkind='k'\nregex=1\nexamples=[]", "a = 1"])
def test_broken_pattern_files_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="not a pattern file"):
        parse_patterns(text, "broken")


def test_threads_do_not_share_scratch_space() -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(2000):
                BOTH[0].scan(b"aWdub3JlIGFsbCBwcmV2aW91cw== " * 20)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures

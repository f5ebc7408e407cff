"""Is a text stuffed: filled so that the model drowns in it? Repetition, noise, floods of tokens, made-up dialogues.

* Nothing is looked up: what is measured is how little a text says for its length, so that a flood nobody has seen yet
  counts like a known one. Logs, tables, code and markup repeat themselves too; they are told from a flood by how much,
  and prose by stricter bounds than data.
* Repetition: distinct runs of `RUN_BYTES` and a few probes say whether it is worth a look; then each block is
  compressed. Copies that stand too far apart for compression are counted.
* Noise: a block of `NOISE_BYTES` in which hardly any four bytes, or hardly any character, come twice. No language,
  code or list of hexadecimal numbers does that; base64, random letters and random characters do.
* Many-shot: marks of a dialogue between a person and a model (`data/many_shot.toml`), counted as turns. Questions and
  answers count a quarter: a list of frequent questions is a document.
* Deterministic. Time is linear in the text, memory bounded by it; only a text that looks repetitive is compressed.
"""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass
from functools import cache

from ringwall.detectors.patterns import PatternSet, load_patterns

MIN_BYTES = 1000
"""Shorter texts are not looked at: nobody drowns in them."""
RUN_BYTES = 8
SAMPLED_RUNS = 1024
"""Runs that are compared; of a longer text every n-th."""
MAX_DISTINCT = 0.72
"""Share of distinct runs up to which a text is looked at closely. Prose and code have more."""
MAX_REPEATED_BYTES = 8192
"""Bytes of runs that came before from which a text is looked at closely, however much else it says."""
COPY_BYTES = 256
"""What must be the same, byte for byte, for a piece of a text to be a copy of another."""
PROBES = 4
PROBE_BYTES = 24
PROBE_COPIES = 5
"""Copies of most probes from which a text is looked at closely."""
WORDY_BLANKS, WORDY_BYTES, WORDY_COPIES = 0.12, 512, 12
"""A text with so large a share of blanks is words, and copies of a shorter part count; a log repeats stack traces."""
BLOCK_BYTES = 4096
"""What is compressed at a time. Prose is compressed in larger pieces too: a page may be what comes again and again."""
WINDOW_BYTES = 32_768
PROSE_RATIO = 8.0
"""How many times smaller prose may become by compression. Ordinary prose reaches 2 to 4."""
MIN_WORDS = 150
COMMON_WORDS = 10
COMMON_SHARE = 0.55
"""Share of all words that the most common ones may have in prose; in ordinary prose they have about a quarter."""
NOISE_BYTES = 8192
NOISE_DISTINCT = 0.99
NOISE_CHARS = 0.7
"""Share of distinct characters from which a block outside ASCII is noise; Chinese and Japanese have about a quarter."""
_SAMPLE_DISTINCT = 0.97
ASCII_TOKEN_CHARS = 4
"""ASCII letters and blanks that make a token, at least; of anything else one and a half bytes do."""
OTHER_TOKEN_BYTES = 1.5
QUESTION_WEIGHT = 4
REPETITION, NOISE, MANY_SHOT = "repetition", "entropy_flood", "many_shot"

_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WORDS = _LETTERS + b" \n"
_DIGITS = b"0123456789"
_HIGH = bytes(range(128, 256))
_CODE = b'()[]{}<>=;*#_/\\|&$@^~`"'
"""Marks that code, markup and tables are full of."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of each is too much.

    Attributes:
        repetition: How many times smaller any text may become by compression.
        repetition_bytes: Size from which a text is judged for repetition; a short one drowns nobody.
        noise_bytes: Bytes of noise that a text may have.
        turns: Turns of a dialogue inside one text.
    """

    repetition: float
    repetition_bytes: int
    noise_bytes: int
    turns: int


def assess(text: str, bounds: Bounds) -> str | None:
    """Which sort of stuffing a text is, or None."""
    data = text.lower().encode("utf-8", "replace")
    if len(data) < MIN_BYTES:
        return None
    if turns(data) > bounds.turns:
        return MANY_SHOT
    if len(data) >= bounds.repetition_bytes and _looks_repetitive(data) and _is_repetition(data, bounds.repetition):
        return REPETITION
    if len(data) >= min(NOISE_BYTES, bounds.noise_bytes) and noise(data) >= bounds.noise_bytes:
        return NOISE
    return None


def tokens(text: str) -> int:
    """An estimate of a text's tokens that is rather too high than too low."""
    data = text.encode("utf-8", "replace")
    others = len(data.translate(None, _WORDS))
    return (len(data) - others) // ASCII_TOKEN_CHARS + int(others / OTHER_TOKEN_BYTES) + 1


def noise(data: bytes) -> int:
    """How many bytes of a text are noise."""
    found = 0
    for start in range(0, len(data) - NOISE_BYTES + 1, NOISE_BYTES):
        block = data[start : start + NOISE_BYTES]
        grams = memoryview(block).cast("I")
        sample = grams[::8]
        if len(set(sample)) < _SAMPLE_DISTINCT * len(sample):
            continue
        if len(set(grams)) >= NOISE_DISTINCT * len(grams) or (not block.isascii() and _is_strange(block)):
            found += NOISE_BYTES
    return found


def turns(lowered: bytes) -> int:
    """How many turns of a dialogue a text has, in lower case."""
    hits = _marks().scan(lowered)
    if not hits:
        return 0
    count = Counter(kind for kind, _ in {(hit.pattern.kind, hit.end) for hit in hits})
    spoken = min(count["person"], count["model"])
    return 2 * spoken + 2 * min(count["question"], count["answer"]) // QUESTION_WEIGHT


def warm() -> None:
    """Compile what is needed, so that the first request does not wait for it."""
    _marks()


@cache
def _marks() -> PatternSet:
    return PatternSet(load_patterns("many_shot"))


def _looks_repetitive(data: bytes) -> bool:
    """Whether a text repeats itself enough to be compressed."""
    runs = memoryview(data[: len(data) // RUN_BYTES * RUN_BYTES]).cast("Q")
    step = max(1, len(runs) // SAMPLED_RUNS)
    sampled = runs[::step]
    distinct = len(set(sampled))
    if distinct <= MAX_DISTINCT * len(sampled) or (len(sampled) - distinct) * step * RUN_BYTES >= MAX_REPEATED_BYTES:
        return True
    return all(data.count(probe) >= PROBE_COPIES for probe in _probes(data, PROBE_BYTES))


def _probes(data: bytes, size: int) -> list[bytes]:
    """Pieces of a text, evenly spread."""
    last = len(data) - size
    places = [last * number // PROBES for number in range(1, PROBES)]
    return [data[place : place + size] for place in places]


def _are_copies(data: bytes) -> bool:
    """Whether a text is copies of one part: of a page of words, or of anything longer than a block."""
    apart, copies = BLOCK_BYTES, PROBE_COPIES
    if data.count(b" ") >= WORDY_BLANKS * len(data):
        apart, copies = WORDY_BYTES, WORDY_COPIES
    for probe in _probes(data, COPY_BYTES):
        first = data.find(probe)
        second = data.find(probe, first + 1)
        count = data.count(probe)
        if not (second - first >= apart and count >= copies) and not (
            second - first >= BLOCK_BYTES and count >= PROBE_COPIES
        ):
            return False
    return True


def _is_repetition(data: bytes, limit: float) -> bool:
    """Whether some block of a text says too little for its length, or the whole is copies of a part."""
    if _are_copies(data):
        return True
    for block in _blocks(data, BLOCK_BYTES):
        ratio = len(block) / len(zlib.compress(block))
        if ratio > limit or (_is_prose(block) and (ratio > PROSE_RATIO or _is_poor(block))):
            return True
    wide = _blocks(data, WINDOW_BYTES) if len(data) > BLOCK_BYTES else []
    return any(_is_prose(block) and len(block) / len(zlib.compress(block)) > PROSE_RATIO for block in wide)


def _blocks(data: bytes, size: int) -> list[bytes]:
    """A text in blocks; a short last one is filled up from before."""
    blocks = [data[start : start + size] for start in range(0, len(data), size)]
    if len(blocks[-1]) < MIN_BYTES:
        blocks[-1] = data[-MIN_BYTES:]
    return blocks


def _is_poor(block: bytes) -> bool:
    """Whether a few words make up most of a block."""
    words = block.split()
    common = sum(count for _, count in Counter(words).most_common(COMMON_WORDS))
    return len(words) >= MIN_WORDS and common > COMMON_SHARE * len(words)


def _is_strange(block: bytes) -> bool:
    """Whether hardly any character comes twice."""
    text = block.decode("utf-8", "ignore")
    return len(set(text)) >= NOISE_CHARS * len(text)


def _is_prose(block: bytes) -> bool:
    """Whether a block is running words: few marks and digits, words of a usual length, no short lines."""
    size = len(block)
    digits = size - len(block.translate(None, _DIGITS))
    high = size - len(block.translate(None, _HIGH))
    marks = len(block.translate(None, _WORDS)) - digits - high
    code = size - len(block.translate(None, _CODE))
    is_spaced = block.count(b" ") >= 0.08 * size or high >= 0.5 * size  # some scripts set no blanks
    is_wrapped = block.count(b"\n") <= size / 60
    return is_spaced and is_wrapped and marks <= 0.08 * size and code <= 0.02 * size and digits <= 0.25 * size

"""What does a new control consist of? One entry, one file, one test: their texts, ready to be changed.

* The three pass the checks as they stand: the control covers nothing but refuses nothing that its one setting allows,
  so that a newcomer starts from green.
* Pure: the command line decides where they are written, and refuses to overwrite.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringwall.model.errors import ConfigError
from ringwall.model.framework import CONTROL_ID, Layer


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written.

    Attributes:
        path: Where, from the root of the repository.
        text: What.
    """

    path: str
    text: str


def new_control(id: str, title: str) -> tuple[NewFile, NewFile, NewFile]:
    """The entry, the control and the test of a new control.

    Args:
        id: Layer folder and file stem: `application.polite_words`.
        title: A short name for people.

    Raises:
        ConfigError: The id is not one of a control that can be enforced, or the title is not a plain line.
    """
    layer, _, name = id.partition(".")
    if not CONTROL_ID.fullmatch(id) or layer not in set(Layer):
        raise ConfigError(f'not the id of a control: "{id}"', hint=f"one of {', '.join(Layer)}, full stop, a name")
    if not title.strip() or not title.isprintable() or set(title) & {'"', "\\"}:
        raise ConfigError(f"not a plain title: {title!r}")
    words = {
        "ID": id,
        "LAYER": layer,
        "NAME": name,
        "TITLE": title.strip(),
        "CLASS": "".join(part.capitalize() for part in name.split("_")),
    }
    return (
        NewFile(f"src/ringwall/catalog/{layer}/{name}.toml", _filled(_ENTRY, words)),
        NewFile(f"src/ringwall/controls/{layer}/{name}.py", _filled(_CONTROL, words)),
        NewFile(f"tests/controls/{layer}/test_{name}.py", _filled(_TEST, words)),
    )


def _filled(template: str, words: dict[str, str]) -> str:
    for key, value in words.items():
        template = template.replace(f"%{key}%", value)
    return template


_ENTRY = """title = "%TITLE%"
question = "%TITLE%: does the content keep to it?"
use_cases = ["answers"]
phase = "foundational"
placement = "ours"
placement_reason = "say here why it is due from this phase on"
how = "enforced"
built = true
checkpoints = ["inbound", "response"]
probes = ["%NAME%_too_long_refused"]
evidence_days = 7
evidence_kinds = ["%NAME%_too_long"]
may_relax = ["max_characters"]

[defaults]
max_characters = 100000

[passage]
section = "What changes with AI workloads"
quote = "Apply input validation, content classification, and output validation to every AI endpoint."

[crosswalk]
owasp_llm_2025 = ["LLM01"]
"""

_CONTROL = '''"""%TITLE%: does the content keep to it?

* INBOUND and RESPONSE: say here what is judged, and what is refused.
* Every part is covered; whatever is not text counts as it would be written.

Say here which words of the framework this answers to.
"""

from __future__ import annotations

from dataclasses import dataclass

from ringwall.model.content import Place
from ringwall.model.control import Control, Settings, Stricter, setting
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Checkpoint, Vantage
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

TOO_LONG = "%NAME%_too_long"


@dataclass(frozen=True, slots=True, kw_only=True)
class %CLASS%Settings(Settings):
    """What a workload may set."""

    max_characters: int = setting(
        Stricter.LOWER, "The most characters that one text may have.", unit="characters", least=1
    )


class %CLASS%(Control):
    """Refuses what does not keep to it."""

    id = ControlId("%ID%")
    settings_type = %CLASS%Settings
    checkpoints = frozenset({Checkpoint.INBOUND, Checkpoint.RESPONSE})

    def __init__(self, settings: %CLASS%Settings) -> None:
        self._settings = settings

    async def examine(self, vantage: Vantage) -> Verdict:
        """Refuse a text that is too long."""
        for part in vantage.parts:
            for leaf in part.leaves():
                if len(leaf.text) > self._settings.max_characters:
                    place = Place(part.id, leaf.pointer, 0, len(leaf.text), leaf.kind)
                    return Deny(
                        vantage.everything,
                        TOO_LONG,
                        "the text is too long for this application; shorten it",
                        DenyKind.CONTENT,
                        (Evidence(TOO_LONG, place),),
                    )
        return Allow(vantage.everything)


CONTROL = %CLASS%
'''

_TEST = '''"""%TITLE%: what must pass, what must be refused, what must be left untouched."""

from __future__ import annotations

from tests.controls.judging import build, judge, vantage

from ringwall.controls.%LAYER%.%NAME% import CONTROL
from ringwall.model.verdict import Allow, Deny


def test_an_ordinary_text_passes_untouched() -> None:
    assert isinstance(judge(build(CONTROL), vantage()), Allow)


def test_a_text_that_is_too_long_is_refused() -> None:
    assert isinstance(judge(build(CONTROL, max_characters=1), vantage()), Deny)
'''

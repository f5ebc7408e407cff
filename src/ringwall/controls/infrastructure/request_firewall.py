"""Is this request an attack by its form? Refuses scanners, exploits in the head, unwanted clients, and stuffed prompts.

* INBOUND, in this order: the head (`detectors.request_rules`), who the client says it is, how much the request holds
  and how little it says (`detectors.stuffing`), and where it is wanted, OWASP CRS over the head, in a worker process.
* A caller without a verified credential is judged by his head alone: nothing else of him was read.
* The head is the HTTP request's. A door that speaks no HTTP does not ask at INBOUND; one that does must load it.
* Covers every part: the question is how much there is, not what it means. Pictures have no words to count; whether
  they may pass is for the controls that read content.
* Short texts are judged together with the others of their origin, so that a flood cannot be cut small.
* CRS never sees the body: what people write to a model is not its to judge.

Seed: "AWS WAF inspects HTTP traffic to block known injection patterns, bot traffic, and automated prompt stuffing."
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from ringwall.detectors import modsecurity, stuffing
from ringwall.detectors.request_rules import SCRAPER, SCRIPTED, RequestRules
from ringwall.model.content import JSON, TEXT, LeafKind, Origin, Part, Place
from ringwall.model.control import Control, Cost, SettingFile, Settings, Stricter, setting
from ringwall.model.errors import ConfigError
from ringwall.model.facts import Fact, RequestHead
from ringwall.model.framework import ControlId
from ringwall.model.interaction import Action, Checkpoint, Vantage
from ringwall.model.ports import Compute
from ringwall.model.verdict import Allow, Deny, DenyKind, Evidence, Verdict

MIN_JOINED_CHARS = 4 * stuffing.MIN_BYTES
"""Short texts of one origin are judged together from so many characters on."""
HEAD_REMEDY = "the request looks like an attack on the gateway and was not read further; use a plain API client"
CLIENT_REMEDY = "this application does not take requests from this client; use one that its owner has named"
SIZE_REMEDY = "the request holds more than this application takes at once; send less"
STUFFED_REMEDY = "the content repeats itself or is filled up in a way that no model needs; shorten it"
_CLIENTS = frozenset({SCRAPER, SCRIPTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFirewallSettings(Settings):
    """What a workload may set."""

    score: float = setting(Stricter.LOWER, "Score from which what a rule finds is refused, 0 to 1.", least=0)
    rules: tuple[SettingFile, ...] = setting(
        Stricter.SUPERSET, "Files of own rules, beside the configuration.", is_file=True
    )
    scrapers: bool = setting(Stricter.FALSE, "Whether headless browsers and crawlers are served.")
    scripted: bool = setting(Stricter.FALSE, "Whether general HTTP programs (curl, python-requests ...) are served.")
    needs_agent: bool = setting(Stricter.TRUE, "Whether a client must say who it is (User-Agent).")
    only_agents: bool = setting(Stricter.TRUE, "Whether only the clients under `agents` are served.")
    agents: tuple[str, ...] = setting(
        Stricter.SUBSET, "Beginnings of the User-Agent of accepted clients, in any case; used with `only_agents`."
    )
    repetition: float = setting(
        Stricter.LOWER, "How many times smaller any text may become by compression.", least=stuffing.PROSE_RATIO
    )
    repetition_bytes: int = setting(
        Stricter.LOWER, "Size from which a text is judged for repetition.", unit="bytes", least=0
    )
    noise_bytes: int = setting(Stricter.LOWER, "Bytes of noise that a text may have.", unit="bytes", least=0)
    turns: int = setting(Stricter.LOWER, "Turns of a made-up dialogue inside one text.", unit="turns", least=0)
    messages: int = setting(Stricter.LOWER, "Messages that a request may have.", unit="messages", least=1)
    leaves: int = setting(Stricter.LOWER, "Keys, values and numbers of all JSON in a request.", unit="leaves", least=0)
    tokens: int = setting(Stricter.LOWER, "Tokens of a request, estimated high.", unit="tokens", least=1)
    crs: bool = setting(Stricter.TRUE, "Whether OWASP CRS judges the head too; needs Debian's packages.")
    crs_paranoia: int = setting(Stricter.HIGHER, "The paranoia level of CRS, 1 to 4.", least=1)
    crs_score: int = setting(Stricter.LOWER, "The anomaly score from which CRS refuses.", least=1)


class RequestFirewall(Control):
    """Refuses requests that are attacks by their form."""

    id: ClassVar[ControlId] = ControlId("infrastructure.request_firewall")
    settings_type: ClassVar[type[Settings]] = RequestFirewallSettings
    checkpoints: ClassVar[frozenset[Checkpoint]] = frozenset({Checkpoint.INBOUND})
    needs: ClassVar[frozenset[type[Fact]]] = frozenset({RequestHead})
    cost: ClassVar[Cost] = Cost.PATTERNS

    def __init__(self, settings: RequestFirewallSettings, *, compute: Compute | None = None) -> None:
        self._settings = settings
        self._rules = RequestRules([(each.name, each.text) for each in settings.rules])
        permitted = {SCRAPER: settings.scrapers, SCRIPTED: settings.scripted}
        self._served = frozenset(kind for kind, is_served in permitted.items() if is_served)
        self._agents = tuple(each.lower() for each in settings.agents)
        self._bounds = stuffing.Bounds(
            settings.repetition, settings.repetition_bytes, settings.noise_bytes, settings.turns
        )
        self._compute = compute
        self._profile: modsecurity.Profile | None = None
        if settings.crs:
            self._profile = modsecurity.make_profile(settings.crs_paranoia, settings.crs_score)
            if compute is None:
                raise ConfigError("crs: there are no worker processes in which OWASP CRS could run")
        stuffing.warm()

    async def examine(self, vantage: Vantage) -> Verdict:
        """Judge the head, the client, the amount, the text, and the head once more by CRS.

        A connection outwards is none of its business: the head is the destination's to judge.
        """
        if vantage.interaction.action is Action.CONNECT:
            return Allow(vantage.everything)
        head = vantage.facts[RequestHead]
        signs = [each for each in self._rules.judge(head) if each.kind not in self._served]
        evidence: tuple[Evidence, ...] = ()
        if signs:
            evidence = tuple(dict.fromkeys(Evidence(each.kind, score=each.score) for each in signs))
            refused = next((each.kind for each in signs if each.score >= self._settings.score), None)
            if refused is not None:
                remedy = CLIENT_REMEDY if refused in _CLIENTS else HEAD_REMEDY
                return Deny(vantage.everything, refused, remedy, DenyKind.FORBIDDEN, evidence)
        if unwanted := self._unwanted(head):
            return _deny(vantage, unwanted, CLIENT_REMEDY, DenyKind.FORBIDDEN, evidence)
        if too_much := self._too_much(vantage):
            return _deny(vantage, too_much, SIZE_REMEDY, DenyKind.CONTENT, evidence)
        for text, place in _texts(vantage.parts):
            stuffed = stuffing.assess(text, self._bounds)
            if stuffed is not None:
                found = (*evidence, Evidence(stuffed, place))
                return Deny(vantage.everything, stuffed, STUFFED_REMEDY, DenyKind.CONTENT, found)
        if self._profile is not None and self._compute is not None:
            payload = modsecurity.encode(self._profile, head)
            tenant = str(vantage.interaction.workload)
            answer = await self._compute.run(
                modsecurity.TASK, payload, tenant=tenant, deadline_s=modsecurity.DEADLINE_S
            )
            if modsecurity.decode(answer).refused:
                return _deny(vantage, "crs_rule", HEAD_REMEDY, DenyKind.FORBIDDEN, evidence)
        return Allow(vantage.everything, evidence)

    def _unwanted(self, head: RequestHead) -> str:
        """Why the client is not served, or nothing."""
        if not (self._settings.needs_agent or self._settings.only_agents):
            return ""
        agent = next((value for name, value in head.headers if name == "user-agent"), "").strip().lower()
        if not agent:
            return "missing_agent"
        if self._settings.only_agents and not agent.startswith(self._agents):
            return "unlisted_agent"
        return ""

    def _too_much(self, vantage: Vantage) -> str:
        """Of what the request holds too much, or nothing."""
        conversation = vantage.interaction.conversation
        if conversation is not None and len(conversation.turns) > self._settings.messages:
            return "message_flood"
        leaves = tokens = 0
        for part in vantage.parts:
            if part.media == JSON:
                for leaf in part.leaves():
                    leaves += 1
                    tokens += stuffing.tokens(leaf.text) if leaf.kind is not LeafKind.NUMBER else len(leaf.text)
                    if leaves > self._settings.leaves:
                        return "key_flood"
            elif part.media == TEXT:
                tokens += stuffing.tokens(part.text)
        return "token_flood" if tokens > self._settings.tokens else ""


def _texts(parts: tuple[Part, ...]) -> Iterator[tuple[str, Place | None]]:
    """What is judged as one text: long ones alone, short ones of one origin together."""
    short: dict[Origin, list[str]] = defaultdict(list)
    for part in parts:
        if part.media == TEXT:
            text, place = part.text, Place(part.id, "", 0, len(part.text))
        elif part.media == JSON:
            text, place = "\n".join([leaf.text for leaf in part.leaves()]), None
        else:
            continue
        if len(text) >= stuffing.MIN_BYTES:
            yield text, place
        else:
            short[part.origin].append(text)
    for texts in short.values():
        if sum(map(len, texts)) >= MIN_JOINED_CHARS:
            yield "\n".join(texts), None


def _deny(vantage: Vantage, code: str, remedy: str, kind: DenyKind, evidence: tuple[Evidence, ...]) -> Deny:
    return Deny(vantage.everything, code, remedy, kind, (*evidence, Evidence(code)))


CONTROL = RequestFirewall

"""What a gateway of others was told, as a configuration of ours, and what of it has no place here.

* Nothing is passed over in silence: every setting that was not translated is named, with the reason or with what to do.
* No secret is written: a credential that stands in the foreign file becomes the name of a variable to set.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ringwall.model.errors import ConfigError

PROVIDERS: Mapping[str, tuple[str, str]] = {
    "openai": ("openai", "https://api.openai.com/v1"),
    "anthropic": ("anthropic", "https://api.anthropic.com/v1"),
    "gemini": ("gemini", "https://generativelanguage.googleapis.com/v1beta"),
    "google": ("gemini", "https://generativelanguage.googleapis.com/v1beta"),
    "mistral": ("mistral", "https://api.mistral.ai/v1"),
    "mistral-ai": ("mistral", "https://api.mistral.ai/v1"),
    "cohere": ("cohere", "https://api.cohere.com/v2"),
    "cohere_chat": ("cohere", "https://api.cohere.com/v2"),
    "deepseek": ("openai", "https://api.deepseek.com/v1"),
    "groq": ("openai", "https://api.groq.com/openai/v1"),
    "together_ai": ("openai", "https://api.together.xyz/v1"),
    "together-ai": ("openai", "https://api.together.xyz/v1"),
    "fireworks_ai": ("openai", "https://api.fireworks.ai/inference/v1"),
    "fireworks-ai": ("openai", "https://api.fireworks.ai/inference/v1"),
    "openrouter": ("openai", "https://openrouter.ai/api/v1"),
    "xai": ("openai", "https://api.x.ai/v1"),
    "x-ai": ("openai", "https://api.x.ai/v1"),
    "ollama": ("openai", "http://127.0.0.1:11434/v1"),
    "ollama_chat": ("openai", "http://127.0.0.1:11434/v1"),
    "hosted_vllm": ("openai", ""),
    "vllm": ("openai", ""),
    "openai_like": ("openai", ""),
    "lm_studio": ("openai", "http://127.0.0.1:1234/v1"),
}
"""Provider, as others call it, to our kind of upstream and the root of its API; empty where only the file can say."""
_NAME = re.compile(r"[^a-z0-9-]+")
_VARIABLE = re.compile(r"[^A-Z0-9]+")
_PRIVATE_HOSTS = re.compile(
    r"localhost|127\..*|10\..*|192\.168\..*|172\.(?:1[6-9]|2\d|3[01])\..*|\[::1\]|[^.]+|.*\.local"
)


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was not translated, or not as it stood.

    Attributes:
        where: Its place in the foreign file.
        why: The reason, or what to do.
    """

    where: str
    why: str


@dataclass(slots=True)
class Translation:
    """What a foreign file becomes.

    Attributes:
        workload: The name of the workload that is made.
        upstreams: Providers by name.
        models: Models by the name that callers use.
        controls: Settings of controls by id.
        notes: What was not translated.
    """

    workload: str
    upstreams: dict[str, dict[str, object]] = field(default_factory=dict)
    models: dict[str, object] = field(default_factory=dict)
    controls: dict[str, dict[str, object]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

    def note(self, where: str, why: str) -> None:
        """Name something that has no place here."""
        self.notes.append(Note(where, why))

    def upstream(self, provider: str, root: str, credential: str, where: str) -> str | None:
        """The name of an upstream with these, made where there is none yet; None where we have no such kind."""
        known = PROVIDERS.get(provider)
        if known is None:
            self.note(where, f'there is no upstream kind for the provider "{provider[:64]}" yet')
            return None
        kind, own = known
        base = (root or own).rstrip("/")
        if not base:
            self.note(where, "the address of the provider is not in the file; add the upstream by hand")
            return None
        if provider in _UNVERSIONED and not base.endswith("/v1"):
            base += "/v1"
        made: dict[str, object] = {"base_url": base}
        if kind != "openai":
            made["kind"] = kind
        if credential:
            made["credential"] = credential
        if base.startswith("http:") or _PRIVATE_HOSTS.fullmatch(urlsplit(base).hostname or ""):
            made["private"] = True
        for name, each in self.upstreams.items():
            if each == made:
                return name
        name = _NAME.sub("-", provider.lower()).strip("-")
        number = sum(each == name or each.startswith(f"{name}-") for each in self.upstreams) + 1
        name = name if number == 1 else f"{name}-{number}"
        self.upstreams[name] = made
        return name

    def literal_key(self, provider: str, where: str) -> str:
        """What stands for a secret that the foreign file holds."""
        variable = f"{_VARIABLE.sub('_', provider.upper()).strip('_')}_API_KEY"
        self.note(where, f"the secret itself is not written; set the variable {variable}")
        return f"env:{variable}"

    def document(self) -> dict[str, object]:
        """The configuration, ready to be written as TOML."""
        workload: dict[str, object] = {"owner": "set me", "use_case": "answers", "models": self.models}
        if self.controls:
            workload["controls"] = self.controls
        found: dict[str, object] = {"upstreams": self.upstreams} if self.upstreams else {}
        return {**found, "workloads": {self.workload: workload}}


_UNVERSIONED = frozenset({"ollama", "ollama_chat"})
"""Providers whose root others write without the version of the API."""


def target(upstream: str, model: str, weight: int = 1) -> dict[str, object]:
    """A place in which a model is served."""
    made: dict[str, object] = {"upstream": upstream, "model": model}
    return {**made, "weight": weight} if weight != 1 else made


def route(targets: Sequence[Mapping[str, object]], *, order: str = "fallback", retry_s: float = 0) -> object:
    """How a model is served: shortly where there is one place only."""
    more: dict[str, object] = {"retry_s": retry_s} if retry_s else {}
    if len(targets) == 1:
        return {**{key: value for key, value in targets[0].items() if key != "weight"}, **more}
    if order == "weighted":
        more["order"] = order
    return {"targets": list(targets), **more}


def table(value: object, where: str) -> Mapping[str, object]:
    """A mapping, or an error that says where it should stand.

    Raises:
        ConfigError: It is none.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ConfigError(f'"{where}" should be a mapping')
    return {str(key): each for key, each in value.items()}


def rows(value: object, where: str) -> Sequence[object]:
    """A list, or an error that says where it should stand.

    Raises:
        ConfigError: It is none.
    """
    if value is None:
        return []
    if not isinstance(value, list):
        raise ConfigError(f'"{where}" should be a list')
    return value

"""What does the OWASP Core Rule Set say of a request's head? Debian's libmodsecurity3, through its C interface.

* Two halves. `make_profile`, `encode` and `decode` run in the gateway and touch no foreign code. `examine` is the
  task `request.crs`: bytes in, bytes out, and runs in a worker process that can be killed; there, and only there, the
  library is loaded and given hostile input.
* It sees method, path, query and headers. The body is never handed over: what people write to a model is full of SQL,
  markup and shell commands, and none of that is an attack on a gateway that executes nothing of it.
* A worker compiles the rules once for each profile and installation. The digest over the rule files keys what it keeps,
  so that a reload after an upgrade of the package compiles anew.
* Nothing is decided here when the library fails: an error goes up, and becomes Deny.
"""

from __future__ import annotations

import ctypes
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import msgspec

from ringwall.model.errors import ConfigError
from ringwall.model.facts import RequestHead

TASK = "request.crs"
DEADLINE_S = 1.5
"""Seconds for one transaction; the first in a worker compiles the rules, in about a tenth of a second."""
LIBRARY = "libmodsecurity.so.3"
PACKAGES = ("libmodsecurity3", "modsecurity-crs")
MAX_RULE_IDS = 32
"""Ids of rules that an answer lists."""
PARANOIA_LEVELS = range(1, 5)
RULES = Path("/usr/share/modsecurity-crs/rules")
LIBRARY_FOLDERS = ("/usr/lib", "/usr/local/lib", "/lib")
_HANDLED = "REQUEST-*.conf"
"""What judges requests. What judges answers is left out: no answer is ever handed over."""
_SETUP = """
SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess Off
SecAuditEngine Off
SecDefaultAction "phase:1,log,auditlog,pass"
SecDefaultAction "phase:2,log,auditlog,pass"
SecAction "id:900000,phase:1,nolog,pass,t:none,setvar:tx.paranoia_level={paranoia}"
SecAction "id:900110,phase:1,nolog,pass,t:none,setvar:tx.inbound_anomaly_score_threshold={score}"
SecAction "id:900200,phase:1,nolog,pass,t:none,setvar:'tx.allowed_methods=GET HEAD POST OPTIONS DELETE'"
SecAction "id:900990,phase:1,nolog,pass,t:none,setvar:tx.crs_setup_version=330"
"""
_LEFT_OUT = "SecRuleRemoveById 920350"
"""A host given as an address is how gateways on a network of one's own are reached, and says nothing."""
_NUMBERED = re.compile(rb'\[id "(\d{1,9})"\]')


@dataclass(frozen=True, slots=True)
class Profile:
    """How CRS judges.

    Attributes:
        paranoia: Its paranoia level, 1 to 4; higher knows more and errs more.
        score: The anomaly score from which it refuses.
        digest: SHA-256 over the rule files and their lists, as they were when the configuration was taken.
    """

    paranoia: int
    score: int
    digest: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What CRS said.

    Attributes:
        refused: Whether the request is to be refused.
        rules: Ids of the rules that found something, for the operator.
    """

    refused: bool
    rules: tuple[int, ...] = ()


class _Question(msgspec.Struct, array_like=True, frozen=True):
    paranoia: int
    score: int
    digest: str
    method: str
    uri: bytes
    headers: tuple[tuple[bytes, bytes], ...]


def make_profile(
    paranoia: int, score: int, *, rules: Path = RULES, folders: tuple[str, ...] = LIBRARY_FOLDERS
) -> Profile:
    """The profile, where it can run.

    Args:
        paranoia: The paranoia level.
        score: The anomaly score from which it refuses.
        rules: Where the rule files are.
        folders: Where libraries are.

    Raises:
        ConfigError: A package is not installed, or there is no such level.
    """
    if paranoia not in PARANOIA_LEVELS:
        raise ConfigError(f'crs_paranoia: there is no level "{paranoia}"', hint="1, 2, 3 or 4")
    has_library = any(
        next(Path(folder).glob(pattern), None) for folder in folders for pattern in (LIBRARY, f"*/{LIBRARY}")
    )
    there = (has_library, any(rules.glob(_HANDLED)))
    missing = [name for name, is_there in zip(PACKAGES, there, strict=True) if not is_there]
    if missing:
        hint = f"on Debian: apt-get install {' '.join(PACKAGES)}"
        raise ConfigError(f"crs: OWASP CRS cannot run, not installed: {', '.join(missing)}", hint=hint)
    total = hashlib.sha256()
    try:
        for file in sorted(rules.iterdir()):
            total.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    except OSError as error:
        raise ConfigError(f"crs: the rules cannot be read: {error.strerror}") from error
    return Profile(paranoia, score, total.hexdigest())


def encode(profile: Profile, head: RequestHead) -> bytes:
    """A head as the task's payload."""
    path = quote_from_bytes(head.path.encode("utf-8", "surrogateescape"), safe="/:@!$&'()*+,;=-._~")
    query = _bytes(head.query).replace(b"\0", b"%00")
    question = _Question(
        paranoia=profile.paranoia,
        score=profile.score,
        digest=profile.digest,
        method=head.method,
        uri=path.encode() + (b"?" + query if query else b""),
        headers=tuple([(_bytes(name), _bytes(value)) for name, value in head.headers]),
    )
    return msgspec.msgpack.encode(question)


def decode(answer: bytes) -> Answer:
    """What the task answered.

    Raises:
        msgspec.DecodeError: It is no answer; a control lets it pass, and that is Deny.
    """
    return msgspec.msgpack.decode(answer, type=Answer)


def examine(payload: bytes) -> bytes:
    """The task: one transaction. Runs in a worker process.

    Raises:
        msgspec.DecodeError: The payload is none.
        OSError: The library is not there.
        RuntimeError: The library failed.
    """
    question = msgspec.msgpack.decode(payload, type=_Question)
    engine = _engine(question.paranoia, question.score, question.digest)
    return msgspec.msgpack.encode(engine.ask(question))


def _bytes(text: str) -> bytes:
    return text.encode("latin-1", "replace")


class _Intervention(ctypes.Structure):
    _fields_ = (
        ("status", ctypes.c_int),
        ("pause", ctypes.c_int),
        ("url", ctypes.c_void_p),
        ("log", ctypes.c_void_p),
        ("disruptive", ctypes.c_int),
    )


@dataclass(slots=True)
class _Engine:
    """The library with its compiled rules. Never freed: it lives as long as its worker."""

    library: Any
    handle: int
    rules: int
    keep: object
    """The log's callback: the library holds no reference that Python can see."""
    logged: list[bytes] = field(default_factory=list)

    def ask(self, question: _Question) -> Answer:
        """One transaction over one head."""
        self.logged.clear()
        library = self.library
        transaction = library.msc_new_transaction(self.handle, self.rules, None)
        if not transaction:
            raise RuntimeError("libmodsecurity makes no transaction")
        try:
            library.msc_process_connection(transaction, b"127.0.0.1", 0, b"127.0.0.1", 0)
            library.msc_process_uri(transaction, question.uri, question.method.encode("ascii", "replace"), b"1.1")
            for name, value in question.headers:
                library.msc_add_n_request_header(transaction, name, len(name), value, len(value))
            library.msc_process_request_headers(transaction)
            refused = self._intervened(transaction)
            if not refused:
                library.msc_process_request_body(transaction)
                refused = self._intervened(transaction)
        finally:
            library.msc_transaction_cleanup(transaction)
        found = {int(number) for line in self.logged for number in _NUMBERED.findall(line)}
        return Answer(refused, tuple(sorted(found)[:MAX_RULE_IDS]))

    def _intervened(self, transaction: int) -> bool:
        told = _Intervention(status=200)
        self.library.msc_intervention(transaction, ctypes.byref(told))
        for text in (told.url, told.log):
            if text:
                _libc().free(text)
        return bool(told.disruptive)


@lru_cache(maxsize=1)
def _libc() -> Any:
    libc = ctypes.CDLL(None)
    libc.free.argtypes = [ctypes.c_void_p]
    libc.free.restype = None
    return libc


@lru_cache(maxsize=4)
def _engine(paranoia: int, score: int, digest: str) -> _Engine:
    """The compiled rules of a profile; the digest only keys what is kept."""
    library = _load()
    handle = library.msc_init()
    rules = library.msc_create_rules_set()
    if not handle or not rules:
        raise RuntimeError("libmodsecurity does not start")
    logged: list[bytes] = []
    log: Callable[..., Any] = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p)

    def note(context: int, message: bytes | None) -> None:
        if message is not None and len(logged) < MAX_RULE_IDS:
            logged.append(message)

    keep = log(note)
    library.msc_set_log_cb(handle, keep)
    engine = _Engine(library, handle, rules, keep, logged)
    problem = ctypes.c_char_p()
    setup = _SETUP.format(paranoia=paranoia, score=score).encode()
    if library.msc_rules_add(rules, setup, ctypes.byref(problem)) < 0:
        raise RuntimeError(f"libmodsecurity refuses its settings: {problem.value!r}")
    for file in sorted(RULES.glob(_HANDLED)):
        if library.msc_rules_add_file(rules, str(file).encode(), ctypes.byref(problem)) < 0:
            raise RuntimeError(f"libmodsecurity refuses {file.name}: {problem.value!r}")
    if library.msc_rules_add(rules, _LEFT_OUT.encode(), ctypes.byref(problem)) < 0:
        raise RuntimeError(f"libmodsecurity refuses its settings: {problem.value!r}")
    return engine


def _load() -> Any:
    """The library, with its functions typed."""
    library = ctypes.CDLL(LIBRARY)
    pointer, text, number, size = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t
    problem = ctypes.POINTER(ctypes.c_char_p)
    for name, result, arguments in (
        ("msc_init", pointer, []),
        ("msc_set_log_cb", None, [pointer, pointer]),
        ("msc_create_rules_set", pointer, []),
        ("msc_rules_add", number, [pointer, text, problem]),
        ("msc_rules_add_file", number, [pointer, text, problem]),
        ("msc_new_transaction", pointer, [pointer, pointer, pointer]),
        ("msc_process_connection", number, [pointer, text, number, text, number]),
        ("msc_process_uri", number, [pointer, text, text, text]),
        ("msc_add_n_request_header", number, [pointer, text, size, text, size]),
        ("msc_process_request_headers", number, [pointer]),
        ("msc_process_request_body", number, [pointer]),
        ("msc_intervention", number, [pointer, ctypes.POINTER(_Intervention)]),
        ("msc_transaction_cleanup", None, [pointer]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library

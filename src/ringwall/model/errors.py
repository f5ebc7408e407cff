"""Whose fault was it? Three families of errors, each with a public message, a private detail and a status hint.

* `CallerError`: the request is at fault; the caller can mend it.
* `UpstreamError`: the provider is at fault; trying again may help.
* `InternalError`: Ringwall is at fault, or something that it depends on; it refuses rather than guess.

The public message never holds content, credentials, addresses of upstreams or stack traces.
"""

from __future__ import annotations


class RingwallError(Exception):
    """The base of the three families.

    Attributes:
        public: What the caller may read.
        detail: What the operator reads besides; never content or secrets.
        status: HTTP status hint.
        code: Machine code, snake_case.
        param: The field at fault, as the caller wrote it, or None.
    """

    default_status = 500

    def __init__(
        self, public: str, *, code: str, detail: str = "", status: int | None = None, param: str | None = None
    ) -> None:
        super().__init__(public)
        self.public = public
        self.code = code
        self.detail = detail
        self.status = self.default_status if status is None else status
        self.param = param


class CallerError(RingwallError):
    """The request is at fault."""

    default_status = 400


class UpstreamError(RingwallError):
    """The provider is at fault.

    Attributes:
        undone: True when it is certain that nothing was done there: not reached, or turned away.
        retry_after_s: Seconds after which the provider wants to be asked again, if it said so.
    """

    default_status = 502

    def __init__(
        self,
        public: str,
        *,
        code: str,
        detail: str = "",
        status: int | None = None,
        param: str | None = None,
        undone: bool = False,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(public, code=code, detail=detail, status=status, param=param)
        self.undone = undone
        self.retry_after_s = retry_after_s


class InternalError(RingwallError):
    """Ringwall is at fault, or something that it depends on."""

    default_status = 503


class ConfigError(RingwallError):
    """A configuration that cannot be taken; names file and line."""

    default_status = 500

    def __init__(self, problem: str, *, file: str = "", line: int | None = None, hint: str = "") -> None:
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{where}{problem}{f' ({hint})' if hint else ''}", code="config")
        self.problem = problem
        self.file = file
        self.line = line
        self.hint = hint

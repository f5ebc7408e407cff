"""How is a refusal or a failure told to a client of AWS? As an exception that it knows by name.

* The name stands in the header `x-amzn-errortype`, the words in `message`; what is more stands under `ringwall`, which
  stock clients ignore. Status and name belong together as in AWS's own model.
* Content that was refused is no `guardrail_intervened`: that word is for guardrails. It is AccessDeniedException.
* In the middle of a stream only the exceptions of the stream's own model exist; a refusal is then a
  validationException, which no client tries again by itself.
"""

from __future__ import annotations

import msgspec

from ringwall.dataplane.wire.door import Header, Said
from ringwall.dataplane.wire.eventstream import encode_exception
from ringwall.model.verdict import DenyKind

_ENCODER = msgspec.json.Encoder()
_STATUS = {
    "ConflictException": 400,
    "ResourceInUseException": 400,
    "ServiceQuotaExceededException": 400,
    "TooManyTagsException": 400,
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "InternalServerException": 500,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "ModelErrorException": 424,
    "ModelTimeoutException": 408,
    "RequestTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "UnrecognizedClientException": 403,
    "ValidationException": 400,
}
_BY_STATUS = {
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "RequestTimeoutException",
    429: "ThrottlingException",
    500: "InternalServerException",
    502: "ModelErrorException",
    503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}
_BY_CODE = {
    "conflict": "ConflictException",
    "guardrail_in_use": "ResourceInUseException",
    "quota_exceeded": "ServiceQuotaExceededException",
    "too_many_tags": "TooManyTagsException",
}
"""What a request to administer was refused for, where no status says it."""
_BY_PROBLEM = {
    "missing": "MissingAuthenticationTokenException",
    "expired": "ExpiredTokenException",
    "clock_skew": "InvalidSignatureException",
    "presigned": "InvalidSignatureException",
    "unsigned_header": "InvalidSignatureException",
    "unsigned_payload": "InvalidSignatureException",
    "wrong_scope": "InvalidSignatureException",
}
"""What was wrong with a credential, where it is not simply unknown."""
_IN_STREAM = {
    "InternalServerException": "internalServerException",
    "ModelErrorException": "modelStreamErrorException",
    "ModelTimeoutException": "modelStreamErrorException",
    "ServiceUnavailableException": "serviceUnavailableException",
    "ThrottlingException": "throttlingException",
}


def exception_of(said: Said) -> str:
    """The name of the exception."""
    if said.kind is DenyKind.UNAUTHENTICATED:
        return _BY_PROBLEM.get(said.code, "UnrecognizedClientException")
    if said.kind is None and said.code in _BY_CODE:
        return _BY_CODE[said.code]
    default = "ValidationException" if said.status < 500 else "InternalServerException"
    return _BY_STATUS.get(said.status, default)


def render_error(said: Said) -> tuple[int, bytes, list[Header]]:
    """An exception instead of an answer: status, body, header."""
    name = exception_of(said)
    return _STATUS[name], _body(said), [(b"x-amzn-errortype", name.encode())]


def render_error_event(said: Said) -> bytes:
    """An exception in the middle of a stream, which it ends."""
    return encode_exception(_IN_STREAM.get(exception_of(said), "validationException"), _body(said))


def _body(said: Said) -> bytes:
    ours = {"code": said.code, "param": said.param, "control": said.control, "checkpoint": said.checkpoint}
    told = {key: value for key, value in {**ours, "record": said.record}.items() if value}
    return _ENCODER.encode({"message": said.message, "ringwall": told})

"""Is this request signed as it says, with this secret? AWS Signature Version 4, verified; pure functions.

The procedure is AWS's ("Create a signed AWS API request"), for every service but S3: the path is encoded once more.

* Read strictly: what a client may write in two ways is refused rather than understood. No session tokens, no presigned
  addresses, no unsigned or streamed payloads, no header twice, no dot segments.
* The hash of the body is always computed over the body that was read; what a header says of it must agree.
* `host`, `x-amz-date` and every `x-amz-*` and `x-amzn-bedrock-*` header of the request must be signed.
* A signature is good for five minutes around its time, for service `bedrock` in whatever region it names.
* Signatures are compared in constant time. Nothing here remembers a signature: within its five minutes it can be sent
  again, byte for byte, by whoever saw it; off loopback TLS sees to it that nobody does.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from ringwall.dataplane.gateway.http import Request

SCHEME = "AWS4-HMAC-SHA256"
SERVICE = "bedrock"
WINDOW_S = 300
"""How far the time of a signature may be from ours, in seconds."""
MAX_SIGNED_HEADERS = 64

_AUTHORIZATION = re.compile(
    rf"{SCHEME} +Credential=([A-Z0-9]{{16,32}})/([0-9]{{8}})/([a-z0-9-]{{1,32}})/([a-z0-9-]{{1,32}})/aws4_request, *"
    r"SignedHeaders=([a-z0-9;_-]{1,4096}), *Signature=([0-9a-f]{64})"
)
_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[^/]+)+/?|/")
_QUERY = re.compile(r"(?:[A-Za-z0-9_.~=&-]|%[0-9A-F]{2})*")
_MUST_BE_SIGNED = ("x-amz-", "x-amzn-bedrock-")
_BLANKS = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request says of its own signature; nothing of it is verified yet.

    Attributes:
        access_key_id: Whose key.
        date: Day of the credential's scope.
        region: Region of the scope.
        time: `x-amz-date`.
        headers: Names of the signed headers.
        signature: 64 hexadecimal digits.
    """

    access_key_id: str
    date: str
    region: str
    time: str
    headers: tuple[str, ...]
    signature: str


class SignatureRefusedError(Exception):
    """A signature that is not taken; `code` says why, for operators and for the control that judges it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def is_signed(request: Request) -> bool:
    """True when a request presents a signature of AWS's, of whatever version, in a header or in its address."""
    scheme = request.headers.get("authorization", "").lstrip()[:5].upper()
    return scheme.startswith("AWS4-") or _is_presigned(request)


def read_claim(request: Request) -> Signed:
    """What a request says of its own signature.

    1. One signature, in its header, of the one algorithm.
    2. Its scope: this service, the day of its time.
    3. What it covers: the host, the time, and every header that steers.

    Raises:
        SignatureRefusedError: It cannot be read in one way only, or is of a kind that is not taken.
    """
    headers = request.headers
    if _is_presigned(request):  # 1
        raise SignatureRefusedError("presigned")
    if "authorization" in request.repeated or any(name in headers for name in ("x-api-key", "api-key")):
        raise SignatureRefusedError("malformed")
    if "x-amz-security-token" in headers:
        raise SignatureRefusedError("session_token")
    match = _AUTHORIZATION.fullmatch(headers["authorization"])
    if match is None:
        raise SignatureRefusedError("malformed")
    access_key_id, date, region, service, names, signature = match.groups()
    if service != SERVICE:  # 2
        raise SignatureRefusedError("wrong_scope")
    time = headers.get("x-amz-date", "")
    if not _DATE.fullmatch(time) or not time.startswith(date):
        raise SignatureRefusedError("wrong_scope")
    signed = tuple(names.split(";"))  # 3
    if len(signed) > MAX_SIGNED_HEADERS or list(signed) != sorted(set(signed)) or "" in signed:
        raise SignatureRefusedError("malformed")
    steering = {name for name in headers if name.startswith(_MUST_BE_SIGNED)}
    if not ({"host", "x-amz-date"} | steering) <= set(signed) or not set(signed) <= headers.keys():
        raise SignatureRefusedError("unsigned_header")
    if set(signed) & request.repeated or not _HOST.fullmatch(headers["host"]):
        raise SignatureRefusedError("malformed")
    if not _PATH.fullmatch(request.path) or not _QUERY.fullmatch(request.query):
        raise SignatureRefusedError("malformed")
    return Signed(access_key_id, date, region, time, signed, signature)


def check_time(claim: Signed, now_s: float) -> None:
    """Whether a signature was made just now.

    Raises:
        SignatureRefusedError: It was not, or its time is none.
    """
    try:
        made = datetime.strptime(claim.time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise SignatureRefusedError("wrong_scope") from error
    if abs(made.timestamp() - now_s) > WINDOW_S:
        raise SignatureRefusedError("clock_skew")


def check_signature(claim: Signed, request: Request, body: bytes, secret: str) -> None:
    """Whether this secret made the signature over this request with this body.

    Raises:
        SignatureRefusedError: It did not.
    """
    digest = hashlib.sha256(body).hexdigest()
    said = request.headers.get("x-amz-content-sha256")
    if said is not None and not hmac.compare_digest(said.encode("latin-1"), digest.encode()):
        is_hash = re.fullmatch(r"[0-9a-f]{64}", said) is not None
        raise SignatureRefusedError("wrong_signature" if is_hash else "unsigned_payload")
    canonical = canonical_request(request.method, request.path, request.query, request.headers, claim.headers, digest)
    made = signature(secret, claim, canonical)
    if not hmac.compare_digest(made, claim.signature):
        raise SignatureRefusedError("wrong_signature")


def canonical_request(
    method: str, path: str, query: str, headers: Mapping[str, str], signed: tuple[str, ...], body_sha256: str
) -> bytes:
    """What is signed of a request.

    Args:
        method: In upper case.
        path: The path as it came, percent-encoded.
        query: The query as it came, percent-encoded.
        headers: Lower-case names to values, as they came.
        signed: The names of those that are signed, in order.
        body_sha256: Of the body.
    """
    pairs = sorted(tuple(pair.partition("=")[::2]) for pair in query.split("&")) if query else []
    lines = [
        method,
        quote(path.encode("latin-1"), safe="/~"),
        "&".join(f"{name}={value}" for name, value in pairs),
        *(f"{name}:{_BLANKS.sub(' ', headers[name]).strip(' ')}" for name in signed),
        "",
        ";".join(signed),
        body_sha256,
    ]
    return "\n".join(lines).encode()


def signature(secret: str, claim: Signed, canonical: bytes) -> str:
    """The signature that this secret makes, hexadecimal."""
    scope = f"{claim.date}/{claim.region}/{SERVICE}/aws4_request"
    key = f"AWS4{secret}".encode()
    for step in (claim.date, claim.region, SERVICE, "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    text = f"{SCHEME}\n{claim.time}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    return hmac.digest(key, text.encode(), "sha256").hex()


def _is_presigned(request: Request) -> bool:
    return "x-amz-" in request.query.lower()

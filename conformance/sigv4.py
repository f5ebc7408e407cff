"""A request signed as AWS clients sign it (Signature Version 4), with nothing but the standard library."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

REGION, SERVICE = "us-east-1", "bedrock"


def signed(url: str, body: bytes, key: str, secret: str) -> Mapping[str, str]:
    """The headers of a POST."""
    at = datetime.now(UTC)
    stamp, day = at.strftime("%Y%m%dT%H%M%SZ"), at.strftime("%Y%m%d")
    where = urlsplit(url)
    headers = {"content-type": "application/json", "host": where.netloc, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    canonical = "\n".join(
        [
            "POST",
            quote(where.path, safe="/"),
            where.query,
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{day}/{REGION}/{SERVICE}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    signing = b"AWS4" + secret.encode()
    for piece in (day, REGION, SERVICE, "aws4_request"):
        signing = hmac.digest(signing, piece.encode(), "sha256")
    signature = hmac.digest(signing, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}".encode(), "sha256").hex()
    claim = f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {"Content-Type": headers["content-type"], "X-Amz-Date": stamp, "Authorization": claim}

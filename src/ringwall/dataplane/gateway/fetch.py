"""How is a document fetched? Implements the port `Outbound` with the judged, pinned client of `outbound`.

No redirects, bounded in size and time; whatever goes wrong is one error, whose detail is for the operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from ringwall.dataplane.gateway.addresses import judge_literal
from ringwall.model.errors import InternalError


class HttpOutbound:
    """Implements `Outbound`: fetches documents."""

    def __init__(self, *, private: bool = False) -> None:
        """Say whether private addresses are declared for what it fetches."""
        self._private = private

    async def fetch(self, url: str, *, limit_bytes: int, timeout_s: float) -> bytes:
        """The body of a GET.

        Raises:
            InternalError: Not allowed, unreachable, too large, late, or not status 200.
        """
        return await self._exchange("GET", url, None, limit_bytes=limit_bytes, timeout_s=timeout_s)

    async def post_form(self, url: str, form: Mapping[str, str], *, limit_bytes: int, timeout_s: float) -> bytes:
        """The body of the answer to a posted form.

        Raises:
            InternalError: As for `fetch`.
        """
        return await self._exchange("POST", url, form, limit_bytes=limit_bytes, timeout_s=timeout_s)

    async def _exchange(
        self, method: str, url: str, form: Mapping[str, str] | None, *, limit_bytes: int, timeout_s: float
    ) -> bytes:
        import aiohttp  # lazily: it takes a while to import, and most gateways fetch nothing at start

        from ringwall.dataplane.gateway.outbound import open_client

        if urlsplit(url).scheme not in ("https", "http"):
            raise _unfetched("not an HTTP URL")
        private = self._private
        try:
            judge_literal(url, private=private)
            client = open_client(private=private, limit=1, connect_s=timeout_s, read_s=timeout_s, total_s=timeout_s)
            async with client, client.request(method, url, data=form, allow_redirects=False) as response:
                body = bytearray()
                async for piece in response.content.iter_chunked(limit_bytes + 1):
                    body += piece
                    if len(body) > limit_bytes:
                        raise _unfetched("too large")
                if response.status != 200:
                    raise _unfetched(f"status {response.status}")
                return bytes(body)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise _unfetched(type(error).__name__) from error


def _unfetched(detail: str) -> InternalError:
    return InternalError("a document cannot be fetched", code="outbound", detail=detail)

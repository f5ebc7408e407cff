"""Is the process alive, and may requests be sent to it? `/healthz` and `/readyz` on the administration port."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


def routes(problem: Callable[[], str]) -> list[Route]:
    """The two routes.

    Args:
        problem: Why requests should not be sent here now; empty when they may.
    """

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(_: Request) -> Response:
        why = problem()
        return JSONResponse({"status": "not ready", "why": why} if why else {"status": "ready"}, 503 if why else 200)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]

"""What operations look at: is it up, how is it doing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from voice_agent.api.metrics import CallMetrics


def health_router(
    state: Callable[[], Awaitable[tuple[bool, str]]], metrics: CallMetrics, process: str = ""
) -> APIRouter:
    """``GET /healthz`` and ``GET /metrics``. ``state()`` tells (ready, why); ``process`` names this process
    among others, so that whoever asks knows which of them answers at this address."""
    router = APIRouter(tags=["Operations"])

    @router.get("/healthz", responses={503: {"description": "Not ready, or going down."}})
    async def healthz() -> JSONResponse:
        """200 once calls are taken, 503 with the reason before, after, and while the database is away."""
        ready, why = await state()
        told = {"status": "ok" if ready else "unavailable", "detail": why, "process": process}
        return JSONResponse(told, 200 if ready else 503)

    @router.get("/metrics", response_class=Response)
    async def prometheus() -> Response:
        """Prometheus text format."""
        metrics.refresh()
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return router

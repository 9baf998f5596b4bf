"""What this installation answers for: its line, its services and their graphs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from pydantic import BaseModel

from voice_agent.practice.service import Service, Services
from voice_agent.reasoning.drawing import draw_graph


class LineInfo(BaseModel):
    """How to ring: the softphone's address ("" on the public network) and the numbers (E.164)."""

    phone_url: str
    numbers: list[str]


class ServiceInfo(BaseModel):
    """One service."""

    id: str
    name: str
    channel_type: str
    phone_numbers: list[str]
    is_default: bool


def services_router(services: Services, phone_url: str) -> APIRouter:
    """``/api/line``, ``/api/services`` and the drawing of a service's graph."""
    router = APIRouter(prefix="/api", tags=["Services"])

    @router.get("/line")
    async def line() -> LineInfo:
        """How to ring the practice from here."""
        return LineInfo(phone_url=phone_url, numbers=list(services.numbers))

    @router.get("/services")
    async def listing() -> list[ServiceInfo]:
        """All services."""
        return [_info(service, services) for service in services.services]

    @router.get("/services/{service_id}/graph.svg", responses={404: {"description": "No such service."}})
    async def graph(
        service_id: str,
        state: Annotated[str, Query(max_length=200)] = "",
        visited: Annotated[str, Query(max_length=5000)] = "",
    ) -> Response:
        """The context graph as a picture; ``state`` and ``visited`` (comma-separated) are highlighted."""
        service = next((s for s in services.services if s.service_id == service_id), None)
        if service is None:
            raise HTTPException(404, f"there is no service {service_id!r}")
        seen = [name for name in visited.split(",") if name]
        svg = draw_graph(service.graph, current=state or None, visited=seen)
        return Response(svg, media_type="image/svg+xml", headers={"Cache-Control": "max-age=60"})

    return router


def _info(service: Service, services: Services) -> ServiceInfo:
    return ServiceInfo(
        id=service.service_id,
        name=service.settings.name,
        channel_type=service.settings.channel_type,
        phone_numbers=list(service.settings.phone_numbers),
        is_default=service is services.default,
    )

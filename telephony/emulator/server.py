"""The emulator's HTTP port: the REST API, the control API and the softphone socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from .control import ControlApi
from .rest import RestRequest, query_fields
from .softphone import Softphone

if TYPE_CHECKING:
    from .emulator import Emulator

FORM_TYPE = "application/x-www-form-urlencoded"
WRONG_CONTENT_TYPE = 20001
MAX_BODY = 32 << 20


class HttpServer:
    """Serves one emulator on one port."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._app = web.Application(client_max_size=MAX_BODY)
        self._app.router.add_route("*", "/2010-04-01/{rest:.*}", self._rest)
        ControlApi(emulator).add_to(self._app)
        Softphone(emulator).add_to(self._app)
        self._runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=1.0)
        self.base_url = ""

    async def start(self, host: str, port: int) -> None:
        """Listen; raises OSError when the port is taken."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound_host, bound_port = self._runner.addresses[0][:2]
        self.base_url = f"http://{bound_host}:{bound_port}"

    async def stop(self) -> None:
        """Close all connections."""
        await self._runner.cleanup()

    async def _rest(self, request: web.Request) -> web.Response:
        form: list[tuple[str, str]] = []
        if request.method == "POST":
            if request.content_type == FORM_TYPE:
                form = query_fields((await request.read()).decode())
            elif request.can_read_body:
                self._emulator.log.violate(
                    WRONG_CONTENT_TYPE, f"REST body has content type {request.content_type}, not {FORM_TYPE}"
                )
        reply = self._emulator.rest(
            RestRequest(
                request.method,
                request.path,
                query_fields(request.query_string),
                form,
                request.headers.get("Authorization", ""),
            )
        )
        return web.Response(
            status=reply.status,
            body=reply.encoded(),
            content_type=reply.media_type or "application/json",
            headers=reply.headers,
        )

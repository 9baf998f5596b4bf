"""One port for everything: HTTP through FastAPI, media sockets straight to their endpoint.

Signals are ours, not uvicorn's: on SIGTERM new calls are refused while the live ones finish, and only then
does the server close.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from voice_agent.api.reading_ahead import ReadingAhead

Application = Callable[[Any, Any, Any], Awaitable[None]]
"""An ASGI application: (scope, receive, send)."""

MEDIA_PREFIX = "/twilio/media/"
CLOSE_TIMEOUT_S = 5


class Dispatcher:
    """Sends media sockets to ``media`` and everything else to ``http``: no routing table on the call path."""

    def __init__(self, http: Application, media: Application) -> None:
        self._http = http
        self._media = media

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI entry."""
        is_media = scope["type"] == "websocket" and scope["path"].startswith(MEDIA_PREFIX)
        await (self._media if is_media else self._http)(scope, receive, send)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """A uvicorn server on a socket that is bound before it starts, so that the address is known."""

    def __init__(self, host: str, port: int) -> None:
        """Bind. Raises :class:`OSError` when the address is taken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def base_url(self) -> str:
        """Where this process is reached on its own machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)
        return f"http://{host}:{self.port}"

    async def start(self, app: Application) -> None:
        """Serve ``app``; returns when requests are answered."""
        config = uvicorn.Config(
            app,
            ws=ReadingAhead,
            ws_max_size=64 * 1024,
            ws_per_message_deflate=False,
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=CLOSE_TIMEOUT_S,
        )
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="http-server")
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait({listening, self._task}, return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            listening.cancel()
            await self._task
            raise OSError("the HTTP server ended before it listened")

    async def stop(self) -> None:
        """Close every connection, bounded. Idempotent."""
        task, self._task = self._task, None
        if self._server is not None and task is not None:
            self._server.should_exit = True
            await asyncio.wait({task}, timeout=CLOSE_TIMEOUT_S + 2)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._socket.close()

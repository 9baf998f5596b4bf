"""A database that does not answer is the server's trouble, and passes: 503, so that clients try again."""

from __future__ import annotations

from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

RETRY_AFTER_S: Final = 5

log = structlog.get_logger(__name__)


def add_database_handler(app: FastAPI) -> None:
    """Let ``app`` answer requests that need the database while it is away."""

    async def away(request: Request, error: Exception) -> JSONResponse:
        log.warning("request_without_database", path=request.url.path, error=type(error).__name__)
        return JSONResponse(
            {"detail": "the database does not answer; calls go on, try again in a few seconds"},
            503,
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )

    for kind in (OperationalError, InterfaceError, PoolTimeout):
        app.add_exception_handler(kind, away)

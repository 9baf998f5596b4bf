"""Errors as the published interface tells them: ``{"detail": ...}``.

A request that cannot be understood is answered with what is wrong where, and never with the value itself:
that may be a secret, or what a patient said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from voice_agent.api.database_away import add_database_handler
from voice_agent.operators.ports import CallUnreachable, NoSuchCall, OperatorBusy, OperatorError
from voice_agent.operators.roster import EmailTaken, NoSuchOperator


class ValidationError(BaseModel):
    """One thing that is wrong with a request."""

    loc: list[str | int]
    msg: str
    type: str


class HTTPValidationError(BaseModel):
    """What is wrong with a request (published)."""

    detail: list[ValidationError]


class Unusable(Exception):
    """A value that the interface understands and the practice cannot use: answered like a wrong one."""

    def __init__(self, message: str, *loc: str | int) -> None:
        super().__init__(message)
        self.loc = list(loc)


STATUS = {
    NoSuchCall: 404,
    NoSuchOperator: 404,
    OperatorBusy: 409,
    CallUnreachable: 503,
}
"""How the errors of operators and live calls are answered; others are the request's fault."""


def add_problem_handlers(app: FastAPI) -> None:
    """Let ``app`` answer every expected error in the published form."""

    add_database_handler(app)

    @app.exception_handler(RequestValidationError)
    async def unreadable(_request: Request, error: RequestValidationError) -> JSONResponse:
        return _unprocessable(error.errors())

    @app.exception_handler(Unusable)
    async def unusable(_request: Request, error: Unusable) -> JSONResponse:
        return _unprocessable([{"loc": error.loc, "msg": str(error), "type": "value_error"}])

    @app.exception_handler(OperatorError)
    async def refused(_request: Request, error: OperatorError) -> JSONResponse:
        if isinstance(error, EmailTaken):
            return _unprocessable([{"loc": ["body", "email"], "msg": str(error), "type": "value_error"}])
        status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 400)
        return JSONResponse({"detail": str(error)}, status)

    @app.exception_handler(HTTPException)
    async def known(_request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)


def _unprocessable(errors: Sequence[Any]) -> JSONResponse:
    detail = [
        ValidationError(
            loc=[part if isinstance(part, int) else _printable(str(part)) for part in error["loc"]],
            msg=_printable(str(error["msg"])),
            type=str(error["type"]),
        )
        for error in errors
    ]
    return JSONResponse(HTTPValidationError(detail=detail).model_dump(), 422)


def _printable(text: str) -> str:
    return text[:500].encode("utf-8", "replace").decode()

"""Who sits at the console: the operator behind the browser's session, or the way to the log-in page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from fastapi import HTTPException, Request

from voice_agent.access.guard import Guard
from voice_agent.web.console import Desk

LOG_IN = "/login?next=/console"


def desk_of(guard: Guard) -> Callable[[Request], Awaitable[Desk]]:
    """A dependency that gives the :class:`Desk`, or redirects whoever is no operator in a browser."""

    async def desk(request: Request) -> Desk:
        principal = await guard.principal_if_any(request)
        if principal is None or principal.operator_id is None or principal.csrf_token is None:
            raise HTTPException(HTTPStatus.SEE_OTHER, headers={"Location": LOG_IN})
        return Desk(
            str(principal.workspace_id), str(principal.operator_id), principal.name, principal.csrf_token
        )

    return desk

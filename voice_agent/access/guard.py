"""The one door of every protected route: ``Depends(guard.authorize(permission))``.

A bearer key or a session cookie says who asks; the role says what they may do; the path says in which
workspace. A request that changes something and is vouched for by a cookie must also repeat the session's
token, because browsers send cookies along by themselves.

Answers: 401 for nobody, 403 for somebody who may not, 429 with ``Retry-After`` for too often.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import HTTPException, Request

from voice_agent.access.authenticator import Authenticator
from voice_agent.access.cookies import Cookies
from voice_agent.access.credentials import same
from voice_agent.access.errors import TooMany
from voice_agent.access.limits import Rate, RateLimits
from voice_agent.access.principal import Principal
from voice_agent.access.roles import Permission

CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

Authorize = Callable[[Request], Awaitable[Principal]]


def client_ip(request: Request) -> str:
    """The client's address, as the server or a trusted proxy tells it."""
    return request.client.host if request.client else ""


class Guard:
    """Makes dependencies that let the right people in."""

    def __init__(self, authenticator: Authenticator, limits: RateLimits, cookies: Cookies) -> None:
        self.authenticator = authenticator
        self.cookies = cookies
        self._limits = limits

    def authorize(self, permission: Permission, *, rate: Rate = Rate.API) -> Authorize:
        """A dependency that gives the :class:`Principal`, or refuses the request."""

        async def dependency(request: Request) -> Principal:
            principal = await self.principal(request)
            if not _in_workspace(request, principal.workspace_id) or not principal.may(permission):
                raise HTTPException(403, f"{permission} is not among your permissions in this workspace")
            await self.limit(rate, str(principal.id))
            return principal

        return dependency

    async def principal(self, request: Request) -> Principal:
        """Who asks.

        Raises:
            HTTPException: 401 for nobody; 403 when a cookie vouches for a change and the token is missing.
        """
        principal = await self.principal_if_any(request)
        if principal is None:
            raise HTTPException(
                401, "missing or invalid API key", headers={"WWW-Authenticate": 'Bearer realm="voice-agent"'}
            )
        return principal

    async def principal_if_any(self, request: Request) -> Principal | None:
        """Who asks, or None for nobody. A wrong key is not made good by a cookie."""
        authorization = request.headers.get("authorization")
        if authorization is not None:
            return await self._by_key(request, authorization)
        secret = self.cookies.read(request)
        principal = await self.authenticator.by_session(secret) if secret else None
        if principal is not None and request.method not in SAFE_METHODS:
            given = request.headers.get(CSRF_HEADER, "")
            if not same(given, principal.csrf_token or ""):
                raise HTTPException(403, f"a change from a browser must carry its session's {CSRF_HEADER}")
        return principal

    async def limit(self, rate: Rate, who: str) -> None:
        """Count a request; 429 when it is one too many."""
        try:
            await self._limits.hit(rate, who)
        except TooMany as error:
            raise too_many(error) from error

    async def _by_key(self, request: Request, authorization: str) -> Principal | None:
        scheme, _, secret = authorization.partition(" ")
        address = client_ip(request)
        try:
            await self._limits.check(Rate.REFUSED, address)
            principal = None
            if scheme.lower() == "bearer":
                principal = await self.authenticator.by_key(secret.strip())
            if principal is None:
                await self._limits.hit(Rate.REFUSED, address)
        except TooMany as error:
            raise too_many(error) from error
        return principal


def too_many(error: TooMany) -> HTTPException:
    """The refusal over HTTP (RFC 6585, section 4)."""
    return HTTPException(429, str(error), headers={"Retry-After": str(error.retry_after_s)})


def _in_workspace(request: Request, workspace_id: UUID) -> bool:
    named = request.path_params.get("workspace_id")
    if named is None:
        return True
    try:
        return UUID(str(named)) == workspace_id
    except ValueError:
        return True  # not an id at all: the route says so, with the published 422

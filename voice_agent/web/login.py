"""Logging in and out: with an API key, or with an operator's address and password.

Plain forms, no script. The form itself carries a token that must match a cookie, so that nobody can be
logged in from another site as somebody else; logging in begins a new session, whatever the browser had.
"""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import RedirectResponse, Response

from voice_agent.access.audit import AuditAction, AuditEntry, AuditLog
from voice_agent.access.authenticator import LogIn
from voice_agent.access.credentials import digest, same
from voice_agent.access.guard import Guard, client_ip
from voice_agent.access.limits import Rate
from voice_agent.access.principal import Actor, ActorKind
from voice_agent.web.pages import Site
from voice_agent.web.shell import Shell

FORM_COOKIE = "form"
"""Of the token that a login form must repeat."""

Field = Annotated[str, Form(max_length=300)]
NextPath = Annotated[str, Query(alias="next", max_length=500)]

REFUSED = "That key, or that address and password, is not known. Check it and try again."
UNSAFE = (
    "Logging in needs https, or a browser on this machine: over plain http anybody on the way could read the "
    "cookie."
)
STALE = "The form was open for too long, or came from elsewhere. Try again."


def login_router(site: Site, guard: Guard, audit: AuditLog, *, home: str = "/") -> APIRouter:
    """``/login`` and ``/logout``. ``home`` is where one arrives without a wish (``?next=``)."""
    router = APIRouter(include_in_schema=False)
    shell = Shell(site, site.phone_url)
    authenticator, cookies = guard.authenticator, guard.cookies

    def form(
        request: Request, wish: str, *, problem: str = "", status: int = 200, retry_after: str = ""
    ) -> Response:
        token = cookies.read(request, FORM_COOKIE) or secrets.token_urlsafe(32)
        safe = cookies.may_log_in(request)
        response = shell.page(
            "login.html",
            status,
            here="login",
            form_token=token,
            wish=wish,
            problem=problem if safe else UNSAFE,
            open=safe,
            who=None,
            csrf_token="",
        )
        response.headers["Cache-Control"] = "no-store"
        if retry_after:
            response.headers["Retry-After"] = retry_after
        if safe:
            cookies.write(request, response, token, name=FORM_COOKIE, same_site="strict")
        return response

    @router.get("/login")
    async def show(request: Request, wish: NextPath = "") -> Response:
        """The form; or who is logged in, and how to change that."""
        secret = cookies.read(request)
        principal = await authenticator.by_session(secret) if secret else None
        if principal is None:
            return form(request, own_path(wish, home))
        response = shell.page(
            "login.html",
            here="login",
            form_token="",
            wish=own_path(wish, home),
            problem="",
            open=True,
            who=principal,
            csrf_token=principal.csrf_token,
        )
        response.headers["Cache-Control"] = "no-store"
        return response

    @router.post("/login")
    async def log_in(
        request: Request,
        api_key: Field = "",
        email: Field = "",
        password: Field = "",
        form_token: Field = "",
        wish: Annotated[str, Form(alias="next", max_length=500)] = "",
    ) -> Response:
        """Let somebody in, and send them where they wanted to go."""
        path = own_path(wish, home)
        if not cookies.may_log_in(request):
            return form(request, path, status=403)
        if not same(form_token, cookies.read(request, FORM_COOKIE) or secrets.token_hex()):
            return form(request, path, problem=STALE, status=403)
        address = client_ip(request)
        try:
            await guard.limit(Rate.LOGIN, address)
            if email:
                await guard.limit(Rate.LOGIN, f"account {digest(email.strip().casefold())}")
        except HTTPException as error:
            wait = (error.headers or {}).get("Retry-After", "60")
            problem = f"Too many attempts. Try again in {wait} seconds."
            return form(request, path, problem=problem, status=429, retry_after=wait)
        method = "api_key" if api_key else "password"
        entered = await _let_in(guard, api_key.strip(), email.strip(), password, cookies.read(request))
        if entered is None:
            await audit.record(
                AuditEntry(
                    AuditAction.LOGIN_REFUSED,
                    Actor(ActorKind.NOBODY),
                    ip=address,
                    details={"method": method},
                )
            )
            return form(request, path, problem=REFUSED, status=401)
        principal = entered.principal
        await audit.record(
            AuditEntry(
                AuditAction.LOGGED_IN,
                principal.actor,
                principal.operator_id,
                ip=address,
                details={"method": method},
            )
        )
        response = RedirectResponse(path, 303)
        cookies.write(request, response, entered.secret)
        cookies.remove(request, response, FORM_COOKIE)
        return response

    @router.post("/logout")
    async def log_out(request: Request, csrf_token: Field = "") -> Response:
        """End the session. Somebody who is not logged in is simply sent to the form."""
        response = RedirectResponse("/login", 303)
        secret = cookies.read(request)
        principal = await authenticator.by_session(secret) if secret else None
        if secret is None or principal is None:
            return response
        if not same(csrf_token, principal.csrf_token or ""):
            raise HTTPException(403, "log out from one of our own pages")
        await authenticator.log_out(secret)
        await audit.record(
            AuditEntry(AuditAction.LOGGED_OUT, principal.actor, principal.operator_id, ip=client_ip(request))
        )
        cookies.remove(request, response)
        return response

    return router


async def _let_in(
    guard: Guard, api_key: str, email: str, password: str, old_session: str | None
) -> LogIn | None:
    if api_key:
        return await guard.authenticator.log_in_with_key(api_key, instead_of=old_session)
    return await guard.authenticator.log_in_with_password(email, password, instead_of=old_session)


def own_path(wish: str, home: str) -> str:
    """Where to go after logging in: a path of this site, never another one's address."""
    plain = wish.startswith("/") and not wish.startswith("//")
    return wish if plain and "\\" not in wish and wish.isprintable() and wish.isascii() else home

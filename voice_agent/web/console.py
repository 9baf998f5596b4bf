"""The operators' console: one page from which every active call is seen, and any of them taken over.

The page itself knows nothing of calls. Its modules talk to the Platform API of the operator's workspace, with
the session's cookie and the token against forged requests that is rendered here, and to the event streams.
"""

# Annotations are evaluated here, because the route's dependency is an argument of the function around it.
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from voice_agent.web.pages import Site
from voice_agent.web.shell import Shell, content_security_policy

TWILIO = "https://*.twilio.com wss://*.twilio.com"
"""Where Twilio's Voice SDK registers, reports and signals: roaming edges, so no single name will do."""

TWILIO_SOUNDS = "https://sdk.twilio.com"
"""Where it has its ringing tones from."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Who sits at the console.

    Attributes:
        workspace_id: the workspace whose calls are shown.
        operator_id: the operator entity of the person signed in.
        operator_name: as others see them.
        csrf_token: sent back as ``X-CSRF-Token`` with everything that changes something.
        account_url: where one signs in and out, and comes back from.
    """

    workspace_id: str
    operator_id: str
    operator_name: str
    csrf_token: str
    account_url: str = "/login?next=/console"

    @property
    def initials(self) -> str:
        """The operator's name where there is no room for it."""
        return "".join(word[0] for word in self.operator_name.split()[:2]).upper()

    @property
    def platform_url(self) -> str:
        """The Platform API of the workspace."""
        return f"/platform/v1/{self.workspace_id}"


def console_policy(phone_url: str) -> str:
    """The console's policy: this origin, plus the local network's softphone or else Twilio's edges."""
    if phone_url:
        return content_security_policy(phone_url)
    return content_security_policy("", connect=TWILIO, media=TWILIO_SOUNDS)


class InstallationState(BaseModel):
    """What works worse than it should, in sentences for operators; empty when all is well."""

    problems: list[str]


def console_router(
    site: Site, desk: Callable[..., Any], problems: Callable[[], list[str]] = list
) -> APIRouter:
    """Routes ``/console`` and ``/console/state``.

    Args:
        site: what the pages show about this installation.
        desk: a dependency that returns the :class:`Desk` of whoever asks, or refuses or redirects them by
            raising :class:`~fastapi.HTTPException`.
        problems: what operators should know about the installation now.
    """
    router = APIRouter(include_in_schema=False)
    shell = Shell(site, site.phone_url, policy=console_policy(site.phone_url))

    @router.get("/console", response_class=HTMLResponse)
    async def console(whose: Annotated[Desk, Depends(desk)]) -> HTMLResponse:
        """The queue, the selected call and the operator's own line."""
        page = shell.page("console.html", here="console", desk=whose)
        page.headers["Cache-Control"] = "no-store"
        return page

    @router.get("/console/state", dependencies=[Depends(desk)])
    async def state() -> InstallationState:
        """Asked again and again by the page."""
        return InstallationState(problems=problems())

    return router

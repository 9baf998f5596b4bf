"""Twilio's webhooks over HTTP: each is bounded, verified and parsed here, and answered by the switchboard.

Twilio waits 15 seconds for a document and uses the number's fallback URL after an error; status callbacks are
answered with 204 and nobody reads the answer. Source: https://www.twilio.com/docs/usage/webhooks
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol

import structlog
from fastapi import APIRouter, HTTPException, Request, Response

from telephony.errors import MalformedWebhook, SignatureError
from telephony.signature import SignatureChecker
from telephony.tokens import StreamGrant
from telephony.webhook import WebhookFields
from voice_agent.call import network as addresses
from voice_agent.call.ports import LegSink, LegSocket

log = structlog.get_logger(__name__)

MAX_BODY_BYTES: Final = 65_536
"""A webhook's form is 1 to 3 KB."""
FORM: Final = "application/x-www-form-urlencoded"
KEY: Final = "s"
"""Field that names the agent's leg, in the form or in the query."""
PLACED_HEADER: Final = "x-voice-agent-placed"
"""Names the process that a request was passed on to, so that it is answered there and nowhere else."""
PROCESS_HEADER: Final = "x-voice-agent-process"
"""Names the process that answers, to those who pass requests on: what lacks it comes from somebody else."""
NO_ROOM: Final = 503
"""Answer to a call that was passed on, when there is no room for it either."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request that Twilio has signed. ``key`` is "" unless it concerns an agent's leg."""

    fields: WebhookFields
    key: str


class Exchange(Protocol):
    """What webhooks and media sockets are brought to: see
    :class:`~voice_agent.call.switchboard.Switchboard`."""

    async def inbound(self, fields: WebhookFields) -> str:
        """The document for a call that rings."""

    def agent(self, fields: WebhookFields, key: str) -> str:
        """The document for an agent's leg."""

    def conference(self, fields: WebhookFields) -> None:
        """A conference status callback."""

    def status(self, fields: WebhookFields, key: str) -> None:
        """A call status callback."""

    def stream(self, fields: WebhookFields) -> None:
        """A stream status callback."""

    def after_dial(self, fields: WebhookFields) -> str:
        """The caller's part in the conference is over."""

    def after_stream(self, fields: WebhookFields) -> str:
        """The stream on the caller's own leg is over."""

    def after_transfer(self, fields: WebhookFields) -> str:
        """The number dialled for a caller is done."""

    def fallback(self, fields: WebhookFields) -> str:
        """The document for a call of which another document could not be had."""

    def attach(self, grant: StreamGrant, socket: LegSocket) -> LegSink | None:
        """A stream whose token was good."""


class NoRoom(Exception):
    """A call that another process has passed on cannot be taken."""


class Elsewhere(Protocol):
    """Where the calls of an installation of several processes are."""

    async def answer(self, path: str, fields: WebhookFields, key: str, placed_on: str) -> str | None:
        """The answer of the process that a request belongs to; None when that is this one.

        ``placed_on`` names a process that somebody has chosen already. Raises :class:`NoRoom`.
        """


def twilio_router(
    exchange: Exchange,
    signatures: SignatureChecker,
    elsewhere: Elsewhere | None = None,
    process: str = "",
) -> APIRouter:
    """All webhooks under ``/twilio``, by POST or GET. ``process`` names this process among others.

    Errors: 400 for fields that mean nothing, 403 for a missing or wrong signature, 413 for a body that is too
    long, 415 for a body that is no form, 503 for a call passed on to a process without room.
    """
    router = APIRouter(include_in_schema=False)
    sign = {PROCESS_HEADER: process} if process else {}

    def route(path: str, respond: Callable[[Webhook], Awaitable[str | None]]) -> None:
        async def endpoint(request: Request) -> Response:
            try:
                webhook = await _verify(request, signatures)
                answer = None
                if elsewhere is not None:
                    placed_on = request.headers.get(PLACED_HEADER, "")
                    answer = await elsewhere.answer(path, webhook.fields, webhook.key, placed_on)
                if answer is None:
                    answer = await respond(webhook)
            except SignatureError as error:
                log.warning("webhook_refused", path=path, error=str(error))
                raise HTTPException(403, "not signed by Twilio for this address") from error
            except MalformedWebhook as error:
                raise HTTPException(400, str(error)) from error
            except NoRoom as error:
                raise HTTPException(NO_ROOM, str(error)) from error
            if not answer:
                return Response(status_code=204, headers=sign)
            return Response(answer, media_type="application/xml", headers=sign)

        router.add_api_route(path, endpoint, methods=["GET", "POST"], response_model=None)

    def document(path: str, answer: Callable[[Webhook], str]) -> None:
        async def respond(webhook: Webhook) -> str:
            return answer(webhook)

        route(path, respond)

    def notice(path: str, take: Callable[[Webhook], None]) -> None:
        async def respond(webhook: Webhook) -> None:
            take(webhook)

        route(path, respond)

    async def voice(webhook: Webhook) -> str:
        return await exchange.inbound(webhook.fields)

    route(addresses.VOICE, voice)
    document(addresses.AGENT, lambda webhook: exchange.agent(webhook.fields, webhook.key))
    document(addresses.AFTER_DIAL, lambda webhook: exchange.after_dial(webhook.fields))
    document(addresses.AFTER_STREAM, lambda webhook: exchange.after_stream(webhook.fields))
    document(addresses.AFTER_TRANSFER, lambda webhook: exchange.after_transfer(webhook.fields))
    document(addresses.FALLBACK, lambda webhook: exchange.fallback(webhook.fields))
    notice(addresses.CONFERENCE, lambda webhook: exchange.conference(webhook.fields))
    notice(addresses.STATUS, lambda webhook: exchange.status(webhook.fields, webhook.key))
    notice(addresses.STREAM, lambda webhook: exchange.stream(webhook.fields))
    return router


async def _verify(request: Request, signatures: SignatureChecker) -> Webhook:
    path = (request.scope.get("raw_path") or request.scope["path"].encode()).decode("latin-1")
    query: bytes = request.scope["query_string"]
    form = None if request.method == "GET" else WebhookFields.parse(await _read_form(request))
    signatures.check_webhook(path, query.decode("latin-1"), form, request.headers)
    in_query = WebhookFields.parse(query)
    fields = in_query if form is None else form
    return Webhook(fields, fields.get(KEY) or in_query.get(KEY, ""))


async def _read_form(request: Request) -> bytes:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise HTTPException(415, f"a webhook is a form: send {FORM}, not {kind[:60] or 'nothing'}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise HTTPException(413, f"a webhook has at most {MAX_BODY_BYTES} bytes")
    return bytes(body)

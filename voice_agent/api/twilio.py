"""Twilio's webhooks over HTTP: each is bounded, verified and parsed here, and answered by the switchboard.

Twilio waits 15 seconds for a document and uses the number's fallback URL after an error; status callbacks are
answered with 204 and nobody reads the answer. Source: https://www.twilio.com/docs/usage/webhooks
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog
from fastapi import APIRouter, HTTPException, Request, Response

from telephony.errors import MalformedWebhook, SignatureError
from telephony.signature import SignatureChecker
from telephony.webhook import WebhookFields
from voice_agent.call import network as addresses
from voice_agent.call.switchboard import Switchboard

log = structlog.get_logger(__name__)

MAX_BODY_BYTES: Final = 65_536
"""A webhook's form is 1 to 3 KB."""
FORM: Final = "application/x-www-form-urlencoded"
KEY: Final = "s"
"""Field that names the agent's leg, in the form or in the query."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request that Twilio has signed. ``key`` is "" unless it concerns an agent's leg."""

    fields: WebhookFields
    key: str


def twilio_router(switchboard: Switchboard, signatures: SignatureChecker) -> APIRouter:
    """All webhooks under ``/twilio``, by POST or GET.

    Errors: 400 for fields that mean nothing, 403 for a missing or wrong signature, 413 for a body that is too
    long, 415 for a body that is no form.
    """
    router = APIRouter(include_in_schema=False)

    def route(path: str, respond: Callable[[Webhook], Awaitable[Response]]) -> None:
        async def endpoint(request: Request) -> Response:
            try:
                return await respond(await _verify(request, signatures))
            except SignatureError as error:
                log.warning("webhook_refused", path=path, error=str(error))
                raise HTTPException(403, "not signed by Twilio for this address") from error
            except MalformedWebhook as error:
                raise HTTPException(400, str(error)) from error

        router.add_api_route(path, endpoint, methods=["GET", "POST"], response_model=None)

    def document(path: str, answer: Callable[[Webhook], str]) -> None:
        async def respond(webhook: Webhook) -> Response:
            return _xml(answer(webhook))

        route(path, respond)

    def notice(path: str, take: Callable[[Webhook], None]) -> None:
        async def respond(webhook: Webhook) -> Response:
            take(webhook)
            return Response(status_code=204)

        route(path, respond)

    async def voice(webhook: Webhook) -> Response:
        return _xml(await switchboard.inbound(webhook.fields))

    route(addresses.VOICE, voice)
    document(addresses.AGENT, lambda webhook: switchboard.agent(webhook.fields, webhook.key))
    document(addresses.AFTER_DIAL, lambda webhook: switchboard.after_dial(webhook.fields))
    document(addresses.AFTER_STREAM, lambda webhook: switchboard.after_stream(webhook.fields))
    document(addresses.AFTER_TRANSFER, lambda webhook: switchboard.after_transfer(webhook.fields))
    notice(addresses.CONFERENCE, lambda webhook: switchboard.conference(webhook.fields))
    notice(addresses.STATUS, lambda webhook: switchboard.status(webhook.fields, webhook.key))
    notice(addresses.STREAM, lambda webhook: switchboard.stream(webhook.fields))
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


def _xml(document: str) -> Response:
    return Response(document, media_type="application/xml")

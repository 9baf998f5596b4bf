"""A process that carries no calls itself: what reaches it nevertheless is answered politely."""

from __future__ import annotations

import structlog

from telephony import twiml
from telephony.tokens import StreamGrant
from telephony.webhook import WebhookFields
from voice_agent.call.events import SessionInfo
from voice_agent.call.log import CallLog
from voice_agent.call.ports import LegSink, LegSocket
from voice_agent.call.switchboard import apology, refusal
from voice_agent.store.bus import EventBus

log = structlog.get_logger(__name__)


class NoExchange:
    """An :class:`~voice_agent.api.twilio.Exchange` without calls. A call that rings here is one for which no
    worker had room."""

    def __init__(self, bus: EventBus, *, overload_forward_to: str = "") -> None:
        self._bus = bus
        self._overload_forward_to = overload_forward_to

    async def inbound(self, fields: WebhookFields) -> str:
        """Busy, or the number for refused calls."""
        call_sid = fields.sid("CallSid")
        log.warning("call_refused", call_sid=call_sid, reason="no_worker")
        detail = {"reason": "no_worker", "detail": "no call worker has room, or none lives"}
        CallLog(call_sid, self._bus).emit(SessionInfo(name="call_refused", detail=detail))
        return refusal(self._overload_forward_to)

    def agent(self, fields: WebhookFields, key: str) -> str:
        """Of a worker that is gone."""
        return twiml.hang_up()

    def conference(self, fields: WebhookFields) -> None:
        """Concerns nobody here."""

    def status(self, fields: WebhookFields, key: str) -> None:
        """Concerns nobody here."""

    def stream(self, fields: WebhookFields) -> None:
        """Concerns nobody here."""

    def after_dial(self, fields: WebhookFields) -> str:
        """Of a worker that is gone."""
        return self.fallback(fields)

    def after_stream(self, fields: WebhookFields) -> str:
        """Of a worker that is gone."""
        return self.fallback(fields)

    def after_transfer(self, fields: WebhookFields) -> str:
        """Of a worker that is gone."""
        return self.fallback(fields)

    def fallback(self, fields: WebhookFields) -> str:
        """Say so, rather than drop the caller."""
        log.error("call_fell_back", call_sid=fields.sid("CallSid"), error=fields.get("ErrorCode", "")[:10])
        return apology(self._overload_forward_to)

    def attach(self, grant: StreamGrant, socket: LegSocket) -> LegSink | None:
        """No stream is waited for."""
        return None

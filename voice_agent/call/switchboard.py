"""All live calls of this process: takes new ones in, and brings every webhook and socket to its call."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from telephony import twiml
from telephony.tokens import StreamGrant
from telephony.webhook import CallStatus, ConferenceCallback, WebhookFields, caller_number
from voice_agent.call.admission import Admission, Refuse
from voice_agent.call.events import CallEvent, SessionInfo
from voice_agent.call.line import CallLine
from voice_agent.call.network import Network
from voice_agent.call.ports import CallInfo, LegSink, LegSocket, Session, SessionFactory

log = structlog.get_logger(__name__)

REMEMBERED_CALLS: Final = 2000
"""Ended calls whose late or repeated webhooks are still recognised."""
SESSION_END_TIMEOUT_S: Final = 30.0
"""A session that cannot store its call in that time is let go, and the log says so."""
OVERLOAD_ANNOUNCEMENT: Final = "All our lines are busy at the moment. Please hold while we connect you."
APOLOGY: Final = "I'm sorry, we have a technical problem and I can't go on with this call."
CALL_AGAIN: Final = "Please call us again in a moment. Goodbye."
CONNECTING: Final = "Please hold while I connect you."


def refusal(overload_forward_to: str) -> str:
    """The document for a call that nobody here can take: the number for such calls (E.164), or busy."""
    if overload_forward_to:
        return twiml.forward(overload_forward_to, announcement=OVERLOAD_ANNOUNCEMENT)
    return twiml.busy()


def apology(overload_forward_to: str) -> str:
    """The document for a call that broke in the middle."""
    if overload_forward_to:
        return twiml.forward(overload_forward_to, announcement=f"{APOLOGY} {CONNECTING}")
    return twiml.farewell(f"{APOLOGY} {CALL_AGAIN}")


@dataclass(eq=False)
class LiveCall:
    """A call with its line, its session and the document its webhook is answered with."""

    line: CallLine
    session: Session
    answer: asyncio.Task[str]


class Switchboard:
    """Registry of live calls. All methods run on the event loop."""

    def __init__(
        self,
        network: Network,
        session_factory: SessionFactory,
        admission: Admission,
        on_event: Callable[[CallEvent], None],
        *,
        overload_forward_to: str = "",
    ) -> None:
        """``on_event`` receives what happens on lines; ``overload_forward_to`` (E.164) takes refused
        calls."""
        self._network = network
        self._session_factory = session_factory
        self._admission = admission
        self._on_event = on_event
        self._overload_forward_to = overload_forward_to
        self._calls: dict[str, LiveCall] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._cleaning: set[asyncio.Task[None]] = set()

    # -- new calls

    async def inbound(self, fields: WebhookFields) -> str:
        """The document for a call that rings. A repeated webhook gets the same one and starts nothing.

        Raises :class:`~telephony.errors.MalformedWebhook`.
        """
        call_sid = fields.sid("CallSid")
        if call_sid in self._ended:
            return twiml.hang_up()
        live = self._calls.get(call_sid)
        if live is None:
            decision = self._admission.decide()
            if isinstance(decision, Refuse):
                return self._refuse(call_sid, decision.reason, decision.detail)
            live = self._open(call_sid, fields)
        # Shielded: a webhook whose sender hung up must not stop the call that its repetition asks for.
        return await asyncio.shield(live.answer)

    def _open(self, call_sid: str, fields: WebhookFields) -> LiveCall:
        info = CallInfo(
            call_sid=call_sid,
            caller=caller_number(fields.get("From", "")),
            called=fields.get("To", ""),
            direction=fields.get("Direction", "inbound"),
            conference=f"call-{secrets.token_urlsafe(16)}",
            fields=dict(fields),
        )
        line = CallLine(info, self._network, emit=self._on_event, on_over=self._on_over)
        session = line.session = self._session_factory(info, line)
        answer = asyncio.create_task(line.answer(), name=f"answer {call_sid}")
        live = self._calls[call_sid] = LiveCall(line, session, answer)
        return live

    def _refuse(self, call_sid: str, reason: str, detail: str) -> str:
        log.warning("call_refused", call_sid=call_sid, reason=reason, detail=detail)
        self._on_event(
            SessionInfo(call_sid=call_sid, name="call_refused", detail={"reason": reason, "detail": detail})
        )
        return refusal(self._overload_forward_to)

    # -- later webhooks; each raises MalformedWebhook for fields that mean nothing

    def agent(self, fields: WebhookFields, key: str) -> str:
        """The document for a call to our TwiML App: the agent's leg of the call that gave it ``key``."""
        leg_sid = fields.sid("CallSid")
        live = self._by_key(key)
        return live.line.agent_document(key, leg_sid) if live is not None else twiml.hang_up()

    def conference(self, fields: WebhookFields) -> None:
        """A conference status callback."""
        callback = ConferenceCallback.parse(fields)
        for live in self._calls.values():
            if live.line.info.conference == callback.name:
                live.line.on_conference(callback)
                return

    def status(self, fields: WebhookFields, key: str) -> None:
        """A call status callback; ``key`` is the query field ``s`` that the agent's leg was asked for
        with."""
        call_sid = fields.sid("CallSid")
        status = CallStatus.parse(fields.get("CallStatus", ""))
        live = self._owner(call_sid) or (self._by_key(key) if key else None)
        if live is not None:
            live.line.on_status(call_sid, status, key)
        elif (parent := self._calls.get(fields.get("ParentCallSid", ""))) is not None:
            parent.line.on_transfer_progress(status)
        elif status.is_terminal:
            # A caller who hangs up at once: this may overtake the webhook of the very same call.
            self._remember_end(call_sid)

    def stream(self, fields: WebhookFields) -> None:
        """A stream status callback."""
        call_sid = fields.sid("CallSid")
        if (live := self._owner(call_sid)) is not None:
            live.line.on_stream_event(call_sid, fields.get("StreamName", ""), fields.get("StreamEvent", ""))

    def after_dial(self, fields: WebhookFields) -> str:
        """The caller's part in the conference is over."""
        live = self._calls.get(fields.sid("CallSid"))
        return live.line.after_dial(fields) if live is not None else twiml.hang_up()

    def after_stream(self, fields: WebhookFields) -> str:
        """The stream on the caller's own leg is over."""
        live = self._calls.get(fields.sid("CallSid"))
        return live.line.after_stream(fields) if live is not None else twiml.hang_up()

    def after_transfer(self, fields: WebhookFields) -> str:
        """The number dialled for a caller is done, or was never reached."""
        live = self._calls.get(fields.sid("CallSid"))
        return live.line.after_transfer(fields) if live is not None else twiml.hang_up()

    def fallback(self, fields: WebhookFields) -> str:
        """A document of this call could not be had, whosever it was: say so, rather than drop the caller."""
        log.error("call_fell_back", call_sid=fields.sid("CallSid"), error=fields.get("ErrorCode", "")[:10])
        return apology(self._overload_forward_to)

    # -- media

    def attach(self, grant: StreamGrant, socket: LegSocket) -> LegSink | None:
        """A stream whose token was good; None when its call is over or waits for a newer one."""
        live = self._calls.get(grant.call_sid)
        return live.line.attach(grant, socket) if live is not None else None

    # -- the whole

    @property
    def active_calls(self) -> int:
        """Calls that ring, talk, or are being stored."""
        return len(self._calls)

    def knows(self, call_sid: str) -> bool:
        """Whether a caller's call is here, or was."""
        return call_sid in self._calls or call_sid in self._ended

    def session(self, call_sid: str) -> Session | None:
        """The session of a live call."""
        live = self._calls.get(call_sid)
        return live.session if live is not None else None

    def line(self, call_sid: str) -> CallLine | None:
        """The line of a live call."""
        live = self._calls.get(call_sid)
        return live.line if live is not None else None

    async def wait_idle(self) -> None:
        """Return when no call is left."""
        while self._calls:
            waiting = [live.line.over.wait() for live in self._calls.values()]
            await asyncio.gather(*waiting)
            if self._cleaning:
                await asyncio.wait(self._cleaning)

    async def close(self) -> None:
        """Hang up every call that is left and wait until all are stored."""
        await asyncio.gather(*(live.line.hang_up() for live in self._calls.values()))
        while self._cleaning:
            await asyncio.wait(self._cleaning)

    def _by_key(self, key: str) -> LiveCall | None:
        return next((live for live in self._calls.values() if live.line.holds_key(key)), None)

    def _owner(self, call_sid: str) -> LiveCall | None:
        live = self._calls.get(call_sid)
        return live or next((each for each in self._calls.values() if each.line.owns(call_sid)), None)

    def _on_over(self, line: CallLine, reason: str) -> None:
        task = asyncio.create_task(self._clean_up(line, reason), name=f"end {line.info.call_sid}")
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)

    async def _clean_up(self, line: CallLine, reason: str) -> None:
        call_sid = line.info.call_sid
        live = self._calls[call_sid]
        try:
            closed, stored = await asyncio.gather(
                line.close(), _end_session(live.session, reason), return_exceptions=True
            )
            for error in (closed, stored):
                if isinstance(error, Exception):
                    log.error("call_not_cleaned_up", call_sid=call_sid, exc_info=error)
        finally:
            await asyncio.wait({live.answer})
            del self._calls[call_sid]
            self._remember_end(call_sid)

    def _remember_end(self, call_sid: str) -> None:
        self._ended[call_sid] = None
        while len(self._ended) > REMEMBERED_CALLS:
            self._ended.popitem(last=False)


async def _end_session(session: Session, reason: str) -> None:
    async with asyncio.timeout(SESSION_END_TIMEOUT_S):
        await session.end(reason)

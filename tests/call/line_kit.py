"""A switchboard over a fake REST server, with sessions and sockets that only remember."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from telephony.rest import TwilioRest
from telephony.signature import PublicOrigin
from telephony.tokens import StreamTokens
from telephony.webhook import WebhookFields
from tests.telephony.fake_twilio import ACCOUNT, APP, TOKEN, FakeTwilio, sid
from tests.telephony.recorder import Recorder
from voice_agent.call.admission import Admission, Limits, LoadProbe
from voice_agent.call.events import CallEvent, Degraded
from voice_agent.call.network import LineTimings, Network
from voice_agent.call.ports import AddedLeg, CallInfo, LegRole, LegSink, LegSocket, Line
from voice_agent.call.switchboard import Switchboard

CALLER = "+14155550123"
CALLED = "+12025550100"
QUICK = LineTimings(
    answer_wait=0.5,
    agent_join=1.0,
    tap_attach=0.8,
    hangup_grace=0.02,
    join_grace=0.05,
    no_audio=4.0,
    reconcile=0.2,
    transfer_answer=1.0,
    leave_grace=0.05,
)
"""A fraction of the real ones, so that a test of a timeout is soon over."""


class RememberingSink:
    """What arrived on one stream."""

    def __init__(self, role: LegRole, generation: int) -> None:
        self.role = role
        self.generation = generation
        self.media: Recorder[tuple[int, bytes]] = Recorder()
        self.marks: Recorder[str] = Recorder()
        self.digits: Recorder[str] = Recorder()
        self.closed: Recorder[str] = Recorder()

    def on_media(self, timestamp_ms: int, payload: bytes) -> None:
        self.media.add((timestamp_ms, payload))

    def on_mark(self, name: str) -> None:
        self.marks.add(name)

    def on_dtmf(self, digit: str) -> None:
        self.digits.add(digit)

    def on_closed(self, reason: str) -> None:
        self.closed.add(reason)


class RememberingOperators:
    """What the line told about operators' legs."""

    def __init__(self) -> None:
        self.told: Recorder[tuple[str, ...]] = Recorder()
        self.sinks: Recorder[tuple[str, RememberingSink]] = Recorder()

    def joined(self, operator_id: str, leg: AddedLeg) -> None:
        self.told.add(("joined", operator_id, leg.call_sid))

    def left(self, operator_id: str, reason: str, *, may_return: bool = True) -> None:
        self.told.add(("left", operator_id, reason, "may return" if may_return else "for good"))

    def attach(self, operator_id: str, socket: LegSocket) -> LegSink:
        del socket
        sink = RememberingSink(LegRole.OPERATOR, len(self.sinks.items) + 1)
        self.sinks.add((operator_id, sink))
        return sink


class RememberingSession:
    """A :class:`~voice_agent.call.ports.Session` that does nothing but remember."""

    def __init__(self, info: CallInfo, line: Line) -> None:
        self.info = info
        self.line = line
        self.log: Recorder[str] = Recorder()
        self.sinks: Recorder[RememberingSink] = Recorder()
        self.sockets: dict[tuple[LegRole, int], LegSocket] = {}
        self.operators = RememberingOperators()
        self.before_end: Callable[[], Awaitable[object]] | None = None

    async def prewarm(self) -> None:
        self.log.add("prewarm")

    def attach(self, role: LegRole, generation: int, socket: LegSocket) -> LegSink:
        sink = RememberingSink(role, generation)
        self.sockets[role, generation] = socket
        self.sinks.add(sink)
        return sink

    def caller_joined(self) -> None:
        self.log.add("caller_joined")

    async def end(self, reason: str) -> None:
        if self.before_end is not None:
            await self.before_end()
        self.log.add(f"end {reason}")

    async def ended(self) -> str:
        """The reason it was ended for, once it was."""
        return (await self.log.until(lambda entry: entry.startswith("end "))).removeprefix("end ")

    async def sink(self, role: LegRole, generation: int = 1) -> RememberingSink:
        return await self.sinks.until(lambda each: (each.role, each.generation) == (role, generation))


class RememberingSocket:
    """The sending side of a stream that nobody hears."""

    def __init__(self) -> None:
        self.stream_sid = sid("MZ")
        self.sent: list[Any] = []
        self.closed: int | None = None

    def send_audio(self, payload: bytes) -> None:
        self.sent.append(payload)

    def send_mark(self, name: str) -> None:
        self.sent.append(name)

    def send_clear(self) -> None:
        self.sent.append(None)

    def close(self, code: int = 1000) -> None:
        if self.closed is None:
            self.closed = code


@dataclass
class Office:
    """Everything around a switchboard, and Twilio's part of the conversation with it."""

    twilio: FakeTwilio
    network: Network
    switchboard: Switchboard
    admission: Admission
    sessions: Recorder[RememberingSession]
    events: Recorder[CallEvent]
    call_sid: str = field(default_factory=lambda: sid("CA"))
    sequence: int = 0
    feeds: dict[LegRole, LegSink] = field(default_factory=dict)

    @property
    def session(self) -> RememberingSession:
        return self.sessions.items[-1]

    @property
    def conference_sid(self) -> str:
        return self.twilio.conferences.setdefault(self.session.info.conference, sid("CF"))

    async def ring(self, **fields: str) -> str:
        return await self.switchboard.inbound(
            form(
                CallSid=self.call_sid,
                AccountSid=ACCOUNT,
                From=fields.pop("From", CALLER),
                To=CALLED,
                CallStatus="ringing",
                Direction="inbound",
                **fields,
            )
        )

    def attach(self, document: str, leg_sid: str, role: LegRole) -> tuple[LegSink | None, RememberingSocket]:
        """Open the stream of a document as the network would, token and all."""
        return self.attach_token(token_in(document), leg_sid, role)

    def attach_token(
        self, token: str, leg_sid: str, role: LegRole
    ) -> tuple[LegSink | None, RememberingSocket]:
        socket = RememberingSocket()
        grant = self.network.tokens.redeem(token, leg_sid=leg_sid, roles={role})
        sink = self.switchboard.attach(grant, socket)
        if sink is not None:
            self.feeds[role] = sink
        return sink, socket

    def feed(self, role: LegRole) -> LegSink:
        """What the newest stream of a role talks to."""
        return self.feeds[role]

    def conference(self, event: str, call_sid: str, label: str, **fields: str) -> None:
        values = {
            "ConferenceSid": self.conference_sid,
            "FriendlyName": self.session.info.conference,
            "SequenceNumber": str(self.sequence),
            "StatusCallbackEvent": event,
            "CallSid": call_sid,
            "ParticipantLabel": label,
        }
        self.sequence += 1
        self.switchboard.conference(form(**{**values, **fields}))

    def caller_joins(self, **fields: str) -> None:
        self.conference("participant-join", self.call_sid, "caller", **fields)

    async def agent_key(self, generation: int = 1) -> str:
        request = await self.twilio.until("add participant", count=generation)
        return request.form["To"].partition("?s=")[2]

    async def agent_sid(self, generation: int = 1) -> str:
        """The call of an agent's leg, in the order of creation."""
        await self.agent_key(generation)
        return await self.twilio.created.until(lambda _: True, count=generation)

    async def agent_leg(self, generation: int = 1) -> tuple[str, str]:
        """The call of the agent's leg that was asked for, and its document."""
        leg_sid, key = await self.agent_sid(generation), await self.agent_key(generation)
        self.twilio.calls[leg_sid] = "in-progress"
        return leg_sid, self.switchboard.agent(form(CallSid=leg_sid), key)

    async def agent_joins(self, generation: int = 1) -> tuple[str, RememberingSocket]:
        """The agent's leg joins and opens its stream."""
        leg_sid, document = await self.agent_leg(generation)
        label = "agent" if generation == 1 else f"agent-{generation}"
        self.conference("participant-join", leg_sid, label)
        sink, socket = self.attach(document, leg_sid, LegRole.AGENT)
        assert sink is not None
        return leg_sid, socket

    async def talk(self) -> LegSink:
        """Everybody is there and the caller has been heard."""
        document = await self.ring()
        self.caller_joins()
        await self.agent_joins()
        ear, _ = self.attach(document, self.call_sid, LegRole.TAP)
        assert ear is not None
        ear.on_media(0, b"\xff" * 160)
        return ear

    def leg_status(self, leg_sid: str, status: str) -> None:
        """Call progress of a leg."""
        self.twilio.calls[leg_sid] = status
        self.switchboard.status(form(CallSid=leg_sid, CallStatus=status), "")

    def hang_up(self, status: str = "completed") -> None:
        """The network's word that the caller's call has ended."""
        self.leg_status(self.call_sid, status)


def form(**fields: str) -> WebhookFields:
    return WebhookFields(list(fields.items()))


def token_in(document: str) -> str:
    found = re.search(r'<Parameter name="t" value="([^"]+)"', document)
    assert found is not None, document
    return found[1]


def degradations(office: Office) -> list[tuple[str, str]]:
    return [(event.part, event.rung) for event in office.events.items if isinstance(event, Degraded)]


def is_direct(document: str) -> bool:
    return "<Connect" in document and "/twilio/media/caller" in document and "<Conference" not in document


async def direct(office: Office) -> str:
    """Wait until the caller was brought to a stream on the own leg; the document."""
    update = await office.twilio.requests.until(
        lambda each: each.operation == "update call" and is_direct(each.form.get("Twiml", ""))
    )
    assert update.target == office.call_sid
    return update.form["Twiml"]


@asynccontextmanager
async def open_office(
    *, timings: LineTimings = QUICK, origin: str = "https://voice.example.org", **options: Any
) -> AsyncIterator[Office]:
    """An office on the fake REST server."""
    async with FakeTwilio().serving() as twilio:
        account = (ACCOUNT, TOKEN, APP)
        async with new_office(twilio.url, account, origin, timings, **options) as office:
            office.twilio = twilio
            yield office


@asynccontextmanager
async def new_office(
    rest_url: str,
    account: tuple[str, str, str],
    origin: str,
    timings: LineTimings,
    *,
    forward_to: str = "",
    process: str = "",
    session: type[RememberingSession] = RememberingSession,
) -> AsyncIterator[Office]:
    """An office of an account (SID, token, application) on any REST server."""
    account_sid, token, app_sid = account
    rest = TwilioRest(account_sid, token, base_url=rest_url, timeout_s=1.0, attempts=2, first_wait_s=0.005)
    network = Network(rest, StreamTokens(), PublicOrigin.parse(origin), app_sid, timings, process)
    sessions: Recorder[RememberingSession] = Recorder()
    events: Recorder[CallEvent] = Recorder()

    def factory(info: CallInfo, line: Line) -> RememberingSession:
        made = session(info, line)
        sessions.add(made)
        return made

    admission = Admission(Limits(3, 1000.0, 1000.0), LoadProbe(), lambda: switchboard.active_calls)
    switchboard = Switchboard(network, factory, admission, events.add, overload_forward_to=forward_to)
    try:
        yield Office(FakeTwilio(), network, switchboard, admission, sessions, events)
    finally:
        await switchboard.close()
        await rest.aclose()

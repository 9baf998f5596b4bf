"""The seams of a call: what the phone line, the sockets and the session may ask of each other.

The *line* (Twilio's side: REST, TwiML, callbacks) and the *session* (our side: audio, turns, reasoning,
voice) meet here and nowhere else, so that each can be tested against a few lines of fake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from voice_agent.call.transfer import TransferResult
from voice_agent.operators.ports import OperatorLeg


class LegRole(StrEnum):
    """What a media socket carries."""

    TAP = "tap"
    """The caller's ear: one-way, the caller alone, before the mix."""
    AGENT = "agent"
    """The agent's mouth: the bidirectional stream of the agent's conference leg. What it hears is ignored."""
    DUPLEX = "duplex"
    """Degraded mode: ear and mouth on the caller's own leg, no conference."""
    OPERATOR = "operator"
    """An operator's ear tap, attributed to that person."""


@dataclass(frozen=True, slots=True)
class CallInfo:
    """What the webhook told about a new call. ``caller`` is E.164 or None when withheld."""

    call_sid: str
    caller: str | None
    called: str
    direction: str
    conference: str
    """Opaque name of the conference (no personal data)."""
    fields: Mapping[str, str] = field(default_factory=dict)


class LegSocket(Protocol):
    """The sending side of one media stream. No method waits; what cannot be sent any more is dropped."""

    stream_sid: str

    def send_audio(self, payload: bytes) -> None:
        """Queue µ-law audio (any length)."""

    def send_mark(self, name: str) -> None:
        """Ask to be told when everything sent before was played (or cleared)."""

    def send_clear(self) -> None:
        """Drop what waits in our own queue, then tell the network to drop what it has buffered."""

    def close(self, code: int = 1000) -> None:
        """Close the socket. Idempotent."""


class LegSink(Protocol):
    """The receiving side: the socket's reader calls these on the event loop, in order."""

    def on_media(self, timestamp_ms: int, payload: bytes) -> None:
        """One frame of µ-law audio; ``timestamp_ms`` counts from the start of the stream."""

    def on_mark(self, name: str) -> None:
        """A mark came back."""

    def on_dtmf(self, digit: str) -> None:
        """A key, where the network reports keys (bidirectional streams only)."""

    def on_closed(self, reason: str) -> None:
        """The stream is over: ``stop``, ``closed`` or ``lost``. May come more than once."""


@dataclass(frozen=True, slots=True)
class AddedLeg:
    """A leg that the network has begun to call into the conference."""

    conference_sid: str
    call_sid: str


class OperatorLegs(Protocol):
    """What a session may ask about operators' legs in the caller's conference."""

    @property
    def reachable(self) -> bool:
        """False while the caller is in no conference that anybody could come into."""

    async def add(self, operator: OperatorLeg) -> AddedLeg:
        """Call an operator into the conference, muted. The session's :class:`OperatorPresence` is told when
        the leg is in. A second request for the same operator changes nothing.

        Raises :class:`~voice_agent.operators.ports.CallUnreachable`.
        """

    async def mute(self, operator_id: str, muted: bool) -> None:
        """Mute or unmute an operator. Raises :class:`~voice_agent.operators.ports.CallUnreachable`."""

    def remove(self, operator_id: str) -> None:
        """Take an operator's leg out and end it; nobody is told of it any more. Idempotent."""


class OperatorPresence(Protocol):
    """What a session is told about operators' legs."""

    def joined(self, operator_id: str, leg: AddedLeg) -> None:
        """The signed callback (or, when it was lost, the list of participants) says that the leg is in."""

    def left(self, operator_id: str, reason: str, *, may_return: bool = True) -> None:
        """The leg is out, or will never come: it was hung up, lost, declined, not answered.

        ``may_return`` is False when there is no conference any more to come back into.
        """

    def attach(self, operator_id: str, socket: LegSocket) -> LegSink:
        """A verified stream of what this operator says began; it replaces an older one."""


class Line(Protocol):
    """What a session may ask of the phone network. Failures are retried inside; they never raise into the
    session."""

    @property
    def operators(self) -> OperatorLegs:
        """Operators' legs."""

    async def hang_up(self) -> None:
        """End the caller's call. Idempotent."""

    async def transfer(self, target: str) -> TransferResult:
        """Connect the caller to ``target`` (E.164) in place of the agent, and say whether it was answered."""

    async def mute_agent(self, muted: bool) -> None:
        """Mute or unmute the agent's leg in the conference."""


class Session(Protocol):
    """One live call, as the switchboard sees it."""

    info: CallInfo

    @property
    def operators(self) -> OperatorPresence:
        """Who wants to know about operators' legs."""

    async def prewarm(self) -> None:
        """During ringing: caller lookup, graph, greeting audio. Never raises."""

    def attach(self, role: LegRole, generation: int, socket: LegSocket) -> LegSink:
        """A verified media stream of this call began. A newer generation replaces an older one of its
        role."""

    def caller_joined(self) -> None:
        """The signed conference callback says that the caller is in."""

    async def end(self, reason: str) -> None:
        """The call is over, for a published completion reason. Idempotent; returns when everything is
        stored and freed."""


class SessionFactory(Protocol):
    """Makes the session of a new call and starts nothing yet."""

    def __call__(self, info: CallInfo, line: Line) -> Session:
        """``line`` may be used from the first await on."""

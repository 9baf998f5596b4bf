"""Media sockets of a call on its side: which stream of a leg counts, and where its messages go."""

from __future__ import annotations

from voice_agent.call.hub import AudioHub
from voice_agent.call.mouth import Mouth
from voice_agent.call.ports import LegRole, LegSocket


class LegGenerations:
    """The newest stream per side. An old tap may run on in degraded mode: what it sends counts no more."""

    def __init__(self) -> None:
        self._ear: tuple[LegRole, int] | None = None
        self._mouth: tuple[LegRole, int] | None = None

    def begin(self, role: LegRole, generation: int) -> None:
        """A stream of ``role`` began; it replaces the older one of its side."""
        if role is not LegRole.AGENT:
            self._ear = (role, generation)
        if role is not LegRole.TAP:
            self._mouth = (role, generation)

    def hears(self, role: LegRole, generation: int) -> bool:
        """True when this stream is the caller's ear now."""
        return self._ear == (role, generation)

    def speaks(self, role: LegRole, generation: int) -> bool:
        """True when this stream is the agent's mouth now."""
        return self._mouth == (role, generation)


class MouthSink:
    """The agent leg's stream: marks matter, what it hears (the mix) does not."""

    def __init__(
        self, mouth: Mouth, socket: LegSocket, legs: LegGenerations, role: LegRole, generation: int
    ) -> None:
        self._mouth = mouth
        self._socket = socket
        self._legs = legs
        self._key = (role, generation)

    def on_media(self, timestamp_ms: int, payload: bytes) -> None:
        """The mix of everybody else: never used."""

    def on_mark(self, name: str) -> None:
        """Audio before this mark was played, or thrown away."""
        if self._legs.speaks(*self._key):
            self._mouth.on_mark(name)

    def on_dtmf(self, digit: str) -> None:
        """Keys reach us through the caller's own leg."""

    def on_closed(self, reason: str) -> None:
        """The agent cannot speak until a new socket is bound."""
        self._mouth.unbind(self._socket)


class EarSink(MouthSink):
    """The caller's stream: the tap, or ear and mouth at once in degraded mode."""

    def __init__(
        self,
        hub: AudioHub,
        mouth: Mouth,
        socket: LegSocket,
        legs: LegGenerations,
        role: LegRole,
        generation: int,
    ) -> None:
        super().__init__(mouth, socket, legs, role, generation)
        self._hub = hub

    def on_media(self, timestamp_ms: int, payload: bytes) -> None:
        """The caller's voice."""
        if self._legs.hears(*self._key):
            self._hub.caller_media(timestamp_ms, payload)

    def on_dtmf(self, digit: str) -> None:
        """Keys are taken from the tones in the audio on every kind of leg: a second report would double
        them."""

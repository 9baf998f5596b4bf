"""The audio hub of a call: sound comes in from the sockets here and goes to whoever needs it, never into
the pipeline.

One place knows where every sample belongs: the caller's leg is written by the network's timestamps, the
agent's by the time at which it was really played, both on the call's clock. The recorder gets both, the ear
the caller alone, the keypad the tones.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from models.speech import SAMPLE_RATE
from telephony.dtmf import DtmfDetector
from voice_agent.call.ledger import AgentUtterance
from voice_agent.call.leg_audio import LegAudio
from voice_agent.call.log import CallLog
from voice_agent.call.playback_record import PlaybackRecord

_TONES_EVERY = SAMPLE_RATE // 10


class TrackWriter(Protocol):
    """The recorder, as the hub sees it. Positions are samples on the call's clock."""

    def write_caller(self, position: int, ulaw: bytes) -> None:
        """The caller's sound."""

    def write_agent(self, position: int, ulaw: bytes) -> None:
        """The agent's sound."""

    def write_operator(self, position: int, ulaw: bytes) -> None:
        """An operator's sound, as the caller hears it."""


class AudioHub:
    """Sound of one call.

    ``on_digit`` is told of keypad tones, ``on_progress`` that the caller's leg has new audio.
    """

    def __init__(
        self,
        log: CallLog,
        recorder: TrackWriter | None,
        *,
        on_digit: Callable[[str], None],
        on_progress: Callable[[], None],
    ) -> None:
        self.caller = LegAudio()
        self._log = log
        self._recorder = recorder
        self._on_digit = on_digit
        self._on_progress = on_progress
        self._tones = DtmfDetector()
        self._tones_at = 0
        self._playback = PlaybackRecord(self._played)
        self.last_media = 0.0
        """``time.monotonic()`` of the caller's newest frame, 0 before the first."""

    def caller_media(self, timestamp_ms: int, payload: bytes) -> None:
        """A frame of the caller's leg."""
        self.last_media = time.monotonic()
        if not self._log.clock_started:
            self._log.start_clock(self.last_media)
        start, stop = self.caller.write(timestamp_ms, payload)
        if stop == start:
            return
        if self._recorder is not None:
            self._recorder.write_caller(start, payload)
        if self.caller.end - self._tones_at >= _TONES_EVERY:
            for digit in self._tones.feed(self.caller.read(self._tones_at, self.caller.end)):
                self._on_digit(digit)
            self._tones_at = self.caller.end
        self._on_progress()

    def caller_reattached(self) -> None:
        """The caller's next frame comes from a new stream: it belongs at the current time of the call."""
        if self._log.clock_started:
            self.caller.rebase(int(self._log.now() * SAMPLE_RATE))

    def agent_media(self, utterance: AgentUtterance, payload: bytes, plays_at: float) -> None:
        """A chunk of the agent was sent and plays at ``plays_at``."""
        del utterance
        self._playback.sent(payload, plays_at)

    def agent_discarded(self, since: float) -> None:
        """The network threw away what would have played from ``since`` on."""
        self._playback.discarded(since)

    def operator_media(self, position: int, payload: bytes) -> None:
        """A frame of an operator whom the caller hears, at a sample of the call's clock."""
        if self._recorder is not None:
            self._recorder.write_operator(position, payload)

    def settle(self) -> None:
        """Write to the recorder what has been played by now."""
        self._playback.settle()

    def _played(self, at: float, payload: bytes) -> None:
        if self._recorder is not None and self._log.clock_started:
            position = int(self._log.at(at) * SAMPLE_RATE)
            if position >= 0:
                self._recorder.write_agent(position, payload)

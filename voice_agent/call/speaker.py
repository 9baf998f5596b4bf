"""From sentences to sound: the gate that can silence the agent, and the processor that speaks.

Sentences are spoken in the order in which they come; pipecat's queues keep that order and throw away what a
barge-in makes stale. The caller's sound never comes this way.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from pipecat.frames.frames import Frame, OutputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from models.speech import SAMPLE_RATE, Delivery, Pcm, SpeechError, Synthesizer
from voice_agent.call.frames import DeedFrame, SpeakFrame, UtteranceEndFrame, UtteranceStartFrame
from voice_agent.call.ledger import AgentUtterance, PlaybackLedger
from voice_agent.reasoning.effects import Escalate, SayKind

CHUNK = SAMPLE_RATE // 25
"""Samples per audio frame: 40 ms, the size of the messages to the network."""

_TAIL = SAMPLE_RATE // 8
"""An eighth of a second between sentences."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How one sentence is spoken. ``pause_s``: silence in front of it."""

    delivery: Delivery
    pause_s: float = 0.0


class GateState(StrEnum):
    """Who may speak for the practice."""

    AGENT = "agent"
    TAKEOVER = "takeover"
    """An operator speaks with the caller."""
    WAITING = "waiting"
    """The agent has said that a person comes, and waits for one. It still says that it is there, and what a
    life may depend on; and its calls for a person pass."""


class AgentGate(FrameProcessor):
    """Between reasoner and voice. Closed while a person is in charge: the agent's words end here."""

    def __init__(self, ledger: PlaybackLedger) -> None:
        super().__init__()
        self.state = GateState.AGENT
        self._ledger = ledger

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Drop what the agent wants to say or do while a person is in charge."""
        await super().process_frame(frame, direction)
        if self._passes(frame):
            await self.push_frame(frame, direction)
        elif isinstance(frame, SpeakFrame) and frame.utterance is not None:
            self._ledger.finish(frame.utterance)

    def _passes(self, frame: Frame) -> bool:
        if self.state is GateState.AGENT:
            return True
        waiting = self.state is GateState.WAITING
        if isinstance(frame, SpeakFrame):
            said = frame.utterance
            return waiting and said is not None and (said.urgent or said.kind is SayKind.PROGRESS)
        if isinstance(frame, DeedFrame):
            return waiting and isinstance(frame.deed, Escalate)
        return True


class Speaker(FrameProcessor):
    """Speaks sentences with the call's voice.

    ``manner(utterance)`` tells how a sentence is to be spoken. ``on_failed(utterance, reason)`` is told when
    no rung of the voice ladder could speak; the sentence then counts as not heard.
    """

    def __init__(
        self,
        voice: Synthesizer,
        *,
        manner: Callable[[AgentUtterance], Manner],
        on_failed: Callable[[AgentUtterance, str], None],
        on_first_audio: Callable[[AgentUtterance, float], None],
    ) -> None:
        super().__init__()
        self._voice = voice
        self._manner = manner
        self._on_failed = on_failed
        self._on_first_audio = on_first_audio

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Speak a sentence; pass on everything else."""
        await super().process_frame(frame, direction)
        if not isinstance(frame, SpeakFrame) or frame.utterance is None:
            await self.push_frame(frame, direction)
            return
        if not frame.utterance.over:
            await self._speak(frame.utterance)

    async def _speak(self, utterance: AgentUtterance) -> None:
        utterance.synthesis_started = time.monotonic()
        await self._push(UtteranceStartFrame(utterance=utterance), utterance)
        manner = self._manner(utterance)
        rest: Pcm = np.zeros(round(manner.pause_s * SAMPLE_RATE), np.int16)
        first = True
        try:
            stream = self._voice.synthesize(utterance.text, manner.delivery)
            async with contextlib.aclosing(stream) as chunks:  # type: ignore[type-var]
                async for pcm in chunks:
                    if utterance.over:
                        return
                    if first:
                        first = False
                        self._on_first_audio(utterance, time.monotonic() - utterance.synthesis_started)
                    rest = await self._send(utterance, np.concatenate([rest, pcm]))
        except SpeechError as error:
            self._on_failed(utterance, str(error))
        tail = np.zeros(-(len(rest) + _TAIL) % CHUNK + _TAIL, np.int16)
        if not first:
            await self._send(utterance, np.concatenate([rest, tail]))
        await self._push(UtteranceEndFrame(utterance=utterance), utterance)

    async def _send(self, utterance: AgentUtterance, pcm: Pcm) -> Pcm:
        """Push whole chunks; returns what is left over."""
        whole = len(pcm) - len(pcm) % CHUNK
        if whole:
            audio = OutputAudioRawFrame(pcm[:whole].tobytes(), sample_rate=SAMPLE_RATE, num_channels=1)
            await self._push(audio, utterance)
        return pcm[whole:]

    async def _push(self, frame: Frame, utterance: AgentUtterance) -> None:
        frame.interruptible = utterance.interruptible
        await self.push_frame(frame)

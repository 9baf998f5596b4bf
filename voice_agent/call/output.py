"""The end of the pipeline: pipecat cuts and sequences the agent's audio, the mouth paces it out.

Deeds (hang up, transfer) travel in the same queue as the audio, so they arrive when everything said before
them was sent; they are carried out when it was heard.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from pipecat.frames.frames import Frame, OutputAudioRawFrame, StartFrame
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import TransportParams

from telephony.g711 import encode_ulaw
from voice_agent.call.frames import DeedFrame, UtteranceEndFrame, UtteranceStartFrame
from voice_agent.call.ledger import AgentUtterance
from voice_agent.call.mouth import Mouth
from voice_agent.reasoning.effects import End, Escalate, Transfer

_NEVER_S = 24 * 3600.0
"""A write may wait as long as the call: for a socket, or while the agent is held."""


class MouthOutput(BaseOutputTransport):
    """Writes audio into the mouth. ``on_deed`` is called when everything before the deed was sent."""

    def __init__(self, mouth: Mouth, on_deed: Callable[[End | Transfer | Escalate], None]) -> None:
        super().__init__(
            TransportParams(
                audio_out_enabled=True, audio_out_end_silence_secs=0, audio_out_write_timeout_secs=_NEVER_S
            )
        )
        self._mouth = mouth
        self._on_deed = on_deed
        self._current: AgentUtterance | None = None

    async def start(self, frame: StartFrame) -> None:
        """Ready at once: the mouth waits for its socket by itself."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """One 40 ms chunk, when its time has come. Never passed on: nobody behind needs it."""
        if self._current is not None:
            await self._mouth.write(self._current, encode_ulaw(np.frombuffer(frame.audio, np.int16)))
        return False

    async def write_transport_frame(self, frame: Frame) -> None:
        """Marks between the audio: where sentences begin and end, and what is to be done behind them."""
        if isinstance(frame, UtteranceStartFrame):
            self._current = frame.utterance
        elif isinstance(frame, UtteranceEndFrame) and frame.utterance is not None:
            self._mouth.end(frame.utterance)
            self._current = None
        elif isinstance(frame, DeedFrame) and frame.deed is not None:
            self._on_deed(frame.deed)

"""What an operator says to the caller: heard through a tap of its own, with its own voice activity and
recognizer, written into the recording, and attributed to that person.

While the operator is muted in the conference nothing of this runs: the tap still brings the microphone, but
what the caller cannot hear is neither transcribed nor recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.expectation import Expectation
from models.speech import SAMPLE_RATE, Recognizer, Transcript
from voice_agent.call import events
from voice_agent.call.ear import Ear, HeardSpeech
from voice_agent.call.leg_audio import LegAudio
from voice_agent.call.log import CallLog
from voice_agent.call.voice_activity import SpeechDetector, VadTick

LAST_WORDS_S = 1.0
"""How long a hand-back waits for the words of a sentence that has just ended: the agent should know them."""


class OperatorEar:
    """One operator's voice. Implements :class:`voice_agent.call.voice_activity.SpeechListener` for the leg.

    Positions are samples of the call's clock, as on the caller's leg.

    Args:
        record: takes (position, µ-law) for the recording.
        turn: number of the caller's last turn, which the operator answers.
        keyterms: names and terms that the recognizer should favour.
        on_said: told the words of every finished stretch of speech that the recognizer trusts.
    """

    def __init__(
        self,
        operator_id: str,
        *,
        log: CallLog,
        vad: VadTick,
        recognizers: Sequence[Recognizer],
        keyterms: tuple[str, ...],
        record: Callable[[int, bytes], None],
        turn: Callable[[], int],
        on_said: Callable[[str], None],
    ) -> None:
        self._operator_id = operator_id
        self._log = log
        self._vad = vad
        self._record = record
        self._turn = turn
        self._on_said = on_said
        self._audio = LegAudio()
        self._detector: SpeechDetector | None = None
        self._rebase = True
        self._ear = Ear(
            self._audio,
            recognizers,
            None,
            on_heard=self._heard,
            on_verdict=self._no_verdict,
            on_partial=self._partial,
            on_degraded=self._degraded,
        )
        self._ear.expectation = Expectation(keyterms=keyterms)

    def open(self) -> None:
        """The caller hears the operator from now on. Idempotent."""
        if self._detector is None:
            # Voice activity starts here and not in the silence before; the first frame is placed by itself.
            self._place()
            self._rebase = True
            self._detector = self._vad.watch(self._audio, self)

    def new_stream(self) -> None:
        """Timestamps start anew: the next frame belongs at the current time of the call."""
        self._rebase = True

    def media(self, timestamp_ms: int, payload: bytes) -> None:
        """A frame of the leg."""
        if self._detector is None:
            return
        if self._rebase:
            self._place()
        start, stop = self._audio.write(timestamp_ms, payload)
        if stop > start:
            self._record(start, payload)
            if self._detector.speaking:
                self._ear.pump()

    async def shut(self) -> None:
        """The caller does not hear the operator any more: finish the sentence that was being said, and wait
        (bounded) for its words. Idempotent."""
        detector, self._detector = self._detector, None
        if detector is None:
            return
        self._vad.unwatch(detector)
        if detector.speaking:
            detector.speaking = False
            self.on_speech_stopped(self._audio.end)
        await self._ear.settled(LAST_WORDS_S)

    async def close(self) -> None:
        """The leg is gone: what is still being recognized is given up."""
        if self._detector is not None:
            self._vad.unwatch(self._detector)
            self._detector = None
        await self._ear.close()

    def on_speech_started(self, position: int) -> None:
        """Voice began."""
        self._log.emit(events.SpeechStarted(leg="operator"), t=position / SAMPLE_RATE)
        self._ear.start(position)

    def on_speech_progress(self, seconds: float) -> None:
        """Voice goes on: nobody needs to know."""

    def on_speech_stopped(self, position: int) -> None:
        """Voice ended."""
        self._log.emit(events.SpeechStopped(leg="operator", speech_end=position / SAMPLE_RATE))
        self._ear.stop(position)
        self._ear.turn_over()

    def _place(self) -> None:
        if self._log.clock_started:
            self._rebase = False
            self._audio.rebase(int(self._log.now() * SAMPLE_RATE))

    async def _heard(self, heard: HeardSpeech) -> None:
        if not heard.transcript.text:
            return
        self._emit(heard.transcript, start=heard.start, end=heard.end, stt_ms=round(heard.stt_ms, 1))
        if heard.transcript.accepted:
            self._on_said(heard.transcript.text)

    def _degraded(self, rung: str, reason: str) -> None:
        self._log.emit(events.Degraded(part="operator_stt", rung=rung, reason=reason))

    async def _no_verdict(self, number: int, probability: float) -> None:
        """Where an operator's turn ends decides nothing."""

    def _partial(self, number: int, partial: Transcript) -> None:
        if partial.text and number == self._ear.number:
            self._emit(partial, final=False)

    def _emit(self, words: Transcript, *, final: bool = True, **times: float) -> None:
        self._log.emit(
            events.UserTranscript(
                transcript=words.text,
                final=final,
                confidence=words.confidence,
                accepted=words.accepted,
                speaker_role="operator",
                speaker_id=self._operator_id,
                turn_index=self._turn(),
                stt=words.source,
                **times,
            )
        )


class OperatorSink:
    """One stream of an operator's tap; an older one than the newest changes nothing."""

    def __init__(self, ear: OperatorEar, is_current: Callable[[OperatorSink], bool]) -> None:
        self._ear = ear
        self._is_current = is_current

    def on_media(self, timestamp_ms: int, payload: bytes) -> None:
        """The operator's microphone."""
        if self._is_current(self):
            self._ear.media(timestamp_ms, payload)

    def on_mark(self, name: str) -> None:
        """Nothing is played into a tap."""

    def on_dtmf(self, digit: str) -> None:
        """Keys of an operator mean nothing."""

    def on_closed(self, reason: str) -> None:
        """The line opens another stream."""

"""The caller's side of a call: voice, words and keys, turned into frames for turn-taking.

Voice activity opens and closes the ear; what the ear hears, what the turn model thinks and what was keyed
are posted to the pipeline in the order in which they happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)

from models.expectation import Expectation
from models.speech import SAMPLE_RATE, Recognizer, Transcript
from voice_agent.call import events
from voice_agent.call.ear import Ear, HeardSpeech
from voice_agent.call.floor import Floor
from voice_agent.call.frames import SignalFrame, SpeechProgressFrame, SpeechVerdictFrame
from voice_agent.call.keypad import Keypad
from voice_agent.call.leg_audio import LegAudio
from voice_agent.call.log import CallLog
from voice_agent.call.turn_model import TurnModel
from voice_agent.call.voice_activity import START_S
from voice_agent.reasoning.completeness import answer_complete, may_go_on
from voice_agent.reasoning.signals import Utterance, Via

TurnTaken = Callable[[Utterance, str, float | None, float], int]
"""(utterance, reason, end-of-turn probability, monotonic time of the last voice) -> number of the turn."""


class CallerListening:
    """Implements ``SpeechListener`` and ``PauseListener`` (see :mod:`voice_agent.call.voice_activity`) for
    the caller's leg.

    Args:
        post: puts a frame into the call's pipeline.
        turn: number of the caller's last turn.
        on_turn: a turn is complete (here: keyed).
        on_degraded: told (rung, reason) when a recognizer was given up.
        on_unfinished: told the words so far while the caller is still speaking.
    """

    def __init__(
        self,
        audio: LegAudio,
        recognizers: Sequence[Recognizer],
        turn_model: TurnModel | None,
        floor: Floor,
        log: CallLog,
        *,
        post: Callable[[Frame], object],
        turn: Callable[[], int],
        on_turn: TurnTaken,
        on_degraded: Callable[[str, str], None],
        on_unfinished: Callable[[str], None],
    ) -> None:
        self._audio = audio
        self._floor = floor
        self._log = log
        self._post = post
        self._turn = turn
        self._on_turn = on_turn
        self._on_unfinished = on_unfinished
        self._keypad = Keypad()
        self._ear = Ear(
            audio,
            recognizers,
            turn_model,
            on_heard=self._on_heard,
            on_verdict=self._on_verdict,
            on_partial=self._on_partial,
            on_glance=self._on_glance,
            on_sure=self._on_sure,
            on_degraded=on_degraded,
        )
        self.end_pause: Callable[[], None] = lambda: None
        """Takes the caller's present pause for the end of speech; set by who detects voice."""
        self.speaking = False
        """True while the caller's voice is on the line."""
        self.last_activity = 0.0
        """``time.monotonic()`` of the caller's last voice or key, 0 before the first."""

    @property
    def expectation(self) -> Expectation:
        """What may be said next."""
        return self._ear.expectation

    @expectation.setter
    def expectation(self, expectation: Expectation) -> None:
        self._ear.expectation = expectation

    @property
    def newest(self) -> int:
        """Number of the newest stretch of speech."""
        return self._ear.number

    @property
    def keying(self) -> bool:
        """True while keys are being pressed."""
        return self._keypad.active

    def on_speech_started(self, position: int) -> None:
        """Voice began."""
        self.speaking = True
        self._ear.start(position)
        self._log.emit(events.SpeechStarted(), t=position / SAMPLE_RATE)
        self._post(VADUserStartedSpeakingFrame(start_secs=START_S))

    def on_speech_progress(self, seconds: float) -> None:
        """Voice goes on; of interest to turn-taking while the agent has the floor."""
        if self._floor.agent_has_it:
            self._post(SpeechProgressFrame(seconds=seconds))

    def on_speech_stopped(self, position: int) -> None:
        """Voice ended."""
        self.speaking = False
        self.last_activity = time.monotonic()
        self._ear.stop(position)
        self._log.emit(events.SpeechStopped(speech_end=position / SAMPLE_RATE))
        silence = (self._audio.end - position) / SAMPLE_RATE
        self._post(VADUserStoppedSpeakingFrame(stop_secs=silence))

    def on_speech_paused(self, position: int) -> None:
        """Voice fell silent, perhaps for good."""
        self._ear.pause(position)

    def on_speech_resumed(self) -> None:
        """The caller had only taken a breath."""
        self._ear.resume()

    def on_audio(self) -> None:
        """The leg has new audio."""
        if self.speaking:
            self._ear.pump()

    def on_digit(self, key: str) -> None:
        """A keypad tone. It interrupts the agent as a voice would."""
        if self._floor.agent_is_heard and not self._floor.protected:
            self._floor.interrupt(time.monotonic())
        self._keypad.press(key)
        self.last_activity = time.monotonic()
        self.take_keys()

    def take_keys(self) -> None:
        """Post a keyed answer once it is complete."""
        digits = self._keypad.take(self.expectation.digits)
        if digits is None:
            return
        utterance = Utterance(digits, via=Via.KEYPAD, expectation=self.expectation)
        self._log.emit(
            events.UserTranscript(
                transcript=digits, confidence=1.0, via="keypad", turn_index=self._turn() + 1
            )
        )
        number = self._on_turn(utterance, "keypad", None, time.monotonic())
        self._post(SignalFrame(signal=utterance, turn=number, speech_end=time.monotonic()))

    def turn_over(self) -> None:
        """The turn was taken: what is said next belongs to a new one."""
        self._ear.turn_over()

    async def close(self) -> None:
        """Give up what is being recognized."""
        await self._ear.close()

    async def _on_heard(self, heard: HeardSpeech) -> None:
        if not self._keypad.active:
            text = heard.transcript.text
            self._post(
                TranscriptionFrame(text=text, user_id="caller", timestamp="", result=heard, finalized=True)
            )

    async def _on_verdict(self, number: int, probability: float) -> None:
        self._post(SpeechVerdictFrame(probability=probability, speech=number))

    def _on_glance(self, said: Transcript) -> None:
        """An answer that is complete needs no further silence as proof."""
        complete = said.accepted and answer_complete(self.expectation, said.text)
        if complete and not may_go_on(said.text):
            self.end_pause()

    def _on_sure(self, said: Transcript | None) -> None:
        """Nor does a sentence that sounds finished for sure."""
        if said is None or not may_go_on(said.text):
            self.end_pause()

    def _on_partial(self, number: int, partial: Transcript) -> None:
        if not partial.text or number != self._ear.number:
            return
        self._log.emit(
            events.UserTranscript(
                transcript=partial.text,
                final=False,
                confidence=partial.confidence,
                turn_index=self._turn() + 1,
                stt=partial.source,
            )
        )
        self._on_unfinished(partial.text)
        self._post(InterimTranscriptionFrame(text=partial.text, user_id="caller", timestamp=""))

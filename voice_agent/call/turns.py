"""When a turn of the caller begins and ends: two strategies for pipecat's turn processor.

**Start.** With the agent silent, voice begins a turn. With the agent speaking, voice first *holds* the
agent's outgoing audio (nobody hears that) and becomes a barge-in once it has lasted, or once its words are
more than assent: "mm-hmm", "okay", "yeah" while the agent speaks are backchannels and change nothing.
Protected sentences are never stopped; what the caller says over them is taken as a turn all the same.

**Stop.** The turn ends as soon as its words answer completely what was asked (yes or no, all ten digits, a
date); else when the turn model hears an ending; else after a silence that is the longer the less finished
it sounded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from pipecat.frames.frames import (
    Frame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.turns.types import ProcessFrameResult
from pipecat.turns.user_start import BaseUserTurnStartStrategy
from pipecat.turns.user_stop import BaseUserTurnStopStrategy

from models.expectation import AnswerKind, Expectation
from voice_agent.call.ear import HeardSpeech
from voice_agent.call.floor import Floor
from voice_agent.call.frames import SignalFrame, SpeechProgressFrame, SpeechVerdictFrame
from voice_agent.reasoning.completeness import answer_complete, has_begun, may_go_on
from voice_agent.reasoning.signals import Utterance, Via
from voice_agent.reasoning.spoken import is_backchannel

CERTAIN_S = 1.05
"""Voice that has lasted this long over the agent's speech is no murmur of assent, unless it sounds like
one: like its words, or like none where words are known to come early."""

DRAWN_OUT_S = 1.5
"""Not even a drawn-out "mm-hmm" lasts this long."""

FLOOR_WORDS = frozenset({"wait", "stop", "hold", "actually", "sorry", "excuse", "but"})
"""First words of a partial transcript that interrupt at once."""

HOLD_LIMIT_S = 1.1
"""The agent is held back no longer than this for words that do not come (the network's buffer is then
empty)."""

NOISE_S = 0.35
"""Voice shorter than this without words is a cough or a click."""

SHORTEST_PAUSE_S = 0.4
LONGEST_PAUSE_S = 1.6
"""Silence after which a turn ends when the turn model thinks it finished for sure, or surely not."""

SPELLING_PAUSE_S = 1.4
"""Digits, letters and dates of birth come in groups: the caller gets this long between them."""

TURN_TIMEOUT_S = 3.0
"""Whatever happens, a turn without voice ends after this."""


class BargeInStartStrategy(BaseUserTurnStartStrategy):
    """Begins turns, and tells interruptions from assent.

    ``on_words(heard, backchannel)`` is told of words that become no turn.
    """

    def __init__(self, floor: Floor, on_words: Callable[[HeardSpeech, bool], None]) -> None:
        super().__init__(enable_interruptions=True)
        self._floor = floor
        self._on_words = on_words
        self._onset: float | None = None
        """``time.monotonic()`` of voice that has not become a turn yet."""
        self._in_turn = False
        self._partial = ""
        self._words_come_early = False
        """Whether the recognizer tells words while somebody speaks: some tell them afterwards only."""

    async def handle_user_turn_started(self) -> None:
        """Bookkeeping of the base contract."""
        self._in_turn, self._onset = True, None

    async def handle_user_turn_stopped(self) -> None:
        """Bookkeeping of the base contract."""
        self._in_turn = False

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        """Decide on each sign of voice; see the module."""
        if isinstance(frame, InterimTranscriptionFrame) and frame.text:
            self._words_come_early = True
        if self._in_turn:
            return ProcessFrameResult.CONTINUE
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._onset = time.monotonic() - frame.start_secs
            self._partial = ""
            if not self._floor.agent_has_it:
                await self._begin()
            elif not self._floor.cooling and self._floor.agent_is_heard:
                self._floor.hold()
        elif isinstance(frame, InterimTranscriptionFrame):
            self._partial = frame.text
        elif isinstance(frame, SpeechProgressFrame) and self._onset is not None:
            if not self._floor.agent_has_it:
                await self._begin()
            elif self._floor.protected or self._floor.cooling:
                self._floor.release()
            elif frame.seconds >= (DRAWN_OUT_S if self._may_be_a_murmur() else CERTAIN_S) or (
                frame.seconds >= self._floor.policy.barge_in_min_speech_s and self._takes_the_floor()
            ):
                await self._begin(interrupt=True)
            elif self._floor.held_s > HOLD_LIMIT_S:
                self._floor.release()
        elif isinstance(frame, TranscriptionFrame):
            await self._weigh(frame)
        return ProcessFrameResult.CONTINUE

    def _may_be_a_murmur(self) -> bool:
        return is_backchannel(self._partial) if self._partial else self._words_come_early

    def _takes_the_floor(self) -> bool:
        """Words that can only mean "stop": what else a recognizer makes of half a murmur proves nothing."""
        return self._partial.split(" ", 1)[0] in FLOOR_WORDS

    async def _weigh(self, frame: TranscriptionFrame) -> None:
        """Words of voice that never became a turn: assent, noise, or something to be answered."""
        heard = cast(HeardSpeech, frame.result)
        transcript = heard.transcript
        if self._floor.agent_has_it and heard.afterthought:
            self._floor.release()
            self._onset = None
            self._on_words(heard, True)
        elif self._floor.agent_has_it and not self._floor.protected:
            assent = is_backchannel(transcript.text)
            if assent or not transcript.text or not transcript.accepted:
                self._floor.release()
                self._onset = None
                self._on_words(heard, assent)
                return
            await self._begin(interrupt=True)
        elif transcript.text:
            await self._begin()

    async def _begin(self, *, interrupt: bool = False) -> None:
        onset = self._onset if self._onset is not None else time.monotonic()
        protected = self._floor.protected
        if interrupt and not protected:
            self._floor.interrupt(onset)
        else:
            self._floor.release()
        await self.trigger_user_turn_started(enable_interruptions=interrupt and not protected)


@dataclass
class _Turn:
    parts: list[HeardSpeech] = field(default_factory=list)
    barge_in: bool = False
    voice_end: float = 0.0


class AnswerStopStrategy(BaseUserTurnStopStrategy):
    """Ends turns, and turns their words into one utterance for the reasoner.

    Args:
        expectation: what is expected now.
        newest: number of the newest stretch of speech; a transcript of an older one is not the last word.
        on_words: told of every stretch of speech that belongs to a turn.
        on_turn: told (utterance, reason, eot probability, monotonic time of the last voice); returns the
            turn's number.
    """

    def __init__(
        self,
        floor: Floor,
        *,
        expectation: Callable[[], Expectation],
        newest: Callable[[], int],
        on_words: Callable[[HeardSpeech, bool], None],
        on_turn: Callable[[Utterance, str, float | None, float], int],
    ) -> None:
        super().__init__()
        self._floor = floor
        self._expectation = expectation
        self._newest = newest
        self._on_words = on_words
        self._on_turn = on_turn
        self._turn: _Turn | None = None
        self._verdict = (0, 0.0)
        """Stretch of speech and what the turn model thinks of its end; it may come before the turn begins."""
        self._speaking = False
        self._timer: asyncio.Task[None] | None = None
        self.barge_in = False
        """Set by the call when the turn that begins now interrupted the agent."""

    async def cleanup(self) -> None:
        """Stop the timer."""
        await super().cleanup()
        await self._disarm()

    async def handle_user_turn_started(self) -> None:
        """A turn begins."""
        self._turn = _Turn(barge_in=self.barge_in)
        self.barge_in = False

    async def handle_user_turn_stopped(self) -> None:
        """The turn ended, by us or by pipecat's own time-out: either way its words are answered."""
        turn, self._turn = self._turn, None
        await self._disarm()
        if turn is not None:
            await self._answer(turn, "timeout")

    async def process_frame(self, frame: Frame) -> ProcessFrameResult:
        """Collect words and verdicts; end the turn when they suffice."""
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._speaking = True
            await self._disarm()
        elif isinstance(frame, VADUserStoppedSpeakingFrame):
            self._speaking = False
            if self._turn is not None:
                self._turn.voice_end = time.monotonic() - frame.stop_secs
        elif isinstance(frame, SpeechVerdictFrame):
            self._verdict = (frame.speech, frame.probability)
            await self._evaluate()
        elif isinstance(frame, TranscriptionFrame) and self._turn is not None:
            heard = cast(HeardSpeech, frame.result)
            self._on_words(heard, False)
            if heard.continues:
                self._turn.parts = [heard]
            else:
                self._turn.parts.append(heard)
            if not self._turn.voice_end:
                self._turn.voice_end = time.monotonic() - heard.stt_ms / 1000 - 0.2
            await self._evaluate()
        return ProcessFrameResult.CONTINUE

    async def _evaluate(self) -> None:
        turn = self._turn
        if turn is None or self._speaking or not turn.parts or turn.parts[-1].number != self._newest():
            return
        text = " ".join(p.transcript.text for p in turn.parts if p.transcript.text)
        expectation = self._expectation()
        accepted = turn.parts[-1].transcript.accepted
        if text and accepted and answer_complete(expectation, text) and not may_go_on(text):
            await self._end(turn, "complete_answer")
            return
        verdict = self._verdict_on(turn)
        if verdict is None:
            return
        spelled = any(k in (AnswerKind.DIGITS, AnswerKind.ALPHANUMERIC) for k in expectation.kinds)
        spelling = (spelled and not may_go_on(text)) or has_begun(expectation, text)
        policy = self._floor.policy
        if verdict >= policy.eot_threshold and not (spelling and text):
            await self._end(turn, "smart_turn")
            return
        if spelling:
            pause = SPELLING_PAUSE_S
        elif verdict >= policy.eager_eot_threshold:
            pause = SHORTEST_PAUSE_S
        else:
            pause = SHORTEST_PAUSE_S + (1 - verdict) * (LONGEST_PAUSE_S - SHORTEST_PAUSE_S)
        pause = min(pause, policy.eot_timeout_ms / 1000, TURN_TIMEOUT_S)
        await self._arm(max(0.0, turn.voice_end + pause - time.monotonic()))

    async def _end(self, turn: _Turn, reason: str) -> None:
        self._turn = None
        await self.trigger_user_turn_stopped()
        await self._answer(turn, reason)

    async def _answer(self, turn: _Turn, reason: str) -> None:
        parts = turn.parts
        words = [p.transcript for p in parts if p.transcript.text]
        seconds = sum(p.end - p.start for p in parts)
        if not words and not turn.barge_in and seconds < NOISE_S:
            return
        utterance = Utterance(
            text=" ".join(t.text for t in words),
            confidence=min((t.confidence for t in words), default=0.0),
            accepted=bool(words) and all(t.accepted for t in words),
            alternatives=words[0].alternatives if len(words) == 1 else (),
            via=Via.SPEECH,
            barge_in=turn.barge_in,
            expectation=self._expectation(),
        )
        number = self._on_turn(utterance, reason, self._verdict_on(turn), turn.voice_end)
        await self.push_frame(SignalFrame(signal=utterance, turn=number, speech_end=turn.voice_end))

    def _verdict_on(self, turn: _Turn) -> float | None:
        number, probability = self._verdict
        return probability if turn.parts and turn.parts[-1].number == number else None

    async def _arm(self, seconds: float) -> None:
        await self._disarm()
        self._timer = asyncio.create_task(self._expire(seconds), name="end-of-turn")

    async def _disarm(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer is not asyncio.current_task():
            timer.cancel()

    async def _expire(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        turn = self._turn
        if turn is not None and not self._speaking:
            await self._end(turn, "timeout")

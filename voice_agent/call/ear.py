"""The ear of one leg: voice activity in, transcripts out.

Audio goes to the recognizer while somebody speaks, in pieces of a tenth of a second with a little before
the onset. When the voice stops, the recognizer is asked for its result and the turn model for its opinion,
side by side. A recognizer that fails or is late is replaced by the next one on the ladder, which gets the
same audio again; when none is left, the transcript comes back empty and not accepted, and the caller is
asked to repeat.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from models.expectation import AnswerKind, Expectation
from models.speech import SAMPLE_RATE, Pcm, Recognizer, SpeechError, Transcript, UtteranceStream
from voice_agent.call.afterthought import BREATH_S, Answer
from voice_agent.call.leg_audio import LegAudio
from voice_agent.call.turn_model import UNKNOWN, TurnModel

PREROLL_S = 0.25
"""Audio before the detected onset: voice activity notices a word late, never early."""

PIECE_S = 0.1
"""Audio is handed over in pieces of this length."""

FINISH_TIMEOUT_S = 2.5
"""A result later than this comes from the next recognizer."""

GLANCE_TIMEOUT_S = 0.3
"""A glance later than this is not waited for: the recognizer is asked for its result."""

WHOLE_TURN_S = 14.0
"""Digits and letters said in several breaths are recognized again as one, up to this length, so that a
grammar of known length fits."""

SHORT_TURN_S = 3.0
"""An answer of at most this length that goes on after at most a breath ("yes ... please") is recognized
again as one: its second half alone fits no grammar."""

SECOND_LOOKS_S = (0.2, 0.25)
"""When an unfinished-sounding pause is judged again, seconds after the look before."""

_LONGEST_GAP_S = 3.0
"""Speech after a longer silence belongs to no turn that went before, whether that was taken or not."""

SURE = 0.9
"""A verdict that needs no second look."""

_TAIL = SAMPLE_RATE // 5
"""Samples after the detected end that belong to the last word: voice activity ends before a final "s" does.
A "yes" without it is heard as "oh". What has not come yet when the end is noticed early reads as silence."""

_SPELLED = (AnswerKind.DIGITS, AnswerKind.ALPHANUMERIC)

_WHOLE_ANSWERS = frozenset({AnswerKind.YES_NO, AnswerKind.PHRASES, AnswerKind.FREE})
"""Whose sound tells whether they are over. Numbers, dates and names come in parts that each sound so."""


@dataclass(frozen=True, slots=True)
class HeardSpeech:
    """One stretch of speech with its words. Times are seconds on the leg's sample clock.

    ``continues`` is True when ``transcript`` covers the earlier stretches of the same turn as well,
    ``afterthought`` when it adds nothing but courtesy to a turn that was taken already.
    """

    number: int
    transcript: Transcript
    start: float
    end: float
    stt_ms: float
    continues: bool = False
    afterthought: bool = False


class Ear:
    """Listens to one leg. Methods are called on the event loop by the leg's detector and by the media socket.

    Args:
        recognizers: the ladder, best first.
        on_heard: awaited with every finished stretch of speech, in the order they ended.
        on_verdict: awaited with (number, probability) of the turn model for every stretch.
        on_glance: told what was said before a pause that may be the end.
        on_sure: told that a pause sounds like the end for sure, with what was said as far as it is known.
        on_degraded: told (rung, reason) when a recognizer was given up for an utterance.
    """

    def __init__(
        self,
        audio: LegAudio,
        recognizers: Sequence[Recognizer],
        turn_model: TurnModel | None,
        *,
        on_heard: Callable[[HeardSpeech], Awaitable[None]],
        on_verdict: Callable[[int, float], Awaitable[None]],
        on_partial: Callable[[int, Transcript], None],
        on_glance: Callable[[Transcript], None] | None = None,
        on_sure: Callable[[Transcript | None], None] | None = None,
        on_degraded: Callable[[str, str], None],
    ) -> None:
        self._audio = audio
        self._recognizers = list(recognizers)
        self._turn_model = turn_model
        self._on_heard = on_heard
        self._on_verdict = on_verdict
        self._on_partial = on_partial
        self._on_glance = on_glance
        self._on_sure = on_sure
        self._on_degraded = on_degraded
        self.expectation = Expectation()
        self.number = 0
        """Counts stretches of speech; the newest one."""
        self._stream: UtteranceStream | None = None
        self._glance: _Glance | None = None
        self._started = 0
        self._fed = 0
        self._stopped = 0
        """Where the newest stretch of speech ended."""
        self._turn_start: int | None = None
        """Where the current turn's speech began, while it may be recognized again as a whole."""
        self._turn_began: int | None = None
        """Where the current turn began: what the turn model hears begins there."""
        self._whole = False
        self._said: Answer | None = None
        """The newest words, and the answer that was taken last, while something may be added to it."""
        self._taken: Answer | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._order = asyncio.Lock()

    def start(self, position: int) -> None:
        """Voice began at sample ``position``."""
        self.number += 1
        self._started = max(0, position - int(PREROLL_S * SAMPLE_RATE))
        begin = self._started
        self._whole = False
        if self._turn_began is None or position - self._stopped > _LONGEST_GAP_S * SAMPLE_RATE:
            self._turn_began = begin
        if self._turn_start is None:
            self._turn_start = begin
        elif self._belongs_together(position):
            begin, self._whole = self._turn_start, True
        elif not self._spelled:
            self._turn_start = begin
        self._fed = begin
        number = self.number
        self._stream = self._open(0, lambda partial: self._on_partial(number, partial))
        self.pump()

    @property
    def _spelled(self) -> bool:
        return any(k in _SPELLED for k in self.expectation.kinds)

    def _belongs_together(self, position: int) -> bool:
        """Whether voice that begins at ``position`` goes on with what this turn began."""
        if self._turn_start is None or self.expectation.is_free:
            return False
        so_far = (position - self._turn_start) / SAMPLE_RATE
        if self._spelled:
            return so_far <= WHOLE_TURN_S
        breath = (position - self._stopped) / SAMPLE_RATE
        return breath <= BREATH_S and so_far <= SHORT_TURN_S

    def pump(self) -> None:
        """New audio may have come: hand it over while somebody speaks."""
        if self._stream is None or self._audio.end - self._fed < PIECE_S * SAMPLE_RATE:
            return
        self._feed(self._stream, self._audio.end)

    def pause(self, position: int) -> None:
        """Voice fell silent at sample ``position``, perhaps for good: see what has been said so far."""
        if self._stream is None:
            return
        if self._fed < self._audio.end:
            self._feed(self._stream, self._audio.end)
        if self._stream is not None:
            self._glance = glance = _Glance(position, asyncio.ensure_future(self._look(self._stream)))
            if self._on_sure is not None and _WHOLE_ANSWERS.issuperset(self.expectation.kinds):
                glance.judging = asyncio.ensure_future(self._judge_pause(glance, self._on_sure))

    def resume(self) -> None:
        """The pause was one between words."""
        if self._glance is not None:
            self._glance.cancel()
            self._glance = None

    def stop(self, position: int) -> None:
        """Voice ended at sample ``position``: ask for words and for the end of the turn."""
        stream, self._stream = self._stream, None
        glance, self._glance = self._glance, None
        self._stopped = position
        end = position + _TAIL
        begin = self._turn_start if self._whole and self._turn_start is not None else self._started
        if stream is not None and self._fed < end:
            self._feed(stream, end)
        heard = _Stretch(self.number, begin, self._started, end, position, self._whole)
        taken, self._taken = self._taken, None
        voice = self._started + int(PREROLL_S * SAMPLE_RATE)
        if taken is not None and not taken.may_go_on_with(voice, position):
            taken = None
        self._spawn(self._finish(stream, glance, heard, taken))
        early = glance.verdict if glance is not None and glance.position == position else 0.0
        self._spawn(self._judge(self.number, early))

    def turn_over(self) -> None:
        """The turn was taken: what comes next is a new one."""
        self._turn_start = self._turn_began = None
        self._taken, self._said = self._said, None

    async def settled(self, seconds: float) -> None:
        """Wait until everything that has been said is recognized, at most ``seconds``."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)

    async def close(self) -> None:
        """Give up what is running."""
        self.resume()
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _open(self, rung: int, on_partial: Callable[[Transcript], None] | None) -> UtteranceStream | None:
        for index in range(rung, len(self._recognizers)):
            try:
                return self._recognizers[index].open(self.expectation, on_partial)
            except SpeechError as error:
                self._on_degraded(self._rung_name(index + 1), str(error))
        return None

    def _feed(self, stream: UtteranceStream, stop: int) -> None:
        pcm: Pcm = self._audio.read(self._fed, stop)
        self._fed = stop
        try:
            stream.feed(pcm)
        except SpeechError as error:
            self._on_degraded(self._rung_name(1), str(error))
            stream.cancel()
            self._stream = None

    async def _look(self, stream: UtteranceStream) -> Transcript | None:
        try:
            transcript = await stream.glance()
        except SpeechError:
            return None  # the result will fail as well, and its failure is dealt with
        if transcript is not None and self._on_glance is not None:
            self._on_glance(transcript)
        return transcript

    async def _finish(
        self,
        stream: UtteranceStream | None,
        glance: _Glance | None,
        stretch: _Stretch,
        taken: Answer | None,
    ) -> None:
        began = time.monotonic()
        expectation = self.expectation
        async with self._order:
            transcript = await self._glanced(stream, glance, stretch) or await self._result(stream, stretch)
            added = None
            if taken is not None and self._recognizers:
                rung, read = self._recognizers[0], self._audio.read
                added = await taken.courtesy(transcript, stretch.end, rung, read)
            if added is None:
                self._said = Answer(transcript.text, expectation, stretch.begin, stretch.voice_end)
            await self._on_heard(
                HeardSpeech(
                    stretch.number,
                    added or transcript,
                    start=stretch.started / SAMPLE_RATE + (0 if stretch.whole else PREROLL_S),
                    end=stretch.voice_end / SAMPLE_RATE,
                    stt_ms=(time.monotonic() - began) * 1000,
                    continues=stretch.whole,
                    afterthought=added is not None,
                )
            )

    async def _glanced(
        self, stream: UtteranceStream | None, glance: _Glance | None, stretch: _Stretch
    ) -> Transcript | None:
        """What was seen when the pause began that turned out to be the end."""
        if glance is None or stream is None or glance.position != stretch.voice_end:
            return None
        done, _ = await asyncio.wait({glance.seen}, timeout=GLANCE_TIMEOUT_S)
        transcript = glance.seen.result() if done and not glance.seen.cancelled() else None
        if transcript is not None:
            stream.cancel()
        glance.cancel()
        return transcript

    async def _result(self, stream: UtteranceStream | None, stretch: _Stretch) -> Transcript:
        seconds = (stretch.end - stretch.begin) / SAMPLE_RATE
        for rung in range(len(self._recognizers)):
            if rung:
                stream = self._open(rung, None)
                if stream is None:
                    break
                # The failed recognizer may have heard only part of it: this one gets everything.
                stream.feed(self._audio.read(stretch.begin, stretch.end))
            if stream is None:
                continue
            try:
                async with asyncio.timeout(FINISH_TIMEOUT_S):
                    return await stream.finish()
            except (SpeechError, TimeoutError) as error:
                self._on_degraded(self._rung_name(rung + 1), str(error) or "no result in time")
            finally:
                stream.cancel()
        return Transcript("", 0.0, accepted=False, audio_seconds=seconds, source="none")

    async def _judge_pause(self, glance: _Glance, on_sure: Callable[[Transcript | None], None]) -> None:
        """Ask the turn model at the beginning of a pause: when it is sure, the rest of the pause proves
        nothing more."""
        model, began = self._turn_model, self._turn_began
        # The opinions at the ends of other speech come first.
        if model is None or began is None or model.busy:
            return
        glance.verdict = await model.probability(self._audio, began, self._audio.end)
        if glance.verdict < SURE:
            return
        await asyncio.wait({glance.seen}, timeout=GLANCE_TIMEOUT_S)
        said = glance.seen.result() if glance.seen.done() and not glance.seen.cancelled() else None
        if glance is self._glance and (said is None or (said.accepted and said.text)):
            on_sure(said)

    async def _judge(self, number: int, early: float) -> None:
        """Ask the turn model with the silence heard so far, and again with more of it while nobody speaks:
        the model hears an ending better with the pause behind it. ``early``: its opinion when the pause
        began, which stands where it was for an end."""
        for pause in (0.0, *SECOND_LOOKS_S):
            if pause:
                await asyncio.sleep(pause)
            began = self._turn_began
            if number != self.number or began is None:
                return
            model = self._turn_model
            if early > UNKNOWN and not pause:
                verdict = early
            else:
                end = self._audio.end
                verdict = await model.probability(self._audio, began, end) if model else UNKNOWN
            await self._on_verdict(number, verdict)
            if model is None or verdict >= SURE:
                return

    def _rung_name(self, index: int) -> str:
        return self._recognizers[index].name if index < len(self._recognizers) else "ask_to_repeat"

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@dataclass(slots=True, eq=False)
class _Glance:
    position: int
    """Sample at which the voice fell silent."""
    seen: asyncio.Future[Transcript | None]
    judging: asyncio.Future[None] | None = None
    verdict: float = 0.0
    """What the turn model thought of the pause when it began."""

    def cancel(self) -> None:
        """Nobody wants to know any more. Idempotent."""
        self.seen.cancel()
        if self.judging is not None:
            self.judging.cancel()


@dataclass(frozen=True, slots=True)
class _Stretch:
    number: int
    begin: int
    started: int
    end: int
    voice_end: int
    whole: bool

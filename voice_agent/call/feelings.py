"""How the caller sounds, turn by turn: the part of a call that listens for it and says what follows.

It hears the caller's leg alone, two seconds at a time: every second of speech, once when the voice stops,
and sounds between words. Nothing waits for it. When a turn ends, its snapshot is made of what is known; if
readings are still on their way they get a moment, while the reply is already being thought of, and what
comes later counts for the next turn. Without models, or with broken ones, the caller is neutral and the call
goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import numpy as np

from models.prosody import CallerBaseline
from models.speech import SAMPLE_RATE, Delivery
from voice_agent.call import events
from voice_agent.call.ear import HeardSpeech
from voice_agent.call.emotion_models import EmotionModels
from voice_agent.call.feeling_log import FeelingLog
from voice_agent.call.ledger import AgentUtterance
from voice_agent.call.leg_audio import LegAudio
from voice_agent.call.log import CallLog
from voice_agent.call.speaker import Manner
from voice_agent.call.tasks import CallTasks
from voice_agent.emotion.delivery import (
    FILLER_WORDS,
    FillerKind,
    SpeakingStyle,
    Tone,
    sensitive_topic,
    style_for,
    with_care,
)
from voice_agent.emotion.history import CallHistory
from voice_agent.emotion.readings import VoiceReading, WordsReading
from voice_agent.emotion.risk import Risk, RiskLevel, assess
from voice_agent.emotion.settings import EmotionPolicy
from voice_agent.emotion.snapshot import TurnEmotionSnapshot
from voice_agent.emotion.tracker import EmotionTracker
from voice_agent.reasoning.effects import Pace, SayKind
from voice_agent.reasoning.parts import RiskOverride
from voice_agent.reasoning.signals import Emotion, RiskChanged, Signal, Utterance, Via

WINDOW = 2 * SAMPLE_RATE
"""Samples of one window."""

EVERY = SAMPLE_RATE
"""Samples of speech between two windows."""

PREROLL = SAMPLE_RATE // 10
"""Samples before the detected onset."""

LAST_MIN = SAMPLE_RATE // 4
"""What came after the last window must be this long to be worth one of its own."""

SNAPSHOT_S = 0.15
"""What is not known so long after the end of a turn counts for the next one."""

BETWEEN = SAMPLE_RATE
"""Samples looked at when nobody speaks: a sigh or a laugh is no speech."""

ABOVE_FLOOR_DB = 8.0
QUIETEST_DB = -50.0
"""A sound between words must stand out from the line's own noise by this much, and be this loud."""

_FLOOR_RISE_DB = 0.5
"""How fast the noise floor follows a line that becomes louder, per look."""

_AGENT_WORDS = (SayKind.REPLY, SayKind.PROMPT, SayKind.GOODBYE)


class CallerFeelings:
    """Implements :class:`voice_agent.call.voice_activity.SpeechListener` for the caller's leg.

    Args:
        models: the process's models, None for none.
        voice: the service's own delivery.
        state_risk: what the current state of the graph says about risk.
        on_person: told of a risk that wants a person; once, until it has gone down again.
    """

    def __init__(
        self,
        audio: LegAudio,
        models: EmotionModels | None,
        policy: EmotionPolicy,
        voice: Delivery,
        log: CallLog,
        tasks: CallTasks,
        *,
        state_risk: Callable[[], RiskOverride | None],
        on_person: Callable[[Risk], object],
    ) -> None:
        self._audio = audio
        self._models = models if policy.enabled else None
        self._policy = policy
        self._voice = voice
        self._log = log
        self._record = FeelingLog(log)
        self._tasks = tasks
        self._state_risk = state_risk
        self._on_person = on_person
        self._tracker = EmotionTracker()
        self._history = CallHistory()
        self._baseline = CallerBaseline.unknown()
        self._style = SpeakingStyle(Tone(policy.tone))
        self._pace = 1.0
        self._pause_ms = 0
        self._careful_turn = -1
        self._turn = 0
        self._risk: Risk | None = None
        self._wanted = False
        self._unsent: TurnEmotionSnapshot | None = None
        self._told_level = RiskLevel.NORMAL
        self._speaking = False
        self._start = self._heard_to = self._due = self._looked_at = 0
        self._turn_end = 0
        self._floor_db = 0.0
        self._parts: list[HeardSpeech] = []
        self._words: WordsReading | None = None
        self._pending: set[asyncio.Task[None]] = set()
        self._silent_models: tuple[str, ...] = ()
        self._fillers = 0

    # The caller's leg

    def on_speech_started(self, position: int) -> None:
        """Voice began."""
        self._speaking = True
        self._start = max(self._heard_to, position - PREROLL, 0)
        self._due = self._start + EVERY

    def on_speech_progress(self, seconds: float) -> None:
        """Voice goes on: another window is due every second."""
        del seconds
        if self._audio.end >= self._due:
            self._due = self._audio.end + EVERY
            self._listen(max(self._start, self._audio.end - WINDOW), self._audio.end)

    def on_speech_stopped(self, position: int) -> None:
        """Voice ended: its last two seconds."""
        self._speaking = False
        stop = max(position, self._start)
        if stop - max(self._start, self._heard_to) >= LAST_MIN:
            self._listen(max(self._start, stop - WINDOW), stop)
        self._looked_at = self._audio.end

    def between_words(self) -> None:
        """Ten times a second: a sound that is no speech, and stands out, may be a burst."""
        end = self._audio.end
        if self._models is None or self._speaking or end - self._looked_at < BETWEEN:
            return
        self._looked_at = end
        x = self._audio.read(end - BETWEEN, end).astype(np.float32)
        level = 20 * float(np.log10(np.sqrt(np.mean(x * x)) / 32768.0 + 1e-6))
        if level > max(self._floor_db + ABOVE_FLOOR_DB, QUIETEST_DB) and self._floor_db:
            self._listen(end - BETWEEN, end, spoken=False)
        else:
            self._floor_db = level if not self._floor_db else min(level, self._floor_db + _FLOOR_RISE_DB)

    def _listen(self, start: int, stop: int, *, spoken: bool = True) -> None:
        if self._models is None:
            return
        self._heard_to = stop
        task = self._tasks.start(self._hear(self._models, start, stop, spoken), "hear feelings")
        self._follow(task)

    def _follow(self, task: asyncio.Task[None]) -> None:
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def _hear(self, models: EmotionModels, start: int, stop: int, spoken: bool) -> None:
        heard = await models.hear(self._log.call_sid, self._audio.read(start, stop), self._baseline)
        if heard is None:
            return
        if spoken:
            self._baseline = models.learn(self._baseline, heard)
        reading = VoiceReading(
            start / SAMPLE_RATE, stop / SAMPLE_RATE, heard.prosody, heard.burst, heard.measures, spoken
        )
        segment = self._tracker.hear(reading, late=stop <= self._turn_end)
        if segment is not None and self._tracker.shifted:
            self._record.shifted(segment, self._tracker.recent_bursts, self._history.barge_ins)

    # Words and turns

    def words(self, heard: HeardSpeech, backchannel: bool) -> None:
        """Words of the turn that is under way."""
        transcript = heard.transcript
        if self._models is None or backchannel or not transcript.text or not transcript.accepted:
            return
        self._parts = [heard] if heard.continues else [*self._parts, heard]
        text = " ".join(part.transcript.text for part in self._parts)
        confidence = min(part.transcript.confidence for part in self._parts)
        self._follow(self._tasks.start(self._read(self._models, text, confidence), "read feelings"))

    async def _read(self, models: EmotionModels, text: str, confidence: float) -> None:
        reading = await models.read(self._log.call_sid, text)
        if reading is not None:
            self._words = WordsReading(reading, len(text.split()), confidence)

    def turn_over(self, turn: int, utterance: Utterance) -> None:
        """The caller's turn was taken; its snapshot is made now, or as soon as readings under way are
        there."""
        if self._models is None and not self._policy.risk.enabled:
            return
        began = time.monotonic()
        self._parts = []
        self._turn_end = self._heard_to
        if utterance.via is Via.KEYPAD:
            self._words = None
        pending = {task for task in self._pending if not task.done()}
        if pending:
            self._tasks.start(self._conclude_soon(turn, utterance, pending, began), "feelings of a turn")
        else:
            self._conclude(turn, utterance, began)

    async def _conclude_soon(
        self, turn: int, utterance: Utterance, pending: set[asyncio.Task[None]], began: float
    ) -> None:
        await asyncio.wait(pending, timeout=SNAPSHOT_S)
        self._conclude(turn, utterance, began)

    def _conclude(self, turn: int, utterance: Utterance, began: float) -> None:
        if turn <= self._turn:
            return  # a later turn was concluded before this one's readings came
        self._turn = turn
        words, self._words = self._words, None
        context = self._history.context(self._log.now())
        snapshot = self._tracker.end_turn(turn, words, context, baseline_windows=self._baseline.windows)
        self._history.turn_over(len(utterance.text.split()), understood=utterance.accepted)
        if self._models is not None:
            self._style = style_for(
                snapshot,
                seconds=context.seconds,
                tone=self._policy.tone,
                hold_ms=self._policy.empathy_hold_ms,
            )
            self._pause_ms = self._style.pause_ms
            self._tell_what_is_missing(self._models)
            self._record.turn(snapshot, self._style, context, self._models.versions, began)
            self._applied()
            self._unsent = snapshot
        if self._policy.risk.enabled:
            self._score(snapshot, turn)

    def _score(self, snapshot: TurnEmotionSnapshot, turn: int) -> None:
        risk = assess(
            snapshot.valence,
            snapshot.arousal,
            self._history.context(self._log.now()),
            self._policy.risk,
            self._state_risk() or RiskOverride(),
            sustained=snapshot.sustained,
        )
        self._risk = risk
        self._record.risk(risk, turn)
        if risk.wants_person and not self._wanted:
            self._on_person(risk)
        self._wanted = risk.wants_person

    def _tell_what_is_missing(self, models: EmotionModels) -> None:
        silent = models.silent
        if silent and silent != self._silent_models:
            self._log.emit(events.Degraded(part="emotion", rung="neutral_baseline", reason=", ".join(silent)))
        self._silent_models = silent

    # What follows

    def sensed(self) -> tuple[Signal, ...]:
        """What the reasoner does not know yet of the caller's state."""
        signals: list[Signal] = [_signal(self._unsent)] if self._unsent is not None else []
        self._unsent = None
        if self._risk is not None and self._risk.level is not self._told_level:
            self._told_level = self._risk.level
            signals.append(RiskChanged(self._risk.score, self._risk.level.value))
        return tuple(signals)

    @property
    def risk_score(self) -> float | None:
        """0..1 after the last turn, None before the first."""
        return self._risk.score / 100 if self._risk is not None else None

    def pace(self, pace: Pace) -> None:
        """The caller, or an operator, wants it slower or faster."""
        self._pace = pace.speed
        self._applied(pace.reason)

    def manner(self, utterance: AgentUtterance) -> Manner:
        """How a sentence is to be spoken: in the style of the moment, with care where its topic asks for it,
        and after a pause where the caller needs space."""
        style = self._style
        topic = sensitive_topic(utterance.text, self._policy.sensitive_topics)
        if topic is not None:
            style = with_care(style, topic)
            if self._careful_turn != utterance.turn:
                self._careful_turn = utterance.turn
                self._record.applied(self._spoken(style), style, utterance.turn)
        pause_ms = 0
        if utterance.kind in _AGENT_WORDS and utterance.turn == self._turn:
            pause_ms, self._pause_ms = self._pause_ms, 0
        return Manner(self._spoken(style), pause_ms / 1000)

    def filler(self, text: str) -> str:
        """The filler that fits now instead of ``text``; "" for none."""
        if self._style.filler is FillerKind.SILENT:
            return ""
        fitting = FILLER_WORDS.get(self._style.filler)
        if fitting is None:
            return text
        self._fillers += 1
        return fitting[self._fillers % len(fitting)]

    def _spoken(self, style: SpeakingStyle) -> Delivery:
        return style.applied_to(self._voice, slowest=self._policy.min_tts_speed, pace=self._pace)

    def _applied(self, reason: str = "") -> None:
        self._record.applied(self._spoken(self._style), self._style, self._turn, reason)

    # The call's own events

    def on_event(self, event: events.CallEvent) -> None:
        """Something happened on the call that colours how its caller is to be read."""
        match event:
            case events.StateTransition():
                self._history.entered(event.to_state, event.transition_type)
            case events.ToolCallCompleted():
                self._history.tool(succeeded=event.succeeded and not led_nowhere(event.output))
            case events.BargeIn():
                self._history.interrupted()
            case events.SilenceCheck():
                self._history.silence(event.seconds)
            case _:
                pass

    def close(self) -> None:
        """The call is over."""
        if self._models is not None:
            self._models.forget(self._log.call_sid)


def _signal(snapshot: TurnEmotionSnapshot) -> Emotion:
    return Emotion(
        dominant=snapshot.feeling.value,
        valence=round(snapshot.valence, 3),
        arousal=round(snapshot.arousal, 3),
        details={
            "empathy_tier": int(snapshot.tier),
            "acknowledge": snapshot.acknowledge,
            "trend": snapshot.trend.value,
            "burst": snapshot.burst.delivery.value if snapshot.burst is not None else "",
            "compounds": [each.compound.value for each in snapshot.compounds],
        },
    )


def led_nowhere(output: object) -> bool:
    """A tool that worked and found nothing: an empty list, or a plain no.

    The first field of an output is its answer; what follows only qualifies it (``exact``, ``locked``).
    """
    answer = next(iter(output.values()), None) if isinstance(output, dict) else output
    return answer is False or answer == []

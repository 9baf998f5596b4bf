"""One caller's feelings over one call: windows in, a snapshot per turn out."""

from __future__ import annotations

from voice_agent.emotion.compound import Grounds, compounds
from voice_agent.emotion.empathy import sounds_unpleasant, tier_of, to_acknowledge
from voice_agent.emotion.feelings import Basic, basic_of_voice, basic_of_words
from voice_agent.emotion.fusion import fuse, segment_of, voice_confidence
from voice_agent.emotion.measures import CallerMeasures
from voice_agent.emotion.readings import CallContext, VoiceReading, WordsReading
from voice_agent.emotion.rolling import RollingView
from voice_agent.emotion.snapshot import Burst, Segment, TurnEmotionSnapshot

REFRACTORY_S = 3.0
"""Between two bursts: one sigh lies in several windows."""

CALM = 0.6
"""Arousal below which a window tells how the caller usually speaks."""

RECENT_BURSTS = 5


class EmotionTracker:
    """Everything that is known of one caller's feelings. Mutable; owned by one call, on one thread."""

    def __init__(self) -> None:
        self._view = RollingView()
        self._measures = CallerMeasures()
        self._segments: list[Segment] = []
        self._readings: list[VoiceReading] = []
        self._bursts: list[Burst] = []
        self._recent: list[Burst] = []
        self._sure_before = False
        self.shifted = False
        """Whether the newest window made an emotional shift."""

    @property
    def recent_bursts(self) -> tuple[Burst, ...]:
        """The newest bursts of the call, oldest first."""
        return tuple(self._recent)

    def hear(self, reading: VoiceReading, *, late: bool = False) -> Segment | None:
        """One more window of the turn; None when it could not be judged. A ``late`` one belongs to a turn
        that has ended: it only counts for the rolling view."""
        if not late:
            self._readings.append(reading)
        self.shifted = False
        segment = segment_of(reading)
        self._take_burst(reading)
        if reading.measures is not None and reading.spoken:
            self._measures.take(reading.measures, calm=segment is None or segment.arousal < CALM)
        if segment is None:
            return None
        if not late:
            self._segments.append(segment)
        self.shifted = self._view.add(segment)
        return segment

    def end_turn(
        self, turn_index: int, words: WordsReading | None, context: CallContext, *, baseline_windows: int = 0
    ) -> TurnEmotionSnapshot:
        """The caller's turn is over. ``context`` is as it was when the turn began."""
        segments, readings, bursts = self._segments, self._readings, tuple(self._bursts)
        self._segments, self._readings, self._bursts = [], [], []
        fused = fuse(segments, readings, words, context)
        feeling, confidence = fused.best
        before = self._view.mean_of_turns
        feeling = self._view.end_turn(feeling, confidence, fused.valence)
        tier = tier_of(fused.valence, feeling, fused.arousal, bursts)
        acknowledge = to_acknowledge(fused, tier, words, sure_before=self._sure_before)
        self._sure_before = sounds_unpleasant(fused)
        view = self._view
        return TurnEmotionSnapshot(
            turn_index=turn_index,
            at=context.seconds,
            feeling=feeling,
            confidence=fused.scores[feeling],
            valence=fused.valence,
            arousal=fused.arousal,
            dominance=fused.dominance,
            scores=fused.scores,
            rolling_valence=fused.valence if view.valence is None else view.valence,
            rolling_arousal=fused.arousal if view.arousal is None else view.arousal,
            trend=view.trend,
            coherence=fused.coherence,
            tier=tier,
            earlier_valence=before,
            acknowledge=acknowledge,
            compounds=compounds(
                Grounds(
                    voice=_voice_activations(readings),
                    words=basic_of_words(words.reading.emotions) if words is not None else {},
                    said=words,
                    arousal=fused.arousal,
                    valence=fused.valence,
                    before=before,
                    trend=view.trend,
                    context=context,
                )
            ),
            bursts=bursts,
            evidence=fused.evidence,
            speaker=self._measures.view,
            voice_over_words=fused.voice_over_words,
            sustained=view.sustained,
            shifts=view.shifts,
            segments=view.count,
            baseline_windows=baseline_windows,
            language_sentiment=_sentiment(words),
            segment=segments[-1] if segments else view.last,
        )

    def _take_burst(self, reading: VoiceReading) -> None:
        burst = reading.burst
        if burst is None or burst.likely is None:
            return
        if self._recent and reading.end - self._recent[-1].at < REFRACTORY_S:
            return
        found = Burst(
            delivery=burst.likely,
            score=burst.burst * burst.deliveries[burst.likely],
            named=burst.named is burst.likely,
            at=reading.end,
        )
        self._bursts.append(found)
        self._recent = [*self._recent, found][-RECENT_BURSTS:]


def _voice_activations(readings: list[VoiceReading]) -> dict[Basic, float]:
    """Basic emotions in the turn's voice, each window counted as far as its category is confirmed."""
    total = 0.0
    sums: dict[Basic, float] = {}
    for reading in readings:
        prosody = reading.prosody
        if prosody is None or not prosody.usable or not reading.spoken:
            continue
        total += 1.0
        top = max(prosody.categories.values())
        trust = voice_confidence(prosody) / top if top else 0.0
        for basic, activation in basic_of_voice(prosody.categories).items():
            sums[basic] = sums.get(basic, 0.0) + trust * activation
    return {basic: value / total for basic, value in sums.items()} if total else {}


def _sentiment(words: WordsReading | None) -> str:
    if words is None or not words.reading.usable:
        return "neutral"
    return max(words.reading.sentiment, key=lambda each: words.reading.sentiment[each]).value

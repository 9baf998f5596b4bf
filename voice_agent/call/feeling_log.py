"""Feelings, risk and delivery of one call as events."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from models.speech import Delivery
from voice_agent.call import emotion_events as events
from voice_agent.call.log import CallLog
from voice_agent.emotion.delivery import FillerKind, SpeakingStyle
from voice_agent.emotion.feelings import Feeling
from voice_agent.emotion.readings import CallContext
from voice_agent.emotion.risk import PLATFORM_LEVELS, Risk
from voice_agent.emotion.snapshot import Burst, Segment, TurnEmotionSnapshot


class FeelingLog:
    """Writes what :class:`~voice_agent.call.feelings.CallerFeelings` finds into the call's log."""

    def __init__(self, log: CallLog) -> None:
        self._log = log

    def shifted(self, segment: Segment, bursts: Sequence[Burst], barge_ins: int) -> None:
        """The caller changed in the middle of a turn."""
        self._log.emit(
            events.EmotionMeasured(
                dominant=segment.feeling.value,
                valence=_r(segment.valence),
                arousal=_r(segment.arousal),
                dominance=_r(segment.dominance),
                scores=_scores(segment.scores),
                recent_bursts=_bursts(bursts),
                segment_dominant=segment.feeling.value,
                segment_valence=_r(segment.valence),
                segment_arousal=_r(segment.arousal),
                turn_valence=_r(segment.valence),
                turn_arousal=_r(segment.arousal),
                barge_in_count=barge_ins,
                call_duration_s=_r(max(0.0, self._log.now())),
            )
        )

    def turn(
        self,
        snapshot: TurnEmotionSnapshot,
        style: SpeakingStyle,
        context: CallContext,
        versions: Mapping[str, str],
        began: float,
    ) -> None:
        """A turn's snapshot. ``began``: ``time.monotonic()`` of the end of the turn."""
        segment, speaker = snapshot.segment, snapshot.speaker
        self._log.emit(
            events.EmotionMeasured(
                dominant=snapshot.feeling.value,
                valence=_r(snapshot.rolling_valence),
                arousal=_r(snapshot.rolling_arousal),
                dominance=_r(snapshot.dominance),
                coherence=_r(snapshot.coherence),
                trend=snapshot.trend.value,
                scores=_scores(snapshot.scores),
                recent_bursts=_bursts(snapshot.bursts),
                language_sentiment=snapshot.language_sentiment,
                segment_dominant=segment.feeling.value if segment else "neutral",
                segment_valence=_r(segment.valence) if segment else 0.0,
                segment_arousal=_r(segment.arousal) if segment else 0.5,
                speaker=events.SpeakerDelta(
                    energy_delta=speaker.energy_delta,
                    energy_trend=speaker.energy_trend.value,
                    pitch_delta=speaker.pitch_delta,
                    zcr_delta=speaker.zcr_delta,
                    normalized=speaker.normalized,
                ),
                emotional_shifts=snapshot.shifts,
                barge_in_count=context.barge_ins,
                call_duration_s=_r(context.seconds),
                total_segments=snapshot.segments,
                turn_count=snapshot.turn_index,
                turn_index=snapshot.turn_index,
                turn_valence=_r(snapshot.valence),
                turn_arousal=_r(snapshot.arousal),
                confidence=_r(snapshot.confidence),
                voice_over_words=snapshot.voice_over_words,
                sustained_negative=snapshot.sustained,
                baseline_windows=snapshot.baseline_windows,
                snapshot_ms=round((time.monotonic() - began) * 1000, 1),
                evidence=[
                    events.EmotionEvidence(kind=each.kind.value, detail=each.detail, weight=_r(each.weight))
                    for each in snapshot.evidence
                ],
                models=dict(versions),
            )
        )
        self._log.emit(
            events.CompoundEmotion(
                turn_index=snapshot.turn_index,
                compounds=[
                    events.NamedScore(name=each.compound.value, score=each.score)
                    for each in snapshot.compounds
                ],
            )
        )
        self._log.emit(
            events.EmpathyClassified(
                tier=int(snapshot.tier),
                tier_name=snapshot.tier.name,
                empathy_baseline=_r(snapshot.earlier_valence),
                filler_type=style.filler.value,
                should_pause=style.pause_ms > 0,
                suppress_filler=style.filler is FillerKind.SILENT,
                acknowledge=snapshot.acknowledge,
                turn_index=snapshot.turn_index,
            )
        )

    def applied(self, spoken: Delivery, style: SpeakingStyle, turn: int, reason: str = "") -> None:
        """How the agent speaks from now on. ``reason``: what somebody asked for, on top of the style's."""
        self._log.emit(
            events.VoiceContextApplied(
                tts_emotion=spoken.emotion,
                tts_speed=_r(spoken.rate),
                tts_volume=_r(spoken.volume),
                tts_pitch=_r(spoken.pitch),
                filler_enabled=style.filler is not FillerKind.SILENT,
                reasoning="; ".join(filter(None, (*style.reasons, reason))),
                pause_ms=style.pause_ms,
                turn_index=turn,
            )
        )

    def risk(self, risk: Risk, turn: int) -> None:
        """The risk after a turn."""
        self._log.emit(
            events.RiskScored(
                risk_score=_r(risk.score / 100),
                level=risk.level.value,
                risk_level=PLATFORM_LEVELS[risk.level],
                signals=[
                    events.RiskSignalPart(
                        name=each.name,
                        raw=each.raw,
                        weight=_r(each.weight),
                        weighted=each.weighted,
                        detail=each.detail,
                    )
                    for each in risk.signals
                ],
                sustained_negative=risk.sustained,
                turn_index=turn,
            )
        )


def _scores(scores: Mapping[Feeling, float]) -> list[events.NamedScore]:
    """Strongest first, those that are nothing left out."""
    ordered = sorted(scores.items(), key=lambda item: -item[1])
    return [events.NamedScore(name=name.value, score=_r(score)) for name, score in ordered if score >= 0.01]


def _bursts(bursts: Sequence[Burst]) -> list[events.RecentBurst]:
    return [
        events.RecentBurst(type=each.delivery.value, score=_r(each.score), at=_r(each.at)) for each in bursts
    ]


def _r(value: float) -> float:
    return round(value, 3)

"""What an ended call adds up to: counts, latencies, key moments and metric values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from statistics import fmean, quantiles
from typing import Literal

from pydantic import BaseModel

from voice_agent.api.platform.fields import service_uuid
from voice_agent.api.platform.vocabulary import (
    CompletionReason,
    Direction,
    RiskLevel,
    completion_reason,
    direction,
    risk_level,
)
from voice_agent.call.record_fold import CallRecord, TurnRecord
from voice_agent.call.timeline_model import PlaybackTimeline, SegmentType
from voice_agent.operators.escalation_records import EscalationRecord

LATENCY_SPIKE_MS = 3000.0
"""An answer that comes later than this is remembered by the caller."""


class Severity(StrEnum):
    """How bad a moment was."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class MomentType(StrEnum):
    """What kind of moment it was."""

    LATENCY_SPIKE = "latency_spike"
    SILENCE = "silence"
    BARGE_IN = "barge_in"
    LOOP = "loop"
    TOOL_FAILURE = "tool_failure"
    ESCALATION = "escalation"


class KeyMoment(BaseModel):
    """Something to look at."""

    turn: int | None
    type: MomentType
    severity: Severity
    description: str


class ConversationSummary(BaseModel):
    """How the conversation went."""

    turn_count: int
    states_visited_count: int
    unique_states: int
    loop_count: int
    barge_in_count: int


class LatencySummary(BaseModel):
    """Latencies in ms over all turns; ``silence_ratio`` is 0..1 of the call."""

    avg_audio_ttfb_ms: float | None
    p50_audio_ttfb_ms: float | None
    p95_audio_ttfb_ms: float | None
    avg_engine_ms: float | None
    p50_engine_ms: float | None
    p95_engine_ms: float | None
    avg_nav_ms: float | None
    avg_render_ms: float | None
    silence_ratio: float | None
    turn_count: int | None


class ToolSummary(BaseModel):
    """How tools did."""

    total_calls: int
    succeeded: int
    failed: int
    failure_rate: float


class OperatorIntelligenceSummary(BaseModel):
    """Whether a person was wanted, and came."""

    escalated: bool
    operator_active: bool | None


class RiskSummary(BaseModel):
    """The last risk that was computed."""

    composite_score: float
    level: RiskLevel


class CallIntelligenceDetail(BaseModel):
    """Everything that an ended call adds up to."""

    call_id: str
    call_sid: str | None
    direction: Direction
    duration_seconds: float
    completion_reason: CompletionReason | None
    final_state: str | None
    created_at: datetime | None
    conversation_summary: ConversationSummary | None
    latency_summary: LatencySummary | None
    tool_summary: ToolSummary | None
    operator_summary: OperatorIntelligenceSummary | None
    risk_summary: RiskSummary | None
    key_moments: list[KeyMoment]
    emotion_summary: None = None
    safety_summary: None = None
    quality_score: float | None = None
    quality_breakdown: None = None


class MetricValue(BaseModel):
    """A value measured in one call."""

    metric_key: str
    unit: str | None
    entity_id: str | None
    entity_type: str | None = "call"
    service_id: str | None
    session_id: str | None
    run_id: str | None = None
    period_start: datetime
    period_end: datetime
    computed_at: datetime | None
    event_count: int
    avg_confidence: float | None = None
    source: str = "production"


class NumericalMetricValue(MetricValue):
    """A number."""

    metric_type: Literal["numerical"] = "numerical"
    value: float | None


class CategoricalMetricValue(MetricValue):
    """One of several words."""

    metric_type: Literal["categorical"] = "categorical"
    value: str | None


class BooleanMetricValue(MetricValue):
    """Yes or no."""

    metric_type: Literal["boolean"] = "boolean"
    value: bool | None


AnyMetricValue = NumericalMetricValue | CategoricalMetricValue | BooleanMetricValue


class MetricListResponse(BaseModel):
    """Values of one call."""

    metrics: list[AnyMetricValue]


def intelligence(
    call: CallRecord,
    turns: Sequence[TurnRecord],
    line: PlaybackTimeline,
    escalation: EscalationRecord | None,
) -> CallIntelligenceDetail:
    """What an ended call adds up to."""
    tools = [tool["succeeded"] for turn in turns for tool in turn.tool_calls]
    failed = sum(1 for succeeded in tools if succeeded is False)
    scored = [mood.risk_score for mood in line.moods if mood.risk_score is not None]
    risk = scored[-1] if scored else escalation.context.risk_score if escalation else None
    return CallIntelligenceDetail(
        call_id=str(call.entity_id),
        call_sid=call.call_sid,
        direction=direction(call.direction) or Direction.INBOUND,
        duration_seconds=call.duration_seconds,
        completion_reason=completion_reason(call.completion_reason),
        final_state=call.final_state,
        created_at=call.ended_at,
        conversation_summary=ConversationSummary(
            turn_count=call.turn_count,
            states_visited_count=len(call.states_visited),
            unique_states=len(set(call.states_visited)),
            loop_count=_loops(call),
            barge_in_count=len(call.barge_in_events),
        ),
        latency_summary=_latencies(turns, line),
        tool_summary=ToolSummary(
            total_calls=len(tools),
            succeeded=sum(1 for succeeded in tools if succeeded),
            failed=failed,
            failure_rate=failed / len(tools) if tools else 0.0,
        ),
        operator_summary=OperatorIntelligenceSummary(
            escalated=call.escalation_status != "none",
            operator_active=any(leg["role"] == "operator" for leg in call.participants),
        ),
        risk_summary=None if risk is None else RiskSummary(composite_score=risk, level=_level(risk)),
        key_moments=list(_moments(call, turns, line)),
    )


def call_metrics(call: CallRecord, turns: Sequence[TurnRecord], now: datetime) -> list[AnyMetricValue]:
    """The values measured in a call, the whole of which is their period."""
    common = {
        "entity_id": str(call.entity_id),
        "service_id": str(service_uuid(call.service_id)) if call.service_id else None,
        "session_id": call.call_sid,
        "period_start": call.started_at,
        "period_end": call.ended_at or call.last_event_at,
        "computed_at": now,
        "event_count": call.last_seq,
    }

    def number(key: str, value: float | None, unit: str | None = None) -> NumericalMetricValue:
        return NumericalMetricValue.model_validate(
            {**common, "metric_key": key, "value": value, "unit": unit}
        )

    tools = [tool for turn in turns for tool in turn.tool_calls]
    values: list[AnyMetricValue] = [
        number("call_duration_seconds", call.duration_seconds, "seconds"),
        number("turn_count", call.turn_count),
        number("barge_in_count", len(call.barge_in_events)),
        number("loop_count", _loops(call)),
        number("tool_call_count", len(tools)),
        number("tool_failure_count", sum(1 for tool in tools if tool["succeeded"] is False)),
        number("avg_perceived_latency_ms", call.avg_perceived_latency_ms, "ms"),
        BooleanMetricValue.model_validate(
            {**common, "metric_key": "escalated", "unit": None, "value": call.escalation_status != "none"}
        ),
        CategoricalMetricValue.model_validate(
            {
                **common,
                "metric_key": "completion_reason",
                "unit": None,
                "value": completion_reason(call.completion_reason),
            }
        ),
    ]
    return values


def _loops(call: CallRecord) -> int:
    """How often the conversation came back to a state where it had been."""
    return len(call.states_visited) - len(set(call.states_visited))


def _latencies(turns: Sequence[TurnRecord], line: PlaybackTimeline) -> LatencySummary:
    def of(read: Callable[[TurnRecord], float | None]) -> list[float]:
        return [value for turn in turns if (value := read(turn)) is not None]

    audio, engine = of(lambda turn: turn.audio_ttfb_ms), of(lambda turn: turn.engine_ms)
    seconds = line.duration_seconds
    return LatencySummary(
        avg_audio_ttfb_ms=_mean(audio),
        p50_audio_ttfb_ms=_percentile(audio, 50),
        p95_audio_ttfb_ms=_percentile(audio, 95),
        avg_engine_ms=_mean(engine),
        p50_engine_ms=_percentile(engine, 50),
        p95_engine_ms=_percentile(engine, 95),
        avg_nav_ms=_mean(of(lambda turn: turn.nav_ms)),
        avg_render_ms=_mean(of(lambda turn: turn.render_ms)),
        silence_ratio=min(1.0, line.total_silence_seconds / seconds) if seconds > 0 else None,
        turn_count=len(audio),
    )


def _moments(call: CallRecord, turns: Sequence[TurnRecord], line: PlaybackTimeline) -> Iterator[KeyMoment]:
    for turn in turns:
        if turn.e2e_ttfb_ms is not None and turn.e2e_ttfb_ms >= LATENCY_SPIKE_MS:
            yield KeyMoment(
                turn=turn.turn_index,
                type=MomentType.LATENCY_SPIKE,
                severity=Severity.WARNING,
                description=f"The answer came after {turn.e2e_ttfb_ms / 1000:.1f} s",
            )
        for tool in turn.tool_calls:
            if tool["succeeded"] is False:
                yield KeyMoment(
                    turn=turn.turn_index,
                    type=MomentType.TOOL_FAILURE,
                    severity=Severity.ERROR,
                    description=f"{tool['tool_name']} failed",
                )
    for segment in line.segments:
        if segment.type in (SegmentType.BARGE_IN, SegmentType.SILENCE_CHECK):
            silence = segment.type is SegmentType.SILENCE_CHECK
            yield KeyMoment(
                turn=segment.turn_index,
                type=MomentType.SILENCE if silence else MomentType.BARGE_IN,
                severity=Severity.WARNING if silence else Severity.INFO,
                description=segment.label,
            )
    if loops := _loops(call):
        yield KeyMoment(
            turn=None,
            type=MomentType.LOOP,
            severity=Severity.WARNING,
            description=f"Came back to a former state, {loops} in all",
        )
    if call.escalation_status != "none":
        yield KeyMoment(
            turn=None,
            type=MomentType.ESCALATION,
            severity=Severity.WARNING,
            description=f"A person was wanted: {call.escalation_status}",
        )


def _level(score: float) -> RiskLevel:
    return risk_level("", score) or RiskLevel.LOW


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _percentile(values: Sequence[float], percent: int) -> float | None:
    if len(values) < 2:
        return values[0] if values else None
    return quantiles(values, n=100, method="inclusive")[percent - 1]

"""The timeline of a call: its events as segments on lanes, with the totals, in the published shape.

Pure, and total: any prefix of a call's events gives a timeline. Seconds count from the caller's first audio.

What a segment is: speech as it was heard (an interrupted sentence ends where it was cut; what was not heard
is in ``unheard``); ``processing_gap`` from the end of a caller's turn to the agent's next sound; ``silence``
where nobody speaks and nobody owes an answer; ``barge_in`` from the caller's voice to the agent's silence;
silence checks and moves of the graph are points in time, with ``start == end``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from voice_agent.call.events import (
    AgentTranscript,
    BargeIn,
    CallEvent,
    Latency,
    SessionEnd,
    SilenceCheck,
    SpeechStarted,
    SpeechStopped,
    StateTransition,
    ToolCallCompleted,
    ToolCallStarted,
    TurnCompleted,
    UserTranscript,
)
from voice_agent.call.timeline_model import (
    AGENT_SOUNDS,
    LANES,
    Lane,
    PlaybackTimeline,
    SegmentType,
    TimelineSegment,
    TimelineTimebase,
    TurnTimeline,
)
from voice_agent.call.timeline_moods import moods

MIN_SILENCE_S = 1.0
"""Shorter pauses belong to ordinary talk."""

SAME_SPEECH_S = 0.25
"""Voice activity this close to a transcript's span is the same speech."""


_SPEECH_KINDS = {
    "greeting": SegmentType.GREETING,
    "filler": SegmentType.FILLER_HESITATION,
    "progress": SegmentType.FILLER_NAV,
}
"""What kinds of sentence are called on the timeline; any other is ``agent_speech``."""

Span = tuple[float, float]


def timeline(events: Iterable[CallEvent]) -> PlaybackTimeline:
    """The timeline of a call from its events, in order."""
    known = [event for event in events if event.seq > 0 or event.call_sid]
    end = _end_of(known)
    builder = _Builder(known, end)
    return builder.timeline()


class _Builder:
    def __init__(self, events: Sequence[CallEvent], end: float) -> None:
        self._events = events
        self._end = end
        self._latencies = {e.turn_index: e for e in events if isinstance(e, Latency) and not e.continuation}
        self._completed = {e.turn_index: e for e in events if isinstance(e, TurnCompleted)}
        self._segments: list[TimelineSegment] = []

    def timeline(self) -> PlaybackTimeline:
        self._add_speech()
        self._add_unrecognised_speech()
        self._add_tools()
        self._add_points()
        gaps = self._add_processing_gaps()
        spoken = [
            _span(s) for s in self._segments if s.type in AGENT_SOUNDS or s.type == SegmentType.CALLER_SPEECH
        ]
        self._add_silences(spoken + gaps)
        segments = sorted(self._segments, key=lambda s: (s.start, s.end))
        perceived = [
            event.e2e_ttfb_ms
            for event in self._latencies.values()
            if not event.is_greeting and event.e2e_ttfb_ms > 0
        ]
        waits = [(stop - start) * 1000 for start, stop in gaps]
        lanes = {segment.lane for segment in segments} | {Lane.CALLER, Lane.AGENT}
        return PlaybackTimeline(
            duration_seconds=self._end,
            segments=[s.model_copy(update={"order": order}) for order, s in enumerate(segments)],
            turns=self._turns(segments),
            lanes=[lane for key, lane in LANES.items() if key in lanes],
            timebase=TimelineTimebase(start=min([0.0, *(s.start for s in segments)]), end=self._end),
            total_agent_speech_seconds=_length(
                [_span(s) for s in segments if s.type in AGENT_SOUNDS and s.lane is Lane.AGENT]
            ),
            total_user_speech_seconds=_length(
                [_span(s) for s in segments if s.type == SegmentType.CALLER_SPEECH]
            ),
            total_silence_seconds=max(0.0, self._end - _length(spoken)),
            avg_perceived_latency_ms=_mean(perceived),
            avg_processing_gap_ms=_mean(waits),
            max_processing_gap_ms=max(waits, default=None),
            moods=moods(self._events),
        )

    def _add(self, type_: SegmentType, lane: Lane, start: float, end: float, **fields: object) -> None:
        start, end = max(0.0, start), max(0.0, start, end)
        segment = TimelineSegment.model_validate(
            {
                "type": type_,
                "lane": lane,
                "start": round(start, 3),
                "end": round(end, 3),
                "label": "",
                "turn_index": 0,
                "lane_id": LANES[lane].id,
                "track": LANES[lane].track,
                "duration_ms": round((end - start) * 1000, 1),
                **fields,
            }
        )
        self._segments.append(segment)

    def _add_speech(self) -> None:
        first_of_turn: set[int] = set()
        for event in self._events:
            if isinstance(event, UserTranscript) and event.final and event.via == "speech":
                if event.speaker_role == "operator":
                    self._add(
                        SegmentType.AGENT_SPEECH,
                        Lane.OPERATOR,
                        event.start,
                        event.end,
                        label=event.transcript,
                        turn_index=event.turn_index,
                        stt_confidence=event.confidence,
                    )
                    continue
                completed = self._completed.get(event.turn_index)
                self._add(
                    SegmentType.CALLER_SPEECH,
                    Lane.CALLER,
                    event.start,
                    event.end,
                    label=event.transcript,
                    turn_index=event.turn_index,
                    stt_confidence=event.confidence,
                    eot_confidence=completed.eot_confidence if completed else None,
                )
            elif isinstance(event, AgentTranscript) and event.end > event.start:
                latency = None
                if event.turn_index not in first_of_turn:
                    first_of_turn.add(event.turn_index)
                    latency = self._latencies.get(event.turn_index)
                self._add_agent_speech(event, latency)

    def _add_agent_speech(self, event: AgentTranscript, latency: Latency | None) -> None:
        kind = _SPEECH_KINDS.get(event.kind, SegmentType.AGENT_SPEECH)
        times: dict[str, object] = {}
        if latency is not None:
            names = ("audio_ttfb_ms", "e2e_ttfb_ms", "engine_ms", "nav_ms", "render_ms")
            times = {name: getattr(latency, name) for name in names}
        self._add(
            SegmentType.INTERRUPTED_SPEECH if event.interrupted else kind,
            Lane.AGENT,
            event.start,
            event.end,
            label=event.heard or event.text,
            turn_index=event.turn_index,
            unheard=event.unheard or None,
            **times,
        )

    def _add_unrecognised_speech(self) -> None:
        """Voice of the caller that no transcript covers: a word not understood, a cough, the street."""
        heard = [_span(s) for s in self._segments if s.lane is Lane.CALLER]
        began: float | None = None
        turn = 0
        for event in self._events:
            if isinstance(event, TurnCompleted):
                turn = event.turn_index
            elif isinstance(event, SpeechStarted) and event.leg == "caller":
                began = event.t
            elif isinstance(event, SpeechStopped) and event.leg == "caller" and began is not None:
                start, stop = began, max(began, event.speech_end)
                began = None
                near = SAME_SPEECH_S
                if not any(start < b + near and a < stop + near for a, b in heard):
                    self._add(SegmentType.CALLER_SPEECH, Lane.CALLER, start, stop, turn_index=turn)

    def _add_tools(self) -> None:
        ended = {event.call_id: event for event in self._events if isinstance(event, ToolCallCompleted)}
        turn = 0
        for event in self._events:
            if isinstance(event, TurnCompleted):
                turn = event.turn_index
            elif isinstance(event, ToolCallStarted):
                result = ended.get(event.call_id)
                self._add(
                    SegmentType.TOOL_CALL,
                    Lane.TOOL,
                    event.t,
                    result.t if result else self._end,
                    label=event.tool_name,
                    turn_index=turn,
                    call_id=event.call_id,
                    tool_name=event.tool_name,
                    succeeded=result.succeeded if result else None,
                )

    def _add_points(self) -> None:
        turn = 0
        for event in self._events:
            match event:
                case TurnCompleted():
                    turn = event.turn_index
                case BargeIn():
                    self._add(
                        SegmentType.BARGE_IN,
                        Lane.EVENTS,
                        event.t - event.stop_ms / 1000,
                        event.t,
                        label="Caller interrupts",
                        turn_index=turn,
                        unheard=" ".join([event.interrupted_text, *event.discarded_texts]).strip() or None,
                    )
                case SilenceCheck():
                    self._add(
                        SegmentType.SILENCE_CHECK,
                        Lane.EVENTS,
                        event.t,
                        event.t,
                        label=f"Silence for {event.seconds:.0f} s, check {event.count}",
                        turn_index=turn,
                    )
                case StateTransition():
                    self._add(
                        SegmentType.STATE_TRANSITION,
                        Lane.EVENTS,
                        event.t,
                        event.t,
                        label=event.annotation or event.to_state,
                        turn_index=turn,
                        state=event.to_state,
                        from_state=event.from_state or None,
                        to_state=event.to_state,
                    )
                case _:
                    pass

    def _add_processing_gaps(self) -> list[Span]:
        sounds = sorted(s.start for s in self._segments if s.type in AGENT_SOUNDS and s.lane is Lane.AGENT)
        caller = sorted(s.start for s in self._segments if s.lane is Lane.CALLER)
        gaps: list[Span] = []
        for turn in self._completed.values():
            start = max(0.0, turn.speech_end)
            answer = next((at for at in sounds if at >= start), None)
            # The caller who goes on before an answer ended the gap herself.
            more = next((at for at in caller if at > start), None)
            if answer is None or (more is not None and more < answer):
                continue
            latency = self._latencies.get(turn.turn_index)
            self._add(
                SegmentType.PROCESSING_GAP,
                Lane.SYSTEM,
                start,
                answer,
                label=f"{(answer - start) * 1000:.0f} ms",
                turn_index=turn.turn_index,
                eot_confidence=turn.eot_confidence,
                e2e_ttfb_ms=latency.e2e_ttfb_ms if latency else None,
            )
            gaps.append((start, answer))
        return gaps

    def _add_silences(self, busy: list[Span]) -> None:
        at = 0.0
        for start, stop in [*_merged(busy), (self._end, self._end)]:
            if start - at >= MIN_SILENCE_S:
                self._add(
                    SegmentType.SILENCE, Lane.SYSTEM, at, start, label=f"{start - at:.1f} s", turn_index=0
                )
            at = max(at, stop)

    def _turns(self, segments: list[TimelineSegment]) -> list[TurnTimeline]:
        spans: dict[int, list[Span]] = {}
        for segment in segments:
            if segment.type in AGENT_SOUNDS or segment.type == SegmentType.CALLER_SPEECH:
                spans.setdefault(segment.turn_index, []).append(_span(segment))
        return [
            TurnTimeline(
                turn_index=index,
                seek_to=max(0.0, min(start for start, _ in spans[index]) - 0.5),
                active_start=min(start for start, _ in spans[index]),
                active_end=max(stop for _, stop in spans[index]),
            )
            for index in sorted(spans)
        ]


def _end_of(events: Sequence[CallEvent]) -> float:
    ends = [0.0]
    for event in events:
        ends.append(event.t)
        if isinstance(event, SessionEnd):
            ends.append(event.duration_seconds)
        elif isinstance(event, (AgentTranscript, UserTranscript)):
            ends.append(event.end)
    return round(max(ends), 3)


def _span(segment: TimelineSegment) -> Span:
    return segment.start, segment.end


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _length(spans: Iterable[Span]) -> float:
    return round(sum(stop - start for start, stop in _merged(spans)), 3)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None

"""What a call leaves behind: a folder with its events, words, pictures, sound and figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import numpy as np
import numpy.typing as npt

from voice_agent.call.events import (
    AgentTranscript,
    BargeIn,
    CallEvent,
    Degraded,
    Latency,
    SessionEnd,
    SessionStart,
    StateTransition,
    ToolCallCompleted,
    UserTranscript,
)
from voice_agent.cli.hearing import stretches_of, turn_gaps
from voice_agent.cli.wav import write_wav

Pcm = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class CallRecording:
    """A finished call as the caller's phone saw it.

    Attributes:
        call_sid: of the caller's leg.
        events: everything the practice told about it, in order.
        inbound: what the caller said, int16 8 kHz.
        outbound: what the caller heard, aligned with ``inbound``.
        audio_starts_at: the call's clock (``t`` of events) at the first sample.
    """

    call_sid: str
    events: Sequence[CallEvent]
    inbound: Pcm
    outbound: Pcm
    audio_starts_at: float = 0.0


def write_report(folder: Path, call: CallRecording, pictures: Mapping[str, bytes]) -> dict[str, Any]:
    """Write all files of a call into ``folder`` (made when missing) and return the summary.

    ``pictures``: files that the practice drew of the call, by their names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    events = "".join(event.model_dump_json() + "\n" for event in call.events)
    (folder / "events.jsonl").write_text(events)
    (folder / "transcript.txt").write_text(transcript(call.events))
    summary = summarize(call)
    (folder / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    write_wav(folder / "inbound.wav", call.inbound)
    write_wav(folder / "outbound.wav", call.outbound)
    write_wav(folder / "stereo.wav", call.inbound, call.outbound)
    for name, picture in pictures.items():
        (folder / name).write_bytes(picture)
    return summary


def transcript(events: Sequence[CallEvent]) -> str:
    """The words of a call, a line per utterance, with what the caller did not get to hear in brackets."""
    lines: list[tuple[float, str]] = []
    for event in events:
        match event:
            case UserTranscript(final=True):
                words = event.transcript or "(not understood)"
                if event.is_backchannel:
                    words += "  [backchannel]"
                lines.append((event.start, f"{event.speaker_role.capitalize():9} {words}"))
            case AgentTranscript():
                unheard = f"  [not heard: {event.unheard}]" if event.unheard else ""
                lines.append((event.start, f"{'Agent':9} {event.heard}{unheard}"))
    lines.sort(key=lambda line: line[0])
    return "".join(f"{int(t // 60):2d}:{t % 60:04.1f}  {words}\n" for t, words in lines)


def summarize(call: CallRecording) -> dict[str, Any]:
    """The figures of a call. Latencies in ms; ``mouth_to_ear`` is measured in the caller's own sound."""
    events = call.events
    start = next((event for event in events if isinstance(event, SessionStart)), None)
    end = next((event for event in events if isinstance(event, SessionEnd)), None)
    replies = [event for event in events if isinstance(event, Latency)]
    caller, agent = stretches_of(call.inbound), stretches_of(call.outbound)
    barge_ins = [event for event in events if isinstance(event, BargeIn)]
    return {
        "call_sid": call.call_sid,
        "caller": start.caller_id if start else None,
        "called": start.called if start else None,
        "completion_reason": end.completion_reason if end else "unknown",
        "duration_seconds": round(end.duration_seconds if end else len(call.outbound) / 8000, 2),
        "turns": sum(isinstance(event, UserTranscript) and event.final for event in events),
        "states": [event.to_state for event in events if isinstance(event, StateTransition)],
        "tools": [
            {"name": event.tool_name, "succeeded": event.succeeded, "ms": round(event.duration_ms)}
            for event in events
            if isinstance(event, ToolCallCompleted)
        ],
        "barge_ins": len(barge_ins),
        "barge_in_stop_ms": [round(event.stop_ms) for event in barge_ins],
        "degraded": [f"{event.part}: {event.rung}" for event in events if isinstance(event, Degraded)],
        "first_agent_sound_s": round(agent[0].start, 3) if agent else None,
        "latency_ms": {
            "greeting": [round(event.e2e_ttfb_ms) for event in replies if event.is_greeting],
            "replies": _spread([event.e2e_ttfb_ms for event in replies if not event.is_greeting]),
            "engine": _spread([event.engine_ms for event in replies if not event.is_greeting]),
            "voice": _spread([event.audio_ttfb_ms for event in replies if not event.is_greeting]),
            "mouth_to_ear": _spread([gap * 1000 for gap in turn_gaps(caller, agent)]),
        },
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    """Count, middle and tail of some values; empty when there are none."""
    if not values:
        return {}
    p95 = quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    return {"n": len(values), "p50": round(median(values)), "p95": round(p95), "max": round(max(values))}

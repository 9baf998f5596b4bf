"""How the caller felt over a call, and what the agent changed because of it, as points in time.

Pure and total, as the timeline is: any prefix of a call's events gives the points that are known by then.
"""

from __future__ import annotations

from collections.abc import Iterable

from voice_agent.call.events import (
    CallEvent,
    CompoundEmotion,
    EmotionMeasured,
    RiskScored,
    VoiceContextApplied,
)
from voice_agent.call.timeline_model import TimelineMood

PLAIN = 0.01
"""Speed and volume this close to normal are no change."""


def moods(events: Iterable[CallEvent]) -> list[TimelineMood]:
    """One point per turn of the caller, and one for every shift within a turn, in order."""
    found: list[TimelineMood] = []
    known: dict[int, int] = {}
    for event in events:
        match event:
            case EmotionMeasured():
                known[event.turn_index] = len(found)
                found.append(
                    TimelineMood(
                        at=max(0.0, round(event.t, 3)),
                        turn_index=event.turn_index,
                        dominant=event.dominant,
                        valence=event.turn_valence,
                        arousal=event.turn_arousal,
                        bursts=[burst.type for burst in event.recent_bursts],
                    )
                )
            case CompoundEmotion(turn_index=turn) if turn in known:
                scores = {compound.name: compound.score for compound in event.compounds}
                _change(found, known[turn], compounds=scores)
            case RiskScored(turn_index=turn) if turn in known:
                _change(found, known[turn], risk_score=event.risk_score, risk_level=event.level)
            case VoiceContextApplied(turn_index=turn) if turn in known and _is_change(event):
                _change(found, known[turn], delivery=event.reasoning, tone=event.tts_emotion)
            case _:
                pass
    return found


def _change(found: list[TimelineMood], index: int, **fields: object) -> None:
    found[index] = found[index].model_copy(update=fields)


def _is_change(event: VoiceContextApplied) -> bool:
    plain = abs(event.tts_speed - 1.0) < PLAIN and abs(event.tts_volume - 1.0) < PLAIN
    return not plain or event.pause_ms > 0

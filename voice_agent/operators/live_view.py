"""What is known of one live call without joining it, folded from its events."""

from __future__ import annotations

from dataclasses import replace

from voice_agent.call import events
from voice_agent.call.events import CallEvent
from voice_agent.call.operator_events import EscalationEvent
from voice_agent.operators.ports import (
    Escalation,
    EscalationStatus,
    LiveCall,
    OperatorMode,
    OperatorOnCall,
)

BRIEF_CHARS = 200
"""Length of the line that tells what a call is about."""


class LiveView:
    """The newest picture of one call. Pure: the same events always give the same picture."""

    def __init__(self, start: events.SessionStart) -> None:
        self.call = LiveCall(
            call_sid=start.call_sid,
            service_id=start.service_id,
            direction=start.direction,
            started_at=start.at,
            caller_phone=start.caller_id,
            caller_name="",
            state="",
            turn_count=0,
        )
        self._visits: dict[str, int] = {}

    def apply(self, event: CallEvent) -> None:
        """Take an event in; most change nothing that is shown."""
        call = self.call
        match event:
            case events.SessionInfo(name="prewarmed", detail={"caller_name": str(name)}):
                self.call = replace(call, caller_name=name)
            case events.StateTransition():
                visits = self._visits[event.to_state] = self._visits.get(event.to_state, 0) + 1
                self.call = replace(call, state=event.to_state, loops=max(call.loops, visits - 1))
            case events.TurnCompleted():
                self.call = replace(call, turn_count=event.turn_index)
            case events.UserTranscript(final=True, accepted=True, speaker_role="caller"):
                self.call = replace(call, brief_context=event.transcript[:BRIEF_CHARS])
            case events.ParticipantJoined(conference_sid=conference) if conference:
                self.call = replace(call, conference_sid=conference)
            case events.Degraded():
                flags = dict.fromkeys((*call.data_quality_flags, f"{event.part}:{event.rung}"))
                self.call = replace(call, data_quality_flags=tuple(flags))
            case events.OperatorJoined():
                joined = OperatorOnCall(
                    event.operator_id, event.name, OperatorMode.LISTEN, event.participant_call_sid, event.at
                )
                self.call = replace(call, operators=(*self._others(event.operator_id), joined))
            case events.OperatorModeSwitched():
                self.call = replace(
                    call,
                    operators=tuple(
                        replace(each, mode=event.mode) if each.operator_id == event.operator_id else each
                        for each in call.operators
                    ),
                )
            case events.OperatorLeft():
                self.call = replace(call, operators=self._others(event.operator_id))
            case events.Safety():
                names = (match.concept for match in event.concept_matches)
                self.call = replace(call, concepts=tuple(dict.fromkeys((*call.concepts, *names))))
            case EscalationEvent():
                self.call = replace(call, escalation=self._escalation(event))
            case events.EmotionMeasured():
                self.call = replace(call, emotion=event.dominant, valence=event.turn_valence)
            case events.RiskScored():
                self.call = replace(call, risk_score=event.risk_score, risk_level=event.level)
            case _:
                pass

    def _others(self, operator_id: str) -> tuple[OperatorOnCall, ...]:
        return tuple(each for each in self.call.operators if each.operator_id != operator_id)

    def _escalation(self, event: EscalationEvent) -> Escalation:
        known = self.call.escalation
        if known is None or known.escalation_id != event.escalation_id:
            known = Escalation(
                escalation_id=event.escalation_id,
                status=EscalationStatus.REQUESTED,
                trigger=event.trigger,
                reason=event.reason,
                hard=event.hard,
                requested_at=event.at,
            )
        status = EscalationStatus(event.status)
        return replace(
            known,
            status=status,
            hard=event.hard,
            operator_id=event.operator_id or known.operator_id,
            connected_at=event.at
            if status is EscalationStatus.CONNECTED and known.connected_at is None
            else known.connected_at,
            completed_at=event.at if status is EscalationStatus.COMPLETED else known.completed_at,
        )

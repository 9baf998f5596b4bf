"""What happens on a line, as call events: who came and went, whose audio flows."""

from __future__ import annotations

from typing import Final, Literal

from telephony.roster import Joined, Left, Member
from voice_agent.call.agent_legs import LABEL
from voice_agent.call.events import (
    CallEvent,
    MediaAttached,
    MediaDetached,
    ParticipantJoined,
    ParticipantLeft,
)
from voice_agent.call.ports import CallInfo, LegRole
from voice_agent.operators.ports import OperatorLeg

LegName = Literal["caller", "agent", "operator"]

_LEGS: Final[dict[LegRole, tuple[LegName, ...]]] = {
    LegRole.TAP: ("caller",),
    LegRole.AGENT: ("agent",),
    LegRole.DUPLEX: ("caller", "agent"),
    LegRole.OPERATOR: ("operator",),
}


def leg_name(member: Member, call_sid: str) -> LegName:
    """Whose leg a member of the conference is; ``call_sid`` is the caller's."""
    if member.call_sid == call_sid:
        return "caller"
    return "agent" if member.label.partition("-")[0] == LABEL else "operator"


def membership_event(info: CallInfo, change: Joined | Left, operator: OperatorLeg | None = None) -> CallEvent:
    """A leg joined or left; ``operator`` is whose it is, when it is one's."""
    member = change.member
    name = leg_name(member, info.call_sid)
    if isinstance(change, Left):
        return ParticipantLeft(
            call_sid=info.call_sid,
            conference_sid=member.conference_sid,
            participant_id=member.call_sid,
            participant_role=name,
            reason=change.reason,
        )
    return ParticipantJoined(
        call_sid=info.call_sid,
        conference_sid=member.conference_sid,
        participant_id=member.call_sid,
        participant_role=name,
        display_name=operator.name if operator is not None else member.label,
        phone_number=info.caller if name == "caller" else None,
        operator_entity_id=operator.operator_id if operator is not None else None,
    )


def media_attached(call_sid: str, role: LegRole, generation: int) -> list[CallEvent]:
    """Audio began to flow: one event for each leg that the stream carries."""
    return [MediaAttached(call_sid=call_sid, leg=leg, generation=generation) for leg in _LEGS[role]]


def media_detached(call_sid: str, role: LegRole, generation: int, reason: str) -> list[CallEvent]:
    """Audio stopped."""
    return [
        MediaDetached(call_sid=call_sid, leg=leg, generation=generation, reason=reason) for leg in _LEGS[role]
    ]

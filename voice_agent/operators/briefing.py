"""The briefing: what somebody who is about to join a call reads first. Six sections, from templates.

Pure: material in, text out, in plain sentences, the most important first. What is not known is said to be
unknown rather than left out, so that nobody reads silence as good news.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from voice_agent.call.record_fold import CallRecord, TurnRecord
from voice_agent.operators.escalation_records import EscalationRecord
from voice_agent.operators.ports import LiveCall
from voice_agent.operators.queue import HIGH_RISK, MAX_LOOPS, NEGATIVE_VALENCE

LAST_TURNS = 3
QUOTE_CHARS = 240
LOW_CONFIDENCE = 0.5
"""Words recognized with less are pointed out."""


@dataclass(frozen=True, slots=True)
class KnownPatient:
    """What the practice has on file about the caller. Appointments and messages are ready to be read."""

    name: str
    birth_date: date
    verified: bool
    appointments: tuple[str, ...] = ()
    insurance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BriefingMaterial:
    """Everything a briefing is made of.

    Attributes:
        now: when it is read, aware.
        live: the call as it is now; None when it is over.
        call: its record; None in the first moments of a call.
        turns: what was said so far, in order.
        patients: whom the number belongs to, or who proved to be calling.
        earlier: former calls from the same number, newest first.
    """

    now: datetime
    live: LiveCall | None = None
    call: CallRecord | None = None
    turns: Sequence[TurnRecord] = ()
    patients: Sequence[KnownPatient] = ()
    earlier: Sequence[CallRecord] = ()
    escalation: EscalationRecord | None = None
    service_name: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and lines below it."""

    title: str
    lines: list[str] = field(default_factory=list)

    @property
    def content(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def briefing(material: BriefingMaterial) -> list[Section]:
    """The six sections, in the order in which they are read."""
    return [
        Section("Situation summary", _situation(material)),
        Section("Patient context", _patient(material)),
        Section("Risk assessment", _risk(material)),
        Section("Key issues", _issues(material) or ["Nothing stands out so far."]),
        Section("Recommended actions", _actions(material)),
        Section("Prior interactions", _earlier(material)),
    ]


def _situation(material: BriefingMaterial) -> list[str]:
    live, call = material.live, material.call
    started = live.started_at if live else call.started_at if call else material.now
    direction = live.direction if live else call.direction if call else "inbound"
    minutes = _spoken((material.now - started).total_seconds())
    where = f" for {material.service_name}" if material.service_name else ""
    lines = [
        f"{direction.capitalize()} call{where}, {minutes} old."
        if live
        else f"{direction.capitalize()} call{where} that is over."
    ]
    state = live.state if live else call.final_state if call else None
    turns = live.turn_count if live else call.turn_count if call else 0
    lines.append(f"{turns} turns so far; the conversation is at “{_words(state)}”." if state else "")
    if live and live.brief_context:
        lines.append(live.brief_context)
    wanted = _wanted(material)
    if wanted:
        lines.append(f"A person is wanted: {wanted}.")
    for turn in list(material.turns)[-LAST_TURNS:]:
        if turn.user_transcript:
            lines.append(f"Caller: “{_quote(turn.user_transcript)}”")
        if turn.agent_transcript:
            lines.append(f"Agent: “{_quote(turn.agent_transcript)}”")
    return [line for line in lines if line]


def _patient(material: BriefingMaterial) -> list[str]:
    phone = (material.live and material.live.caller_phone) or (material.call and material.call.caller_id)
    lines = [f"Calls from {phone}." if phone else "The caller's number is withheld."]
    if not material.patients:
        return [*lines, "No patient on file has this number, and the caller has not been identified."]
    if len(material.patients) > 1:
        names = ", ".join(patient.name for patient in material.patients)
        return [*lines, f"The number belongs to {names}. Which of them is calling is not established."]
    [patient] = material.patients
    proof = "identity verified in this call" if patient.verified else "identity NOT verified in this call"
    lines.append(f"{patient.name}, born {patient.birth_date:%d %B %Y}; {proof}.")
    lines += [f"Appointment: {text}." for text in patient.appointments] or ["No appointment ahead."]
    lines += [f"Insurance: {text}." for text in patient.insurance]
    return lines


def _risk(material: BriefingMaterial) -> list[str]:
    live = material.live
    score = live.risk_score if live else None
    if score is None and material.escalation is not None:
        score = material.escalation.context.risk_score
    lines = ["No risk score has been computed." if score is None else f"Risk score {score:.2f} of 1."]
    if live and live.risk_level:
        lines[0] = lines[0][:-1] + f", level {live.risk_level}."
    if live and live.emotion:
        valence = "" if live.valence is None else f" (valence {live.valence:+.2f})"
        lines.append(f"Dominant emotion: {live.emotion}{valence}.")
    if live and live.concepts:
        lines.append(f"Safety concerns matched: {', '.join(map(_words, live.concepts))}.")
    return lines


def _issues(material: BriefingMaterial) -> list[str]:
    live, call, turns = material.live, material.call, material.turns
    issues = []
    wanted = _wanted(material)
    if wanted:
        issues.append(f"Escalation: {wanted}.")
    if live and live.loops:
        issues.append(f"The conversation came back to a former state {_times(live.loops)}.")
    failed = [tool["tool_name"] for turn in turns for tool in turn.tool_calls if tool["succeeded"] is False]
    if failed:
        issues.append(f"Failed: {', '.join(map(_words, dict.fromkeys(failed)))}.")
    if call and call.barge_in_events:
        issues.append(f"The caller interrupted the agent {_times(len(call.barge_in_events))}.")
    unsure = [t for t in turns if t.stt_confidence is not None and t.stt_confidence < LOW_CONFIDENCE]
    if unsure:
        issues.append(f"{len(unsure)} of {len(turns)} turns were hard to understand; check what was noted.")
    if call and call.degraded:
        parts = dict.fromkeys(str(step["part"]) for step in call.degraded)
        issues.append(f"The system is working around a failure of: {', '.join(map(_words, parts))}.")
    return issues


def _actions(material: BriefingMaterial) -> list[str]:
    live = material.live
    actions = []
    if live and live.concepts:
        actions.append("Ask first whether the caller is safe and whether an emergency service is needed.")
    if live and live.risk_score is not None and live.risk_score >= HIGH_RISK:
        actions.append("Take over rather than listen.")
    if live and live.valence is not None and live.valence <= NEGATIVE_VALENCE:
        actions.append("Acknowledge how the caller feels before anything else.")
    if len(material.patients) != 1 or not material.patients[0].verified:
        actions.append("Verify who is calling before any personal detail is said.")
    if live and live.loops >= MAX_LOOPS:
        actions.append("Settle the open question directly; the agent keeps coming back to it.")
    if any(tool["succeeded"] is False for turn in material.turns for tool in turn.tool_calls):
        actions.append("Do by hand what failed, and tell the caller that it is done.")
    return actions or ["Listen first; take over if the caller asks for a person."]


def _earlier(material: BriefingMaterial) -> list[str]:
    if not material.earlier:
        return ["No earlier call from this number is on record."]
    return [
        f"{call.started_at:%d %B %Y}: {_spoken(call.duration_seconds)}, "
        f"{_words(call.completion_reason or call.status)}"
        + (f", last at “{_words(call.final_state)}”" if call.final_state else "")
        + (", a person was involved" if call.escalation_status != "none" else "")
        + "."
        for call in material.earlier
    ]


def _wanted(material: BriefingMaterial) -> str:
    escalation = material.live.escalation if material.live else None
    if escalation is None and material.escalation is not None:
        escalation = material.escalation.escalation
    if escalation is None:
        return ""
    return escalation.reason or _words(escalation.trigger)


def _words(name: str | None) -> str:
    return (name or "").replace("_", " ").replace("-", " ")


def _quote(text: str) -> str:
    return text if len(text) <= QUOTE_CHARS else text[: QUOTE_CHARS - 1].rstrip() + "…"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _spoken(seconds: float) -> str:
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"

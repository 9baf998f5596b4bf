"""The published words for what we call otherwise, and what to do with a word that is not published."""

from __future__ import annotations

import re
from enum import StrEnum

from voice_agent.emotion.risk import PLATFORM_LEVELS


class Direction(StrEnum):
    """Which way a call goes."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    PLAYGROUND = "playground"
    SIMULATED = "simulated"
    TEST = "test"


class Source(StrEnum):
    """Whether a call is a real one."""

    REAL = "real"
    SIMULATED = "simulated"
    PLAYGROUND = "playground"
    SCRIBE = "scribe"


class CallStatus(StrEnum):
    """Where a call is in its life."""

    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"
    FAILED = "failed"
    UNKNOWN = "unknown"


class CompletionReason(StrEnum):
    """Why a call ended."""

    COMPLETED = "completed"
    ABANDONED = "abandoned"
    ESCALATED = "escalated"
    TRANSFERRED = "transferred"
    TIMEOUT = "timeout"
    ERROR = "error"
    VOICEMAIL = "voicemail"
    NO_ANSWER = "no_answer"
    CALLER_HANGUP = "caller_hangup"
    FORWARDED = "forwarded"
    TERMINAL_STATE = "terminal_state"
    WARM_TRANSFER_COMPLETED = "warm_transfer_completed"
    NO_INBOUND_AUDIO = "no_inbound_audio"
    CANCELLED = "cancelled"


class RiskLevel(StrEnum):
    """How risky a call is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


DIRECTIONS = frozenset(Direction)
SOURCES = frozenset(Source)
REASONS = frozenset(CompletionReason)

_THRESHOLDS = ((0.7, RiskLevel.CRITICAL), (0.5, RiskLevel.HIGH), (0.3, RiskLevel.MEDIUM))
"""Published defaults, as parts of 1."""

_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def risk_level(told: str, score: float | None) -> RiskLevel | None:
    """The published level: as told, else from the score (0..1), None when nothing is known."""
    name = {str(ours): published for ours, published in PLATFORM_LEVELS.items()}.get(told, told)
    if name in frozenset(RiskLevel):
        return RiskLevel(name)
    if score is None:
        return None
    return next((level for least, level in _THRESHOLDS if score >= least), RiskLevel.LOW)


def completion_reason(told: str | None) -> CompletionReason | None:
    """The published reason; one that is not published ended the call in some other way: ``completed``."""
    if told is None:
        return None
    return CompletionReason(told) if told in REASONS else CompletionReason.COMPLETED


def direction(told: str | None) -> Direction | None:
    """The published direction, None for what is none."""
    return Direction(told) if told in DIRECTIONS else None


def e164(number: str | None) -> str | None:
    """A number that is one, else None."""
    return number if number and _E164.fullmatch(number) else None

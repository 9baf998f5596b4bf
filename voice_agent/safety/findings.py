"""What was found in a caller's turn, and what it adds up to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voice_agent.safety.rules import Level, MonitorConcept


class Evidence(StrEnum):
    """How a finding came about."""

    PATTERN = "pattern"
    ALONE = "standalone"
    """Likeness of the turn by itself."""
    CONTEXT = "context"
    """Likeness of the turn together with those before it."""
    RULE = "hard_rule"


class Verdict(StrEnum):
    """What is done about a turn (published as ``agent_action``)."""

    NONE = "none"
    OBSERVE = "observe"
    """Counts; nothing is said or done."""
    NOTIFY = "notify_operator"
    """A person is told; the agent goes on."""
    CALL = "escalate_now"
    """Help is called at once and the agent stops its own turns."""


class Trajectory(StrEnum):
    """Where the concern is going."""

    STEADY = "steady"
    RISING = "rising"
    FALLING = "falling"


@dataclass(frozen=True, slots=True)
class Finding:
    """One concept in one turn.

    Attributes:
        similarity: cosine that was found; 1.0 for a pattern.
        confidence: 0..1, how sure the finding is.
        reason: why, without the caller's words.
        trusted: False for something acute in words that the recognizer does not trust.
    """

    concept: MonitorConcept
    level: Level
    evidence: Evidence
    similarity: float
    confidence: float
    reason: str
    trusted: bool = True


@dataclass(frozen=True, slots=True)
class Assessment:
    """A turn of the caller, judged.

    Attributes:
        findings: the gravest first, each concept once.
        verdict: what is to be done about the turn.
        concern_turn_count: concerned turns in the window, this one included.
        peak: gravest level of the conversation.
        history: levels of the newest turns, oldest first.
        elapsed_ms: what it took.
    """

    findings: tuple[Finding, ...]
    level: Level
    verdict: Verdict
    concern_turn_count: int
    peak: Level
    trajectory: Trajectory
    history: tuple[Level, ...]
    elapsed_ms: float

    @property
    def gravest(self) -> Finding | None:
        """The finding to act on."""
        return self.findings[0] if self.findings else None

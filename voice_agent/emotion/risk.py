"""The risk of a call, 0 to 100, recomputed every turn, and the arithmetic behind it.

Three parts, each 0 to 100 and documented where it is computed; their shares are the service's. A state of
the graph may set its own threshold for escalation, the number of loops it stands for, and a surcharge for
its topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from voice_agent.emotion.readings import CallContext
from voice_agent.emotion.settings import RiskPart, RiskSignalConfig
from voice_agent.reasoning.parts import RiskOverride

DURATION_FROM, DURATION_FULL = 180.0, 600.0
"""Seconds between which the duration's part rises from 0 to 100."""

SUSTAINED_AFTER = 600.0
"""Seconds from which sustained negative emotion escalates, whatever the score."""


class RiskLevel(StrEnum):
    """How a call stands, lowest first."""

    NORMAL = "normal"
    MONITOR = "monitor"
    ALERT = "alert"
    ESCALATE = "escalate"


PLATFORM_LEVELS: Final[Mapping[RiskLevel, str]] = MappingProxyType(
    {
        RiskLevel.NORMAL: "low",
        RiskLevel.MONITOR: "medium",
        RiskLevel.ALERT: "high",
        RiskLevel.ESCALATE: "critical",
    }
)
"""What the published interface calls them."""


@dataclass(frozen=True, slots=True)
class RiskSignal:
    """One part of the score: ``weighted`` is ``raw`` (0..100) times ``weight`` (0..1)."""

    name: str
    raw: float
    weight: float
    weighted: float
    detail: str


@dataclass(frozen=True, slots=True)
class Risk:
    """The risk after a turn.

    Attributes:
        score: 0..100.
        signals: what it is the sum of.
        sustained: ten minutes and unpleasant throughout: a person is due whatever the score.
    """

    score: float
    level: RiskLevel
    signals: tuple[RiskSignal, ...]
    sustained: bool = False

    @property
    def wants_person(self) -> bool:
        """Whether a person should come."""
        return self.level is RiskLevel.ESCALATE or self.sustained

    @property
    def reason(self) -> str:
        """Why, in one line: the heaviest signal first."""
        if self.sustained and self.level is not RiskLevel.ESCALATE:
            return "unpleasant for most of ten minutes"
        told = [s.detail for s in sorted(self.signals, key=lambda s: -s.weighted) if s.weighted > 0]
        return f"risk {self.score:.0f} of 100: {'; '.join(told)}"


def assess(
    valence: float,
    arousal: float,
    context: CallContext,
    config: RiskSignalConfig,
    state: RiskOverride,
    *,
    sustained: bool = False,
) -> Risk:
    """The risk of a call whose caller feels like this now.

    ``valence`` (-1..1) and ``arousal`` (0..1) are of the turn; ``sustained`` says that the last turns were
    unpleasant nearly throughout.
    """
    shares = config.shares
    signals = [
        _signal(
            RiskPart.EMOTION,
            100 * max(0.0, -valence) * (0.5 + 0.5 * arousal),
            shares,
            f"valence {valence:+.2f}, arousal {arousal:.2f}",
        ),
        _signal(
            RiskPart.LOOP,
            min(100.0, 100 * context.loops / state.max_loop_count),
            shares,
            f"{context.loops} of {state.max_loop_count} loops",
        ),
        _signal(
            RiskPart.DURATION,
            100 * min(1.0, max(0.0, (context.seconds - DURATION_FROM) / (DURATION_FULL - DURATION_FROM))),
            shares,
            f"{context.seconds / 60:.1f} minutes",
        ),
    ]
    if state.topic_risk_score:
        signals.append(RiskSignal("topic", state.topic_risk_score, 1.0, state.topic_risk_score, "topic"))
    score = min(100.0, max(0.0, sum(signal.weighted for signal in signals)))
    return Risk(
        round(score, 1),
        _level(score, config, state),
        tuple(signals),
        sustained and context.seconds >= SUSTAINED_AFTER,
    )


def _signal(part: RiskPart, raw: float, shares: Mapping[RiskPart, float], detail: str) -> RiskSignal:
    return RiskSignal(part.value, round(raw, 1), shares[part], round(raw * shares[part], 2), detail)


def _level(score: float, config: RiskSignalConfig, state: RiskOverride) -> RiskLevel:
    own = state.auto_escalate_threshold
    if score >= (config.auto_escalate_threshold if own is None else own):
        return RiskLevel.ESCALATE
    if score >= config.alert_threshold:
        return RiskLevel.ALERT
    return RiskLevel.MONITOR if score >= config.monitor_threshold else RiskLevel.NORMAL

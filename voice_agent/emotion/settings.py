"""What a service may set about emotion and risk, by the published names."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator


class RiskPart(StrEnum):
    """What the risk of a call is made of."""

    EMOTION = "emotion"
    LOOP = "loop"
    DURATION = "duration"


SHARES = {RiskPart.EMOTION: 0.4, RiskPart.LOOP: 0.3, RiskPart.DURATION: 0.3}
"""Published weights of the parts."""

Score = Annotated[float, Field(ge=0.0, le=100.0)]
Topic = Annotated[str, Field(min_length=1, max_length=128)]


class RiskSignalConfig(BaseModel):
    """How risk is scored for one service (published ``RiskSignalConfig``).

    Attributes:
        enabled: without it no call is scored, and none escalates because of its score.
        monitor_threshold, alert_threshold, auto_escalate_threshold: 0..100, from where a level begins.
        weights: share of each part; empty for the published ones. They are scaled to add up to one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = True
    monitor_threshold: Score = 30.0
    alert_threshold: Score = 50.0
    auto_escalate_threshold: Score = 70.0
    weights: dict[RiskPart, Annotated[float, Field(ge=0.0)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _makes_sense(self) -> RiskSignalConfig:
        if not self.monitor_threshold <= self.alert_threshold <= self.auto_escalate_threshold:
            raise ValueError(
                f"risk thresholds {self.monitor_threshold}, {self.alert_threshold},"
                f" {self.auto_escalate_threshold} must rise: monitor, alert, auto_escalate"
            )
        if self.weights and not sum(self.weights.values()) > 0:
            raise ValueError("risk weights are all zero; leave them out for the published ones")
        return self

    @property
    def shares(self) -> dict[RiskPart, float]:
        """The parts' weights, adding up to one; a part that is not named has none."""
        if not self.weights:
            return dict(SHARES)
        total = sum(self.weights.values())
        return {part: self.weights.get(part, 0.0) / total for part in RiskPart}


@dataclass(frozen=True, slots=True)
class EmotionPolicy:
    """What one call needs to know of its service.

    Attributes:
        enabled: False switches everything off: no model hears the call.
        risk: how risk is scored.
        sensitive_topics: words that are spoken with care, before the caller reacts.
        tone: the voice's baseline, held while there is no strong signal.
        min_tts_speed: the voice never becomes slower than this (ratio).
        empathy_hold_ms: pause before the reply when the caller needs space.
    """

    enabled: bool = True
    risk: RiskSignalConfig = field(default_factory=RiskSignalConfig)
    sensitive_topics: tuple[str, ...] = ()
    tone: str = "friendly"
    min_tts_speed: float = 0.8
    empathy_hold_ms: int = 1200

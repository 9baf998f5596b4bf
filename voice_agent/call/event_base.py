"""What every call event carries."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field


class CallEventBase(BaseModel):
    """What every event carries.

    Attributes:
        call_sid: the caller leg's call.
        seq: 1, 2, 3 ... per call, without gaps; set by :class:`~voice_agent.call.log.CallLog`.
        at: wall clock, UTC.
        t: seconds since the caller's audio began (negative while ringing).
    """

    model_config = ConfigDict(frozen=True)

    call_sid: str = ""
    seq: int = 0
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    t: float = 0.0

"""Where a caller is, and why a call ended."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from telephony.webhook import CallStatus


class Phase(StrEnum):
    """Where the caller is."""

    RINGING = "ringing"
    """The webhook is not answered yet."""
    CONFERENCE = "conference"
    DIRECT = "direct"
    """Degraded: ear and mouth on the caller's own leg."""
    TRANSFER = "transfer"
    """Being connected to somebody else."""
    ENDED = "ended"


COMPLETION_REASONS: Final = {
    CallStatus.COMPLETED: "caller_hangup",
    CallStatus.CANCELED: "cancelled",
    CallStatus.BUSY: "no_answer",
    CallStatus.NO_ANSWER: "no_answer",
    CallStatus.FAILED: "error",
}
"""Terminal status of the caller's leg to published completion reason, when nobody here ended the call."""

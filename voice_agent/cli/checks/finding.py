"""What a check returns. A check never raises: what it cannot find out is its finding."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a finding is to be taken."""

    GOOD = "good"
    NOTE = "note"
    """Worth knowing; nothing to do."""
    WEAK = "weak"
    """Works, but not as well as it could."""
    MISSING = "missing"
    """Essential and not there: calls will not work."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found. ``remedy`` is "" when there is nothing to do."""

    subject: str
    verdict: Verdict
    detail: str
    remedy: str = ""

"""The standard rules, read once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from voice_agent.safety.findings import Assessment
from voice_agent.safety.loader import load_rules
from voice_agent.safety.monitor import Rulebook, SafetyMonitor


@pytest.fixture(scope="session")
def rulebook() -> Rulebook:
    return Rulebook(load_rules())


@pytest.fixture
def judge(rulebook: Rulebook) -> Callable[[str], Assessment]:
    """Judges one sentence at the beginning of a call."""
    return lambda text: SafetyMonitor(rulebook).assess(text)

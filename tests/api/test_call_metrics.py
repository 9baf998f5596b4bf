"""What Prometheus is told."""

from __future__ import annotations

from prometheus_client import generate_latest

from voice_agent.api.metrics import CallMetrics
from voice_agent.store.bus import EventBus


def test_figures_are_asked_when_prometheus_asks() -> None:
    calls, dropped = [1.0], {"prosody": 0.0, "language": 2.0}
    metrics = CallMetrics(
        EventBus(),
        {"voice_active_calls": lambda: calls[0]},
        {"voice_model_questions_dropped": lambda: dropped},
    )
    calls[0], dropped["prosody"] = 3.0, 7.0
    metrics.refresh()
    told = generate_latest(metrics.registry).decode()
    assert "voice_active_calls 3.0" in told
    assert 'voice_model_questions_dropped{model="prosody"} 7.0' in told
    assert 'voice_model_questions_dropped{model="language"} 2.0' in told

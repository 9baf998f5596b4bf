"""Figures of a process for Prometheus, folded from the event stream. No label ever holds anything about a
person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from voice_agent.call import events
from voice_agent.store.bus import EventBus

_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.5, 4.0, 8.0)


class CallMetrics:
    """Reads the bus. ``gauges`` are asked when Prometheus asks; so are ``by_model``, which give a figure for
    every model."""

    def __init__(
        self,
        bus: EventBus,
        gauges: Mapping[str, Callable[[], float]],
        by_model: Mapping[str, Callable[[], Mapping[str, float]]],
    ) -> None:
        self.registry = CollectorRegistry()
        self._bus = bus
        self._asked = {name: (Gauge(name, name, registry=self.registry), ask) for name, ask in gauges.items()}
        self._by_model = {
            name: (Gauge(name, name, ["model"], registry=self.registry), ask)
            for name, ask in by_model.items()
        }
        self._calls = Counter("voice_calls", "Calls that began.", registry=self.registry)
        self._ended = Counter(
            "voice_calls_ended", "Calls that ended.", ["completion_reason"], registry=self.registry
        )
        self._turns = Counter("voice_turns", "Turns of callers.", ["reason"], registry=self.registry)
        self._barge_ins = Counter("voice_barge_ins", "Interruptions.", registry=self.registry)
        self._degraded = Counter(
            "voice_degraded", "Parts that failed over.", ["part", "rung"], registry=self.registry
        )
        self._tools = Counter(
            "voice_tool_calls", "Tool calls.", ["tool", "succeeded"], registry=self.registry
        )
        self._reply = Histogram(
            "voice_reply_seconds", "End of speech to first audio.", buckets=_SECONDS, registry=self.registry
        )
        self._greeting = Histogram(
            "voice_greeting_seconds", "Answer to greeting.", buckets=_SECONDS, registry=self.registry
        )
        self._stt = Histogram(
            "voice_stt_seconds", "End of speech to words.", buckets=_SECONDS, registry=self.registry
        )
        self._duration = Histogram(
            "voice_call_seconds",
            "Duration of calls.",
            buckets=(10, 30, 60, 120, 300, 600, 1800),
            registry=self.registry,
        )

    def refresh(self) -> None:
        """Ask the gauges."""
        for gauge, ask in self._asked.values():
            gauge.set(ask())
        for labelled, figures in self._by_model.values():
            for model, value in figures().items():
                labelled.labels(model).set(value)

    async def run(self) -> None:
        """Fold events until cancelled."""
        subscription = self._bus.subscribe()
        try:
            async for event in subscription:
                self._fold(event)
        except asyncio.CancelledError:
            self._bus.unsubscribe(subscription)
            raise

    def _fold(self, event: events.CallEvent) -> None:
        match event:
            case events.SessionStart():
                self._calls.inc()
            case events.SessionEnd():
                self._ended.labels(event.completion_reason).inc()
                self._duration.observe(event.duration_seconds)
            case events.TurnCompleted():
                self._turns.labels(event.reason).inc()
            case events.BargeIn():
                self._barge_ins.inc()
            case events.Degraded():
                self._degraded.labels(event.part, event.rung).inc()
            case events.ToolCallCompleted():
                self._tools.labels(event.tool_name, str(event.succeeded).lower()).inc()
            case events.Latency(is_greeting=True):
                self._greeting.observe(event.e2e_ttfb_ms / 1000)
            case events.Latency():
                self._reply.observe(event.e2e_ttfb_ms / 1000)
            case events.UserTranscript(final=True, via="speech"):
                self._stt.observe(event.stt_ms / 1000)

"""A shouting caller and a calm one on the line at the same time, through the whole call path."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from models.speech import Delivery, Pcm
from telephony.emulator import PhoneCall
from tests.system.conftest import System, whole_system
from tests.system.operators_kit import GREETING
from voice_agent.call import events
from voice_agent.operators.queue import ranked

QUESTION = "What are your opening hours? I would like to know when you are open."
SHOUTED = Delivery(pitch=1.5, rate=1.3, pitch_range=2.0, volume=1.5)
CALM = Delivery(pitch=0.8, rate=0.85, pitch_range=0.2, volume=0.4)


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[System]:
    """Whoever speaks is understood to ask for the opening hours: the two differ in their voices alone."""
    async with whole_system(tmp_path, stt="stub", max_loop_lag_ms=5000) as running_system:
        yield running_system


async def spoken(system: System, how: Delivery) -> Pcm:
    return np.concatenate([chunk async for chunk in system.voice.synthesize(QUESTION, how)])


async def answered(system: System, call: PhoneCall, how: Delivery) -> None:
    """The call is greeted, the caller asks, and hears the answer."""

    def greeted(event: Any) -> bool:
        own = isinstance(event, events.AgentTranscript) and event.call_sid == call.sid
        return own and GREETING.lower() in event.heard.lower()

    await system.wait_for(greeted)
    await call.play(await spoken(system, how))
    await system.wait_for(
        lambda e: (
            isinstance(e, events.AgentTranscript)
            and e.call_sid == call.sid
            and e.turn_index >= 1
            and "open" in e.heard.lower()
        )
    )


def last(system: System, kind: type, call: PhoneCall) -> Any:
    return [e for e in system.all(kind, call.sid) if getattr(e, "turn_index", 1)][-1]


async def test_how_a_caller_sounds_decides_delivery_risk_and_who_is_looked_at_first(system: System) -> None:
    calm = await system.ring()
    loud = await system.ring(from_="+14155550177")
    await asyncio.gather(answered(system, calm, CALM), answered(system, loud, SHOUTED))

    upset, even = (last(system, events.EmotionMeasured, call) for call in (loud, calm))
    assert upset.dominant == "angry"
    assert upset.turn_valence < -0.3 < even.turn_valence
    assert upset.turn_arousal > even.turn_arousal

    angry_voice, plain_voice = (last(system, events.VoiceContextApplied, call) for call in (loud, calm))
    assert (angry_voice.tts_emotion, angry_voice.tts_speed) == ("calm", 0.92)
    assert (plain_voice.tts_emotion, plain_voice.tts_speed) == ("friendly", 1.0)

    risky, safe = (last(system, events.RiskScored, call) for call in (loud, calm))
    assert risky.risk_score > safe.risk_score

    queue = ranked(system.application.live.active(), datetime.now(UTC))
    assert [item.call.call_sid for item in queue] == [loud.sid, calm.sid]

    async with httpx.AsyncClient(base_url=system.application.ready.base_url) as prometheus:
        told = (await prometheus.get("/metrics")).text
    for model in ("emotion_encoder", "prosody", "vocal_burst", "language"):
        assert f'voice_model_questions_dropped{{model="{model}"}} ' in told
        assert f'voice_model_batches_failed{{model="{model}"}} ' in told

    for call in (calm, loud):
        await call.hang_up()
        await system.ended(call)
    seen = [e for e in system.seen if e.call_sid == loud.sid]
    assert [e.seq for e in seen] == list(range(1, len(seen) + 1))
    await asyncio.wait_for(system.application.switchboard.wait_idle(), 10)
    system.emulator.assert_no_violations()

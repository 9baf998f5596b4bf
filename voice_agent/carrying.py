"""The part of the composition root that a process has which carries calls: speech, models, sessions and the
switchboard."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog

from models.turn.smart_turn import SmartTurn
from models.vad.silero import SileroVad
from voice_agent.call.admission import Admission, Limits, LoadProbe
from voice_agent.call.emotion_models import EmotionModels, EmotionNetworks
from voice_agent.call.faults import TickFaults
from voice_agent.call.network import Network
from voice_agent.call.parts import CallParts
from voice_agent.call.recording import CallRecordings
from voice_agent.call.sessions import Sessions
from voice_agent.call.speech import SpeechServices, speech_services
from voice_agent.call.switchboard import Switchboard
from voice_agent.call.turn_model import TurnModel
from voice_agent.call.voice_activity import VadTick
from voice_agent.call.watch import WatchTicker
from voice_agent.operators.duty import OnDuty
from voice_agent.operators.live import LocalLiveCalls
from voice_agent.practice.service import Services
from voice_agent.settings import Settings
from voice_agent.store.bus import EventBus

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Carrier:
    """What carries the calls of a process."""

    switchboard: Switchboard
    admission: Admission
    probe: LoadProbe
    speech: SpeechServices
    live: LocalLiveCalls
    emotion: EmotionModels | None


async def carrier(
    settings: Settings,
    bus: EventBus,
    services: Services,
    duty: OnDuty,
    network: Network,
    stack: AsyncExitStack,
) -> Carrier:
    """Start everything that calls need; ``stack`` stops it. ``bus`` carries what happens in these calls."""
    speech = speech_services(settings, services.default.settings.keyterms)
    stack.push_async_callback(speech.close)
    await speech.start()
    parts = await _shared_parts(settings, bus, speech, duty, network.process, stack)
    probe = LoadProbe()
    probe.start()
    stack.callback(probe.stop)
    calls: list[Switchboard] = []
    limits = Limits(settings.max_calls, settings.max_loop_lag_ms, settings.max_cpu_percent)
    admission = Admission(limits, probe, lambda: calls[0].active_calls if calls else 0)
    sessions = Sessions(bus, parts, services, settings.max_call_duration_s)
    live = LocalLiveCalls(bus, sessions, duty)
    await live.start()
    stack.push_async_callback(live.close)
    switchboard = Switchboard(
        network, sessions, admission, sessions.emit, overload_forward_to=settings.overload_forward_to
    )
    calls.append(switchboard)
    stack.push_async_callback(switchboard.close)
    return Carrier(switchboard, admission, probe, speech, live, parts.emotion)


async def _shared_parts(
    settings: Settings,
    bus: EventBus,
    speech: SpeechServices,
    duty: OnDuty,
    process: str,
    stack: AsyncExitStack,
) -> CallParts:
    vad = VadTick(SileroVad(), TickFaults("vad"))
    smart_turn = SmartTurn()
    if smart_turn.shortcoming:
        log.warning("turn_model_slower", reason=smart_turn.shortcoming)
    turn_model = TurnModel(smart_turn)
    watches = WatchTicker(TickFaults("watch"))
    stack.callback(turn_model.close)
    for ticker in (vad, watches):
        await ticker.start()
        stack.push_async_callback(ticker.close)
    emotion = EmotionModels(EmotionNetworks.load()) if settings.emotion else None
    if emotion is not None:
        stack.callback(emotion.close)
    recordings = CallRecordings(settings.recordings_dir, tts_provider=settings.tts)
    return CallParts(
        bus=bus,
        vad=vad,
        watches=watches,
        turn_model=turn_model,
        recognizers=speech.recognizers,
        voice=speech.voice,
        recorder=recordings if settings.recordings else lambda *_: None,
        anyone_free=duty.anyone_free,
        emotion=emotion,
        process=process,
    )

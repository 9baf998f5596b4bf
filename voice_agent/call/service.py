"""What a call takes from the service it is for."""

from __future__ import annotations

from models.speech import Delivery
from voice_agent.call.floor import TurnPolicy
from voice_agent.call.forwarding import ForwardDirectory
from voice_agent.call.parts import CallService
from voice_agent.call.ports import CallInfo
from voice_agent.call.watch import WatchPolicy
from voice_agent.emotion.settings import EmotionPolicy
from voice_agent.practice.service import Service


def call_service(service: Service, info: CallInfo, *, max_call_duration_s: float) -> CallService:
    """The service's conversation and its settings for one call. The shorter maximum duration holds."""
    settings = service.settings
    watch = WatchPolicy()
    conversation = service(conversation_id=info.call_sid)
    return CallService(
        service_id=service.service_id,
        conversation=conversation,
        lookup=service.lookup,
        now=service.now,
        turns=TurnPolicy(
            barge_in_min_speech_s=settings.barge_in_min_speech_s,
            barge_in_cooldown_s=settings.barge_in_cooldown_s,
            eot_threshold=settings.eot_threshold,
            eager_eot_threshold=settings.eager_eot_threshold,
            eot_timeout_ms=settings.eot_timeout_ms,
            post_eot_pause_ms=settings.post_eot_pause_ms,
        ),
        watch=WatchPolicy(
            # Heard within 1.5 s and never silent for 4 s, whatever a service asks for.
            filler_after_s=watch.filler_after_s,
            progress_interval_ms=min(settings.progress_interval_ms, watch.progress_interval_ms),
            silence_check_s=settings.silence_check_s,
            silence_checks=settings.silence_checks,
            max_call_duration_s=min(settings.max_call_duration_s, max_call_duration_s),
            fillers=settings.filler_vocabulary or watch.fillers,
            progress=settings.progress_vocabulary or watch.progress,
        ),
        delivery=Delivery(
            rate=max(settings.min_tts_speed, settings.voice_config.speed), volume=settings.voice_config.volume
        ),
        keyterms=settings.keyterms,
        directory=ForwardDirectory(
            settings.forwarding.locations, settings.forwarding.target, settings.forwarding.should_disconnect
        ),
        emotion=EmotionPolicy(
            enabled=settings.emotion_detection_enabled,
            risk=settings.risk_signal_config,
            sensitive_topics=settings.sensitive_topics,
            tone=settings.voice_config.tone,
            min_tts_speed=settings.min_tts_speed,
            empathy_hold_ms=settings.empathy_hold_ms,
        ),
        overhear=conversation.overhear,
    )

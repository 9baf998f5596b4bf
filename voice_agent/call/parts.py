"""What a call is made with: what all calls of a process share, and what it takes from its service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from models.speech import Delivery, Recognizer, Synthesizer
from voice_agent.call.emotion_models import EmotionModels
from voice_agent.call.escalation import EscalationPolicy
from voice_agent.call.floor import TurnPolicy
from voice_agent.call.forwarding import ForwardDirectory
from voice_agent.call.hub import TrackWriter
from voice_agent.call.log import CallLog
from voice_agent.call.ports import CallInfo
from voice_agent.call.turn_model import TurnModel
from voice_agent.call.voice_activity import VadTick
from voice_agent.call.watch import WatchPolicy, WatchTicker
from voice_agent.emotion.settings import EmotionPolicy
from voice_agent.reasoning.conversation import Conversation
from voice_agent.reasoning.effects import Escalate
from voice_agent.store.bus import EventBus


def nothing_overheard(_: str) -> Escalate | None:
    """Unfinished words call nobody: a service without safety rules."""
    return None


async def nobody() -> bool:
    """No operator is there: an installation without any."""
    return False


@dataclass(frozen=True, slots=True)
class CallParts:
    """What all calls of a process share."""

    bus: EventBus
    vad: VadTick
    watches: WatchTicker
    turn_model: TurnModel | None
    recognizers: tuple[Recognizer, ...]
    voice: Synthesizer
    recorder: Callable[[CallInfo, CallLog], CallRecording | None]
    anyone_free: Callable[[], Awaitable[bool]] = nobody
    """Whether an operator could take a call now."""
    emotion: EmotionModels | None = None
    """What hears how callers feel; None for nothing."""
    process: str = ""
    """The name of this process among others; "" when it is alone."""


class CallRecording(TrackWriter, Protocol):
    """A recorder of one call; see :mod:`voice_agent.call.recorder`."""

    async def close(self) -> None:
        """Finish the files."""


@dataclass(frozen=True, slots=True)
class CallService:
    """What a call needs to know of the service it is for.

    ``lookup`` finds who is calling by number (E.164 or None), ``now`` tells the practice's time, ``overhear``
    judges words of the caller that are not finished yet: a call for a person when they are beyond doubt.
    """

    service_id: str
    conversation: Conversation
    lookup: Callable[[str | None], Awaitable[Mapping[str, Any]]]
    now: Callable[[], datetime]
    turns: TurnPolicy = field(default_factory=TurnPolicy)
    watch: WatchPolicy = field(default_factory=WatchPolicy)
    delivery: Delivery = field(default_factory=Delivery)
    keyterms: tuple[str, ...] = ()
    directory: ForwardDirectory = field(default_factory=ForwardDirectory)
    escalation: EscalationPolicy = field(default_factory=EscalationPolicy)
    emotion: EmotionPolicy = field(default_factory=EmotionPolicy)
    overhear: Callable[[str], Escalate | None] = nothing_overheard

"""A service apart from its conversation: numbers, hours, voice, turn-taking. Read from ``service.yaml``.

Field names are the published ones wherever one exists; times are seconds unless the name ends in ``_ms``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from voice_agent.emotion.settings import RiskSignalConfig, Topic
from voice_agent.practice.hours import OpeningHours
from voice_agent.practice.records import PracticeError


class ServiceError(PracticeError):
    """A service cannot be read or used."""


def _e164(number: str) -> str:
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"{number!r} is not a phone number; write it as +14155550100") from error
    written = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if written != number or not phonenumbers.is_possible_number(parsed):
        raise ValueError(f"{number!r} is not E.164; write it as +14155550100")
    return number


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no time zone; use a name such as America/New_York") from error
    return name


E164 = Annotated[str, AfterValidator(_e164)]
Keyterm = Annotated[str, Field(min_length=1, max_length=128)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VoiceConfig(_Settings):
    """How the agent sounds when nothing special is going on."""

    voice_id: str = ""
    tone: Literal[
        "calm", "sympathetic", "enthusiastic", "content", "curious", "cheerful", "serious", "friendly"
    ] = "friendly"
    speed: Annotated[float, Field(ge=0.5, le=2.0)] = 1.0
    volume: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    language: str = "en"


class Forwarding(_Settings):
    """Where callers go who need a person. ``should_disconnect``: the agent leaves once they are connected.

    ``locations``: number by name, for places that the conversation may name.
    """

    enabled: bool = False
    forward_to: E164 | None = None
    locations: dict[str, E164] = Field(default_factory=dict)
    should_disconnect: bool = True

    @property
    def target(self) -> str | None:
        """Number to forward to, None when nobody answers there."""
        return self.forward_to if self.enabled else None


class ServiceSettings(_Settings):
    """One service.

    Attributes:
        phone_numbers: E.164; every number belongs to at most one service.
        default: also answers numbers that no service claims.
        timezone: IANA name; all times of day are in it.
        location, directions: said to callers who ask.
        eot_threshold, eager_eot_threshold: probability (0..1) that the caller has finished.
        silence_check_s, silence_checks: after how long, and how often, a silent caller is asked.
        filler_style, filler_vocabulary, backchannel_delay_ms, filler_cooldown_ms: sounds while thinking.
        emotion_detection_enabled: whether anything listens for how callers feel.
        risk_signal_config: how the risk of a call is scored.
        sensitive_topics: what is spoken of with care, before the caller reacts to it.
        progress_interval_ms, progress_vocabulary: and while it takes longer.
        safety_filters_enabled: every turn of a caller is judged by the rules of ``safety.yaml``.
        dynamic_behaviors_enabled: its behaviors apply.
    """

    service_id: Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=64)]
    name: str
    greeting: str
    channel_type: Literal["voice", "text", "scribe"] = "voice"
    phone_numbers: tuple[E164, ...] = ()
    default: bool = False
    timezone: Annotated[str, AfterValidator(_zone)]
    opening_hours: OpeningHours
    location: str
    directions: str = ""
    forwarding: Forwarding = Forwarding()
    keyterms: Annotated[tuple[Keyterm, ...], Field(max_length=500)] = ()
    voice_config: VoiceConfig = VoiceConfig()
    emotion_detection_enabled: bool = True
    risk_signal_config: RiskSignalConfig = RiskSignalConfig()
    sensitive_topics: Annotated[tuple[Topic, ...], Field(max_length=50)] = ()
    min_tts_speed: Annotated[float, Field(ge=0.5, le=1.0)] = 0.8
    eot_threshold: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.7
    eager_eot_threshold: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.5
    eot_timeout_ms: Annotated[int, Field(ge=500, le=20_000)] = 5000
    post_eot_pause_ms: Annotated[int, Field(ge=0, le=5000)] = 0
    barge_in_min_speech_s: Annotated[float, Field(ge=0.0, le=3.0)] = 0.3
    barge_in_cooldown_s: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0
    silence_check_s: Annotated[float, Field(ge=1.0, le=120.0)] = 8.0
    silence_checks: Annotated[int, Field(ge=0, le=10)] = 2
    max_call_duration_s: Annotated[float, Field(gt=0.0, le=14_400.0)] = 1800.0
    filler_style: Literal["backchannel", "phrase", "silent"] = "backchannel"
    filler_vocabulary: tuple[str, ...] = ()
    backchannel_delay_ms: Annotated[int, Field(ge=0, le=30_000)] = 400
    filler_cooldown_ms: Annotated[int, Field(ge=0, le=60_000)] = 4000
    progress_interval_ms: Annotated[int, Field(ge=100, le=30_000)] = 5000
    progress_vocabulary: tuple[str, ...] = ()
    empathy_hold_ms: Annotated[int, Field(ge=0, le=10_000)] = 1200
    transition_deadline_ms: Annotated[int, Field(ge=100, le=30_000)] = 3000
    max_response_sentences: Annotated[int, Field(ge=1, le=20)] = 3
    max_response_words: Annotated[int, Field(ge=5, le=500)] = 60
    safety_filters_enabled: bool = True
    dynamic_behaviors_enabled: bool = True

    @model_validator(mode="after")
    def _eager_is_earlier(self) -> ServiceSettings:
        if self.eager_eot_threshold > self.eot_threshold:
            raise ValueError(
                f"eager_eot_threshold {self.eager_eot_threshold} is above eot_threshold {self.eot_threshold};"
                " the eager one comes first"
            )
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The practice's time zone."""
        return ZoneInfo(self.timezone)

    def facts(self) -> dict[str, Any]:
        """What the conversation may say about the practice, under ``practice``."""
        return {
            "practice": {
                "name": self.name,
                "greeting": self.greeting,
                "hours": self.opening_hours.in_words(),
                "location": self.location,
                "directions": self.directions,
                "forward_to": self.forwarding.target,
            }
        }


def load_settings(path: Path) -> ServiceSettings:
    """Read a ``service.yaml``.

    Raises:
        ServiceError: when the file cannot be read or says something impossible.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ServiceError(f"{path} cannot be read: {error}") from error
    if not isinstance(document, dict):
        raise ServiceError(f"{path} holds a {type(document).__name__}; write a mapping of settings")
    try:
        return ServiceSettings.model_validate(document)
    except ValidationError as error:
        raise ServiceError(f"{path}: {error}") from error

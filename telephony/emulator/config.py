"""Everything that can be set before the emulator starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex

from .identifiers import new_sid

DEFAULT_NUMBER = "+12025550100"  # 555-01xx is reserved for fiction


@dataclass(frozen=True)
class NumberConfig:
    """A phone number of the account.

    Attributes:
        phone_number: E.164.
        voice_url: where an inbound call asks for TwiML; empty takes `EmulatorConfig.voice_url`.
        voice_fallback_url: asked when the voice URL fails; empty means none.
        voice_application_sid: when set, `voice_url` is ignored and the application's URLs apply.
        status_callback: told about the end of inbound calls.
        sms_url: where an inbound message asks for TwiML; empty means none.
    """

    phone_number: str
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: str = "POST"
    voice_application_sid: str = ""
    status_callback: str = ""
    status_callback_method: str = "POST"
    sms_url: str = ""
    sms_method: str = "POST"
    friendly_name: str = ""
    sid: str = field(default_factory=lambda: new_sid("PN"))


@dataclass(frozen=True)
class ApplicationConfig:
    """A TwiML application: the URLs behind `app:AP…`, client calls and numbers that point to it."""

    sid: str = field(default_factory=lambda: new_sid("AP"))
    voice_url: str = ""
    voice_method: str = "POST"
    voice_fallback_url: str = ""
    voice_fallback_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    sms_url: str = ""
    sms_method: str = "POST"
    friendly_name: str = ""


@dataclass(frozen=True)
class Switches:
    """Behaviour of the real network that nobody has confirmed, to be tried both ways.

    Attributes:
        chunk_shared: `media.chunk` counts over all tracks of a stream instead of per track.
        tap_survives_update: a `<Start><Stream>` goes on when `Url`/`Twiml` of the call is replaced.
        close_code: WebSocket close code after `stop`.
        dtmf_reaches_agent: keys pressed by a conference member reach `<Connect><Stream>` of app legs.
        lone_participant_waits: the last one left in a started conference hears the wait audio again.
        two_conferences_of_one_name: a TwiML join does not find a conference that REST has created by
            name but nobody has joined yet, and opens a second one.
        leave_before_end: `participant-leave` is sent before `conference-end` (False: after it).
        dial_action_after_hangup: the `<Dial action>` is requested although the caller has hung up.
        trailing_slash_signature: handshakes are signed over the URL with a slash appended.
        webhook_retries, webhook_retry_policy, connect_timeout_ms, read_timeout_ms, total_timeout_ms: what
            applies to a webhook whose URL fragment does not say otherwise (`rc rp ct rt tt`).
        default_recording_channels: for recordings that do not say "mono" or "dual".
    """

    chunk_shared: bool = False
    tap_survives_update: bool = True
    close_code: int = 1000
    dtmf_reaches_agent: bool = False
    lone_participant_waits: bool = False
    two_conferences_of_one_name: bool = False
    leave_before_end: bool = True
    dial_action_after_hangup: bool = True
    trailing_slash_signature: bool = False
    webhook_retries: int = 1
    webhook_retry_policy: str = "ct"
    connect_timeout_ms: int = 5000
    read_timeout_ms: int = 15000
    total_timeout_ms: int = 15000
    default_recording_channels: str = "mono"


@dataclass(frozen=True)
class Limits:
    """The account's limits and the network's delays.

    Attributes:
        calls_per_second: REST-created calls and participants; the excess waits in a silent queue.
        concurrent_calls: None is unlimited.
        max_buffer_s: audio that a `<Connect><Stream>` may hold before it is a violation, seconds.
        outbox_s: audio that waits for a slow reader before it is discarded, seconds.
        jitter_delay_ms: delay that each `jitterBufferSize` adds to a participant's audio.
        ring_s: from the answer of an app or an unscripted phone's ring until it is picked up, seconds.
        conference_participants: most members of one conference.
    """

    calls_per_second: float = 1.0
    concurrent_calls: int | None = None
    max_buffer_s: float = 30.0
    outbox_s: float = 2.0
    jitter_delay_ms: Mapping[str, int] = field(
        default_factory=lambda: {"off": 0, "small": 180, "medium": 280, "large": 600}
    )
    ring_s: float = 0.1
    conference_participants: int = 250


@dataclass(frozen=True)
class EmulatorConfig:
    """One emulated account and the address it is served on.

    Attributes:
        host, port: where HTTP and WebSockets listen; port 0 takes a free one.
        voice_url: default for numbers that have none.
        app_voice_url: default for the application `application_sid`.
        numbers: the account's numbers; one fictional number when empty.
        applications: further TwiML applications.
        api_keys: SK sid -> secret, accepted beside the auth token.
        strict: violations fail `Emulator.assert_no_violations`; otherwise they are only notified.
        allowed_origins: browser origins besides loopback ones that may use the control API.
        geo_blocked: number prefixes that outbound calls may not reach (21215).
        keep_audio_s: seconds that `PhoneCall.heard` and `.spoken` keep at most.
    """

    account_sid: str = field(default_factory=lambda: new_sid("AC"))
    auth_token: str = field(default_factory=lambda: token_hex(16))
    application_sid: str = field(default_factory=lambda: new_sid("AP"))
    host: str = "127.0.0.1"
    port: int = 0
    voice_url: str = ""
    app_voice_url: str = ""
    numbers: tuple[NumberConfig, ...] = ()
    applications: tuple[ApplicationConfig, ...] = ()
    api_keys: Mapping[str, str] = field(default_factory=dict)
    strict: bool = True
    switches: Switches = field(default_factory=Switches)
    limits: Limits = field(default_factory=Limits)
    allowed_origins: tuple[str, ...] = ()
    geo_blocked: tuple[str, ...] = ()
    keep_audio_s: float = 3600.0

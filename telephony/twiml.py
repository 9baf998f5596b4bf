"""The TwiML documents of a call, one function each, built with the SDK.

Conference first: the caller's leg gets a one-way tap (the ear) and enters a conference; the agent's leg, a
participant of its own, is a bidirectional stream (the mouth). ``beep`` and ``jitterBufferSize`` are always
written: their defaults put a tone and up to a second of delay into the conversation.
Source: https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from twilio.twiml.voice_response import Connect, Dial, Start, VoiceResponse

TOKEN_PARAMETER: Final = "t"
"""Name of the custom parameter that carries the one-time stream token."""
CONFERENCE_EVENTS: Final = "start end join leave mute hold modify"
"""The first participant's choice holds for the conference, so both legs ask for the same."""
DIAL_TIMEOUT_S: Final = 30
"""How long a transfer rings before the caller is taken back."""


@dataclass(frozen=True, slots=True)
class StreamTarget:
    """Where a stream goes.

    Attributes:
        url: absolute ``wss://`` (``ws://`` on loopback) address without a query.
        name: unique among the streams of its call.
        token: one-time token that the socket has to present.
        status_callback: absolute URL for stream-started, -stopped and -error.
    """

    url: str
    name: str
    token: str
    status_callback: str


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording by the network, of the caller's leg, left channel caller, right everybody else."""

    status_callback: str


def caller_conference(
    tap: StreamTarget,
    *,
    conference: str,
    label: str,
    action: str,
    status_callback: str,
    recording: Recording | None = None,
) -> str:
    """The caller's way into the conference, tapped.

    ``action`` is asked when the caller's part ends while the call goes on; nothing after ``<Dial>`` would be
    reached.
    """
    response = VoiceResponse()
    start = Start()
    _add_stream(start, tap, track="inbound_track")
    response.append(start)
    if recording is not None:
        record = Start()
        record.recording(
            channels="dual",
            track="both",
            trim="do-not-trim",
            recording_status_callback=recording.status_callback,
        )
        response.append(record)
    dial = Dial(action=action)
    dial.conference(
        conference,
        participant_label=label,
        beep="false",
        start_conference_on_enter=True,
        end_conference_on_exit=True,
        wait_url="",
        jitter_buffer_size="small",
        status_callback=status_callback,
        status_callback_event=CONFERENCE_EVENTS,
    )
    response.append(dial)
    return str(response)


def bidirectional_stream(target: StreamTarget, *, action: str = "") -> str:
    """Ear and mouth on one leg: the agent's leg, or the caller's own leg when there is no conference.

    ``action`` is asked when the stream ends while the call goes on; without it the call then ends.
    """
    response = VoiceResponse()
    connect = Connect(action=action) if action else Connect()
    _add_stream(connect, target)
    response.append(connect)
    return str(response)


def transfer(number: str, *, action: str, status_callback: str) -> str:
    """Dial ``number`` (E.164) for the caller; ``action`` learns the outcome, ``status_callback`` the
    answer."""
    response = VoiceResponse()
    dial = Dial(action=action, timeout=DIAL_TIMEOUT_S, answer_on_bridge=True)
    dial.number(number, status_callback=status_callback, status_callback_event="answered")
    response.append(dial)
    return str(response)


def busy() -> str:
    """Refuse the call before it is answered; the caller hears the busy tone and nothing is billed."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)


def forward(number: str, *, announcement: str = "", language: str = "en-US") -> str:
    """Say so, then dial ``number`` (E.164): where refused calls go when somebody else can take them."""
    response = VoiceResponse()
    if announcement:
        response.say(announcement, language=language)
    response.dial(number)
    return str(response)


def farewell(text: str, *, language: str = "en-US") -> str:
    """Say something and end the call."""
    response = VoiceResponse()
    response.say(text, language=language)
    response.hangup()
    return str(response)


def hang_up() -> str:
    """End the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def _add_stream(parent: Start | Connect, target: StreamTarget, *, track: str | None = None) -> None:
    stream = parent.stream(
        url=target.url, name=target.name, track=track, status_callback=target.status_callback
    )
    stream.parameter(name=TOKEN_PARAMETER, value=target.token)

"""Which verbs, nouns, attributes and values TwiML knows (voice), as a table.

The table holds the documented language. A document that leaves it is not refused: the network warns
(12200), skips the verb or ignores the attribute, and goes on; the emulator counts that as a violation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from .identifiers import whole_number


class Kind(Enum):
    """How an attribute's value is checked."""

    TEXT = auto()
    URL = auto()  # absolute or relative, http(s) when absolute
    SOCKET_URL = auto()  # ws or wss; the scheme is judged when the stream is opened
    FLAG = auto()  # true or false
    NUMBER = auto()
    CHOICE = auto()
    WORDS = auto()  # space separated choices


@dataclass(frozen=True)
class Attribute:
    """One attribute: its kind and the bounds of its value."""

    kind: Kind = Kind.TEXT
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 1 << 31

    def problem(self, value: str) -> str | None:
        """Why `value` is not allowed, or None."""
        if self.kind is Kind.FLAG and value not in ("true", "false"):
            return "must be true or false"
        number = whole_number(value) if self.kind is Kind.NUMBER else self.low
        if number is None or not self.low <= number <= self.high:
            return f"must be a whole number from {self.low} to {self.high}"
        if self.kind is Kind.CHOICE and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}"
        if self.kind is Kind.WORDS and not set(value.split()) <= set(self.choices):
            return f"must be words out of {' '.join(self.choices)}"
        if self.kind is Kind.URL and re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", value):
            return None if re.match(r"https?://[^\s/]", value) else "must be an http or https URL"
        if self.kind is Kind.TEXT and len(value) > self.high:
            return f"must have at most {self.high} characters"
        return None


@dataclass(frozen=True)
class Rule:
    """One element: its attributes, the elements inside it, and whether it holds text."""

    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    children: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    text_limit: int = 0


_TEXT = Attribute()
_URL = Attribute(Kind.URL)
_FLAG = Attribute(Kind.FLAG)
_METHOD = Attribute(Kind.CHOICE, ("GET", "POST"))
_TRIM = Attribute(Kind.CHOICE, ("trim-silence", "do-not-trim"))
_TRACK = Attribute(Kind.CHOICE, ("inbound", "outbound", "both"))
_RECORDING_EVENTS = Attribute(Kind.WORDS, ("in-progress", "completed", "absent"))
_CALL_EVENTS = Attribute(Kind.WORDS, ("initiated", "ringing", "answered", "completed"))
CONFERENCE_EVENTS = (
    "start",
    "end",
    "join",
    "leave",
    "mute",
    "hold",
    "modify",
    "speaker",
    "announcement",
)

_RECORDING_CALLBACK = {
    "recordingStatusCallback": _URL,
    "recordingStatusCallbackMethod": _METHOD,
    "recordingStatusCallbackEvent": _RECORDING_EVENTS,
}
_STATUS_CALLBACK = {"statusCallback": _URL, "statusCallbackMethod": _METHOD}
_CALLEE = {
    "url": _URL,
    "method": _METHOD,
    **_STATUS_CALLBACK,
    "statusCallbackEvent": _CALL_EVENTS,
}
_AMD = {
    "machineDetection": Attribute(Kind.CHOICE, ("Enable", "DetectMessageEnd")),
    "machineDetectionTimeout": Attribute(Kind.NUMBER, low=3, high=59),
    "machineDetectionSpeechThreshold": Attribute(Kind.NUMBER, low=1000, high=6000),
    "machineDetectionSpeechEndThreshold": Attribute(Kind.NUMBER, low=500, high=5000),
    "machineDetectionSilenceTimeout": Attribute(Kind.NUMBER, low=2000, high=10000),
    "amdStatusCallback": _URL,
    "amdStatusCallbackMethod": _METHOD,
}

# <Stream> has attributes that only the SDK knows; they are accepted with a warning.
UNDOCUMENTED_STREAM_ATTRIBUTES = ("connectorName", "audioFormat", "sampleRate")

VOICE: Mapping[str, Rule] = {
    "Say": Rule(
        {"voice": _TEXT, "language": _TEXT, "loop": Attribute(Kind.NUMBER, high=1000)}, text_limit=4096
    ),
    "Play": Rule({"loop": Attribute(Kind.NUMBER, high=1000), "digits": Attribute(high=32)}, text_limit=2048),
    "Pause": Rule({"length": Attribute(Kind.NUMBER, high=86400)}),
    "Hangup": Rule(),
    "Reject": Rule({"reason": Attribute(Kind.CHOICE, ("rejected", "busy"))}),
    "Redirect": Rule({"method": _METHOD}, text_limit=4096),
    "Connect": Rule({"action": _URL, "method": _METHOD}, ("Stream",)),
    "Start": Rule({"action": _URL, "method": _METHOD}, ("Stream", "Recording")),
    "Stop": Rule({}, ("Stream", "Recording")),
    "Stream": Rule(
        {
            "url": Attribute(Kind.SOCKET_URL),
            "name": _TEXT,
            "track": Attribute(Kind.CHOICE, ("inbound_track", "outbound_track", "both_tracks")),
            **_STATUS_CALLBACK,
            "connectorName": _TEXT,
            "audioFormat": _TEXT,
            "sampleRate": _TEXT,
        },
        ("Parameter",),
    ),
    "Parameter": Rule({"name": _TEXT, "value": _TEXT}, required=("name", "value")),
    "Recording": Rule(
        {
            **_RECORDING_CALLBACK,
            "trim": _TRIM,
            "track": _TRACK,
            "channels": Attribute(Kind.CHOICE, ("mono", "dual")),
            "recordingConfigurationId": _TEXT,
        }
    ),
    "Dial": Rule(
        {
            "action": _URL,
            "method": _METHOD,
            "timeout": Attribute(Kind.NUMBER, low=1, high=600),
            "timeLimit": Attribute(Kind.NUMBER, low=1, high=86400),
            "hangupOnStar": _FLAG,
            "callerId": _TEXT,
            "answerOnBridge": _FLAG,
            "record": Attribute(
                Kind.CHOICE,
                (
                    "do-not-record",
                    "record-from-answer",
                    "record-from-ringing",
                    "record-from-answer-dual",
                    "record-from-ringing-dual",
                ),
            ),
            "trim": _TRIM,
            **_RECORDING_CALLBACK,
            "recordingTrack": _TRACK,
            "sequential": _FLAG,
            "ringTone": _TEXT,
            "referUrl": _URL,
            "referMethod": _METHOD,
            "events": _TEXT,
        },
        ("Conference", "Number", "Client"),
        text_limit=64,
    ),
    "Conference": Rule(
        {
            "muted": _FLAG,
            "beep": Attribute(Kind.CHOICE, ("true", "false", "onEnter", "onExit")),
            "startConferenceOnEnter": _FLAG,
            "endConferenceOnExit": _FLAG,
            "participantLabel": Attribute(high=128),
            "jitterBufferSize": Attribute(Kind.CHOICE, ("small", "medium", "large", "off")),
            "waitUrl": _URL,
            "waitMethod": _METHOD,
            "maxParticipants": Attribute(Kind.NUMBER, low=2, high=250),
            "record": Attribute(Kind.CHOICE, ("do-not-record", "record-from-start")),
            "trim": _TRIM,
            "region": Attribute(Kind.CHOICE, ("us1", "ie1", "de1", "sg1", "br1", "au1", "jp1")),
            "coach": _TEXT,
            "statusCallbackEvent": Attribute(Kind.WORDS, CONFERENCE_EVENTS),
            **_STATUS_CALLBACK,
            **_RECORDING_CALLBACK,
            "recordingConfigurationId": _TEXT,
            "eventCallbackUrl": _URL,
        },
        text_limit=128,
    ),
    "Number": Rule({"sendDigits": Attribute(high=32), **_CALLEE, **_AMD}, text_limit=64),
    "Client": Rule(dict(_CALLEE), ("Identity", "Parameter"), text_limit=256),
    "Identity": Rule(text_limit=256),
    "Gather": Rule(
        {
            "input": Attribute(Kind.WORDS, ("dtmf", "speech")),
            "action": _URL,
            "method": _METHOD,
            "timeout": Attribute(Kind.NUMBER, low=1, high=600),
            "finishOnKey": Attribute(high=1),
            "numDigits": Attribute(Kind.NUMBER, low=1, high=1000),
            "speechTimeout": _TEXT,
            "language": _TEXT,
            "hints": Attribute(high=50_000),
            "bargeIn": _FLAG,
            "actionOnEmptyResult": _FLAG,
            "partialResultCallback": _URL,
            "partialResultCallbackMethod": _METHOD,
            "maxSpeechTime": Attribute(Kind.NUMBER, low=1, high=600),
            "profanityFilter": _FLAG,
            "enhanced": _FLAG,
            "speechModel": _TEXT,
            "debug": _FLAG,
        },
        ("Say", "Play", "Pause"),
    ),
}

VOICE_VERBS = (
    "Say",
    "Play",
    "Pause",
    "Hangup",
    "Reject",
    "Redirect",
    "Connect",
    "Start",
    "Stop",
    "Dial",
    "Gather",
)

MESSAGING: Mapping[str, Rule] = {
    "Message": Rule(
        {"to": _TEXT, "from": _TEXT, "action": _URL, "method": _METHOD, "statusCallback": _URL},
        ("Body", "Media"),
        text_limit=1600,
    ),
    "Body": Rule(text_limit=1600),
    "Media": Rule(text_limit=2048),
    "Redirect": Rule({"method": _METHOD}, text_limit=4096),
}

MESSAGING_VERBS = ("Message", "Redirect")

"""Form parameters of the REST API: a check per parameter, stricter than the published OpenAPI.

An unknown parameter is a violation (the real API ignores it in silence, which hides spelling mistakes);
a bad value is a 400 as well. `True` and `False` with a capital letter are what SDKs send for parameters that
are strings: always a mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from .errors import EmulatorError
from .events import EventLog
from .identifiers import is_sid, whole_number
from .twiml import MAX_INLINE_CHARACTERS

INVALID_PARAMETER = 20001
NOT_VALID_URL = 21205


class RestError(EmulatorError):
    """An error answer of the API: HTTP status, code and message."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class Check(Protocol):
    """Judges the text of a parameter."""

    def problem(self, value: str) -> str | None:
        """What is wrong with it, or None."""
        ...


@dataclass(frozen=True)
class Text:
    """Any text up to a length."""

    limit: int = 65536
    shape: str = ""

    def problem(self, value: str) -> str | None:
        """Too long, or not of the given shape."""
        if len(value) > self.limit:
            return f"has {len(value)} characters, at most {self.limit} are allowed"
        if self.shape and not re.fullmatch(self.shape, value):
            return f"does not have the form {self.shape}"
        return None


@dataclass(frozen=True)
class Flag:
    """`true` or `false`, lower case."""

    def problem(self, value: str) -> str | None:
        """Anything else."""
        return None if value in ("true", "false") else "must be true or false in lower case"


@dataclass(frozen=True)
class Number:
    """A whole number between two bounds."""

    low: int
    high: int

    def problem(self, value: str) -> str | None:
        """Not a number or out of bounds."""
        number = whole_number(value)
        fine = number is not None and self.low <= number <= self.high
        return None if fine else f"must be a whole number from {self.low} to {self.high}"


@dataclass(frozen=True)
class Choice:
    """One word out of several; `many` allows repeated keys or one spaced value."""

    words: tuple[str, ...]
    many: bool = False

    def problem(self, value: str) -> str | None:
        """Another word."""
        given = value.split() if self.many else [value]
        return None if given and set(given) <= set(self.words) else f"must be one of {', '.join(self.words)}"


@dataclass(frozen=True)
class Url:
    """An absolute http(s) URL; `blank` allows an empty value, `sockets` means ws(s) instead."""

    blank: bool = False
    sockets: bool = False

    def problem(self, value: str) -> str | None:
        """Not such a URL."""
        if self.blank and not value:
            return None
        parts = urlsplit(value)
        schemes = ("ws", "wss") if self.sockets else ("http", "https")
        return None if parts.scheme in schemes and parts.hostname else "is not a valid URL"


@dataclass(frozen=True)
class Sid:
    """A resource id with a prefix."""

    prefix: str
    blank: bool = False

    def problem(self, value: str) -> str | None:
        """Another shape."""
        if (self.blank and not value) or is_sid(value, self.prefix):
            return None
        return f"must be a SID that starts with {self.prefix}"


FLAG = Flag()
TEXT = Text()
URL = Url()
BLANK_URL = Url(blank=True)
METHOD = Choice(("GET", "POST"))
CALL_EVENTS = Choice(("initiated", "ringing", "answered", "completed"), many=True)
RECORDING_EVENTS = Choice(("in-progress", "completed", "absent"), many=True)
CONFERENCE_EVENTS = Choice(
    ("start", "end", "join", "leave", "mute", "hold", "modify", "speaker", "announcement"), many=True
)
TRIM = Choice(("trim-silence", "do-not-trim"))
CHANNELS = Choice(("mono", "dual"))
TRACK = Choice(("inbound", "outbound", "both"))

_AMD: Mapping[str, Check] = {
    "MachineDetection": Choice(("Enable", "DetectMessageEnd")),
    "MachineDetectionTimeout": Number(3, 59),
    "MachineDetectionSpeechThreshold": Number(1000, 6000),
    "MachineDetectionSpeechEndThreshold": Number(500, 5000),
    "MachineDetectionSilenceTimeout": Number(2000, 10000),
}
_RECORDING: Mapping[str, Check] = {
    "RecordingChannels": CHANNELS,
    "RecordingStatusCallback": URL,
    "RecordingStatusCallbackMethod": METHOD,
    "RecordingStatusCallbackEvent": RECORDING_EVENTS,
    "RecordingTrack": TRACK,
    "Trim": TRIM,
}
_OUTBOUND: Mapping[str, Check] = {
    "To": Text(800),
    "From": TEXT,
    "StatusCallback": URL,
    "StatusCallbackEvent": CALL_EVENTS,
    "StatusCallbackMethod": METHOD,
    "Timeout": Number(5, 600),
    "Record": FLAG,
    **_RECORDING,
    "SipAuthUsername": TEXT,
    "SipAuthPassword": TEXT,
    "CallerId": TEXT,
    "Byoc": Sid("BY"),
    "CallReason": Text(50),
    "CallToken": TEXT,
    "TimeLimit": Number(1, 86400),
    "ClientNotificationUrl": URL,
    **_AMD,
}

CREATE_CALL: Mapping[str, Check] = {
    **_OUTBOUND,
    "Url": URL,
    "Twiml": Text(MAX_INLINE_CHARACTERS),
    "ApplicationSid": Sid("AP"),
    "Method": METHOD,
    "FallbackUrl": URL,
    "FallbackMethod": METHOD,
    "SendDigits": Text(32, r"[0-9A-D#*wW]+"),
    "AsyncAmd": FLAG,
    "AsyncAmdStatusCallback": URL,
    "AsyncAmdStatusCallbackMethod": METHOD,
}
UPDATE_CALL: Mapping[str, Check] = {
    "Url": URL,
    "Method": METHOD,
    "Status": Choice(("canceled", "completed")),
    "FallbackUrl": URL,
    "FallbackMethod": METHOD,
    "StatusCallback": URL,
    "StatusCallbackMethod": METHOD,
    "Twiml": Text(MAX_INLINE_CHARACTERS),
    "TimeLimit": Number(1, 86400),
}
CREATE_PARTICIPANT: Mapping[str, Check] = {
    **_OUTBOUND,
    "Label": Text(128),
    "Muted": FLAG,
    "Beep": Choice(("true", "false", "onEnter", "onExit")),
    "StartConferenceOnEnter": FLAG,
    "EndConferenceOnExit": FLAG,
    "WaitUrl": BLANK_URL,
    "WaitMethod": METHOD,
    "EarlyMedia": FLAG,
    "MaxParticipants": Number(2, 250),
    "ConferenceRecord": Choice(("true", "false", "record-from-start", "do-not-record")),
    "ConferenceTrim": TRIM,
    "ConferenceStatusCallback": URL,
    "ConferenceStatusCallbackMethod": METHOD,
    "ConferenceStatusCallbackEvent": CONFERENCE_EVENTS,
    "ConferenceRecordingStatusCallback": URL,
    "ConferenceRecordingStatusCallbackMethod": METHOD,
    "ConferenceRecordingStatusCallbackEvent": RECORDING_EVENTS,
    "Region": Choice(("us1", "ie1", "de1", "sg1", "br1", "au1", "jp1")),
    "Coaching": FLAG,
    "CallSidToCoach": Sid("CA"),
    "JitterBufferSize": Choice(("small", "medium", "large", "off")),
    "AmdStatusCallback": URL,
    "AmdStatusCallbackMethod": METHOD,
    "CallerDisplayName": Text(255),
}
UPDATE_PARTICIPANT: Mapping[str, Check] = {
    "Muted": FLAG,
    "Hold": FLAG,
    "HoldUrl": URL,
    "HoldMethod": METHOD,
    "AnnounceUrl": URL,
    "AnnounceMethod": METHOD,
    "WaitUrl": BLANK_URL,
    "WaitMethod": METHOD,
    "BeepOnExit": FLAG,
    "EndConferenceOnExit": FLAG,
    "Coaching": FLAG,
    "CallSidToCoach": Sid("CA"),
}
UPDATE_CONFERENCE: Mapping[str, Check] = {
    "Status": Choice(("completed",)),
    "AnnounceUrl": URL,
    "AnnounceMethod": METHOD,
}
CREATE_STREAM: Mapping[str, Check] = {
    "Url": Url(sockets=True),
    "Name": TEXT,
    "Track": Choice(("inbound_track", "outbound_track", "both_tracks")),
    "StatusCallback": URL,
    "StatusCallbackMethod": METHOD,
    **{f"Parameter{n}.{part}": TEXT for n in range(1, 100) for part in ("Name", "Value")},
}
UPDATE_STREAM: Mapping[str, Check] = {"Status": Choice(("stopped",))}
CREATE_RECORDING = _RECORDING
UPDATE_RECORDING: Mapping[str, Check] = {
    "Status": Choice(("in-progress", "paused", "stopped")),
    "PauseBehavior": Choice(("skip", "silence")),
}
CREATE_MESSAGE: Mapping[str, Check] = {
    "To": TEXT,
    "From": TEXT,
    "Body": Text(1600),
    "MediaUrl": URL,
    "ContentSid": Sid("HX"),
    "ContentVariables": TEXT,
    "MessagingServiceSid": Sid("MG"),
    "StatusCallback": URL,
    "ApplicationSid": Sid("AP"),
    "MaxPrice": TEXT,
    "ProvideFeedback": FLAG,
    "Attempt": Number(1, 100),
    "ValidityPeriod": Number(1, 36000),
    "ForceDelivery": FLAG,
    "ContentRetention": Choice(("retain", "discard")),
    "AddressRetention": Choice(("retain", "obfuscate")),
    "SmartEncoded": FLAG,
    "PersistentAction": TEXT,
    "TrafficType": Choice(("free",)),
    "ShortenUrls": FLAG,
    "ScheduleType": Choice(("fixed",)),
    "SendAt": TEXT,
    "SendAsMms": FLAG,
    "RiskCheck": Choice(("enable", "disable")),
    "FallbackFrom": TEXT,
}
UPDATE_MESSAGE: Mapping[str, Check] = {"Body": Text(0), "Status": Choice(("canceled",))}

_NUMBER_URLS: Mapping[str, Check] = {
    "ApiVersion": Choice(("2010-04-01",)),
    "FriendlyName": Text(64),
    "SmsApplicationSid": Sid("AP", blank=True),
    "SmsFallbackMethod": METHOD,
    "SmsFallbackUrl": BLANK_URL,
    "SmsMethod": METHOD,
    "SmsUrl": BLANK_URL,
    "StatusCallback": BLANK_URL,
    "StatusCallbackMethod": METHOD,
    "VoiceApplicationSid": Sid("AP", blank=True),
    "VoiceCallerIdLookup": FLAG,
    "VoiceFallbackMethod": METHOD,
    "VoiceFallbackUrl": BLANK_URL,
    "VoiceMethod": METHOD,
    "VoiceUrl": BLANK_URL,
    "EmergencyStatus": Choice(("Active", "Inactive")),
    "EmergencyAddressSid": Sid("AD"),
    "TrunkSid": Sid("TK"),
    "IdentitySid": Sid("RI"),
    "AddressSid": Sid("AD"),
    "VoiceReceiveMode": Choice(("voice", "fax")),
    "BundleSid": Sid("BU"),
}
CREATE_NUMBER: Mapping[str, Check] = {**_NUMBER_URLS, "PhoneNumber": TEXT, "AreaCode": Text(3, r"\d{3}")}
UPDATE_NUMBER: Mapping[str, Check] = {**_NUMBER_URLS, "AccountSid": Sid("AC")}
PUT_APPLICATION: Mapping[str, Check] = {
    "ApiVersion": Choice(("2010-04-01",)),
    "FriendlyName": Text(64),
    "VoiceUrl": BLANK_URL,
    "VoiceMethod": METHOD,
    "VoiceFallbackUrl": BLANK_URL,
    "VoiceFallbackMethod": METHOD,
    "StatusCallback": BLANK_URL,
    "StatusCallbackMethod": METHOD,
    "VoiceCallerIdLookup": FLAG,
    "SmsUrl": BLANK_URL,
    "SmsMethod": METHOD,
    "SmsFallbackUrl": BLANK_URL,
    "SmsFallbackMethod": METHOD,
    "SmsStatusCallback": BLANK_URL,
    "MessageStatusCallback": BLANK_URL,
    "PublicApplicationConnectEnabled": FLAG,
}

_LISTS = frozenset(name for name in ("MediaUrl", "PersistentAction"))


class Form:
    """The checked parameters of one request."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def get(self, name: str, default: str = "") -> str:
        """A parameter as text."""
        return self._values[name][0] if name in self._values else default

    def all(self, name: str) -> tuple[str, ...]:
        """All values of a repeated parameter."""
        return tuple(self._values.get(name, ()))

    def flag(self, name: str, default: bool) -> bool:
        """A parameter as a boolean."""
        return self.get(name) == "true" if name in self._values else default

    def number(self, name: str, default: int) -> int:
        """A parameter as a whole number."""
        return int(self.get(name)) if name in self._values else default

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list parameter: repeated keys, or words in one value."""
        if name not in self._values:
            return default
        return tuple(word for value in self._values[name] for word in value.split())


def checked(
    fields: Sequence[tuple[str, str]], allowed: Mapping[str, Check], log: EventLog, operation: str
) -> Form:
    """Check a form.

    Raises:
        RestError: a value is not allowed (400). Unknown parameters are violations and left out.
    """
    values: dict[str, list[str]] = {}
    for name, value in fields:
        check = allowed.get(name)
        if check is None:
            log.violate(INVALID_PARAMETER, f"{operation} has no parameter {name!r}")
            continue
        if value in ("True", "False"):
            log.violate(
                INVALID_PARAMETER, f"{operation}: {name}={value}; write {value.lower()!r} as a string"
            )
        problem = check.problem(value)
        if problem is not None:
            code = NOT_VALID_URL if isinstance(check, Url) else INVALID_PARAMETER
            if value not in ("True", "False"):
                log.violate(code, f"{operation}: {name}={value[:80]!r} {problem}")
            raise RestError(400, code, f"{name} {problem}: {value[:200]}")
        values.setdefault(name, []).append(value)
    for name, given in values.items():
        repeated = name in _LISTS or getattr(allowed[name], "many", False)
        if len(given) > 1 and not repeated:
            log.violate(INVALID_PARAMETER, f"{operation}: {name} is given {len(given)} times")
    return Form(values)

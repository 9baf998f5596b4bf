"""Status callbacks of one conference: who set them first owns them, and every event has its number."""

from __future__ import annotations

from dataclasses import dataclass

from .callbacks import Callback
from .identifiers import rfc2822
from .services import Services

# What a word of `statusCallbackEvent` subscribes to.
_EVENTS_OF = {
    "start": ("conference-start",),
    "end": ("conference-end",),
    "join": ("participant-join",),
    "leave": ("participant-leave",),
    "mute": ("participant-mute", "participant-unmute"),
    "hold": ("participant-hold", "participant-unhold"),
    "modify": ("participant-modify",),
    "speaker": ("participant-speech-start", "participant-speech-stop"),
    "announcement": ("announcement-end", "announcement-fail"),
}


@dataclass(frozen=True)
class ConferenceCallbackOrder:
    """What a participant asks for when it joins."""

    url: str = ""
    method: str = "POST"
    words: tuple[str, ...] = ()


class ConferenceCallbacks:
    """Fires the callbacks of one conference to the first participant's address."""

    def __init__(self, conference_sid: str, name: str, services: Services) -> None:
        self._conference_sid = conference_sid
        self._name = name
        self._services = services
        self._order: ConferenceCallbackOrder | None = None
        self._sequence = 0

    @property
    def wants_speech(self) -> bool:
        """Whether somebody asked for speech-start and speech-stop."""
        return self._order is not None and "speaker" in self._order.words

    def adopt(self, order: ConferenceCallbackOrder) -> None:
        """Take the first participant's values; later ones change nothing."""
        if self._order is None:
            self._order = order

    def fire(self, event: str, fields: tuple[tuple[str, str], ...] = (), call_sid: str = "") -> None:
        """Fire an event if it was asked for; `SequenceNumber` counts those that were."""
        order = self._order
        if order is None or not any(event in _EVENTS_OF[word] for word in order.words):
            return
        common = [
            ("ConferenceSid", self._conference_sid),
            ("FriendlyName", self._name),
            ("AccountSid", self._services.config.account_sid),
            ("SequenceNumber", str(self._sequence)),
            ("Timestamp", rfc2822(self._services.clock.now()) or ""),
            ("StatusCallbackEvent", event),
        ]
        self._sequence += 1
        self._services.callbacks.fire(
            Callback(self._conference_sid, order.url, order.method, [*common, *fields], event, call_sid)
        )

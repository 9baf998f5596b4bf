"""A leg in a conference: on which terms it is there, what it says, and what it alone hears."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from .conference_callbacks import ConferenceCallbackOrder
from .g711 import SILENCE_FRAME
from .leg import Leg
from .mixer import DelayLine
from .recordings import RecordingOrder
from .sources import AudioSource, Loop, music
from .tones import WAIT_MUSIC_HZ

if TYPE_CHECKING:
    from .conference import Conference


class LeaveReason(StrEnum):
    """`ReasonParticipantLeft`."""

    ENDED_BY_API = "conference_ended_via_api"
    MODERATOR_ENDED = "moderator_ended_conference"
    UPDATED_BY_API = "participant_updated_via_api"
    HUNG_UP = "participant_hung_up"
    ADD_FAILED = "participant_add_failed"
    KICKED = "participant_kicked"  # not documented as a reason; reported as participant_updated_via_api

    @property
    def reported(self) -> str:
        """The value in the callback."""
        return LeaveReason.UPDATED_BY_API.value if self is LeaveReason.KICKED else self.value


@dataclass(frozen=True)
class Membership:
    """How a leg wants to be in a conference; everything that `<Conference>` and Participants create share.

    `wait_audio` is what it hears until the start: None is the default music, empty is silence.
    """

    label: str = ""
    muted: bool = False
    hold: bool = False
    beep: str = "true"
    start_on_enter: bool = True
    end_on_exit: bool = False
    coaching: bool = False
    call_sid_to_coach: str = ""
    jitter_buffer: str = "large"
    wait_audio: bytes | None = None
    max_participants: int = 250
    callbacks: ConferenceCallbackOrder = field(default_factory=ConferenceCallbackOrder)
    recording: RecordingOrder | None = None
    region: str = ""


class Participant:
    """A leg in a conference.

    `turned` is set for `app:` legs, whose far side stands in the conference (see `Leg`).
    """

    def __init__(self, leg: Leg, conference: Conference, terms: Membership, *, turned: bool) -> None:
        self.leg = leg
        self.conference = conference
        self.terms = terms
        self.turned = turned
        self.created: datetime = leg.services.clock.now()
        self.updated = self.created
        self.left: asyncio.Future[LeaveReason] = asyncio.get_running_loop().create_future()
        self.personal: AudioSource | None = None  # hold music or an announcement to this one only
        self.waiting: AudioSource | None = _waiting_audio(terms.wait_audio)
        self.heard_frame = SILENCE_FRAME
        self.speaking = False
        self.speech_run = 0
        self._delay = DelayLine(leg.services.config.limits.jitter_delay_ms[terms.jitter_buffer])

    def contribution(self) -> bytes:
        """What this participant says in this tick, after its jitter buffer."""
        return self._delay.push(self.leg.downlink if self.turned else self.leg.uplink)

    def deliver(self, frame: bytes) -> None:
        """What this participant hears in this tick."""
        if self.turned:
            self.leg.uplink = frame
        else:
            self.leg.downlink = frame

    def hold_with(self, ulaw: bytes) -> None:
        """Replace the hold music."""
        if self.terms.hold:
            self.personal = _waiting_audio(ulaw)

    def wait_with(self, ulaw: bytes) -> None:
        """Replace the wait music."""
        self.waiting = _waiting_audio(ulaw)

    def fields(self) -> tuple[tuple[str, str], ...]:
        """The form fields of callbacks about this participant."""
        terms = self.terms
        return (
            ("CallSid", self.leg.sid),
            ("Muted", _text(terms.muted)),
            ("Hold", _text(terms.hold)),
            ("Coaching", _text(terms.coaching)),
            ("EndConferenceOnExit", _text(terms.end_on_exit)),
            ("StartConferenceOnEnter", _text(terms.start_on_enter)),
            ("ParticipantLabel", terms.label),
        )


def _text(value: bool) -> str:
    return "true" if value else "false"


def _waiting_audio(ulaw: bytes | None) -> AudioSource | None:
    if ulaw is None:
        return music(WAIT_MUSIC_HZ)
    return Loop(ulaw) if len(ulaw) >= len(SILENCE_FRAME) else None

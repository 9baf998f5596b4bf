"""One conference: who is in it, who hears whom, when it starts and ends, and what it tells about itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from .conference_callbacks import ConferenceCallbacks
from .errors import WebhookFailed
from .events import EventKind
from .g711 import SILENCE_FRAME
from .identifiers import new_sid
from .leg import Leg
from .mixer import Hears, decoded, mix
from .participant import LeaveReason, Membership, Participant
from .recordings import Recording, RecordingOrder
from .services import Services
from .sources import Announcement, AudioSource, beep, music
from .tones import HOLD_MUSIC_HZ

DUPLICATE_LABEL = 16025
BAD_COACH = 13240
CONFERENCE_FULL = 16020
SPEECH_LEVEL = 1000  # peak of a frame; above it a participant counts as speaking
SPEECH_START_FRAMES = 3
SPEECH_STOP_FRAMES = 25


class ConferenceStatus(StrEnum):
    """States of a conference."""

    INIT = "init"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"


class EndReason(StrEnum):
    """`ReasonConferenceEnded`."""

    BY_API = "conference-ended-via-api"
    LAST_KICKED = "last-participant-kicked"
    LAST_LEFT = "last-participant-left"
    ENDER_KICKED = "participant-with-end-conference-on-exit-kicked"
    ENDER_LEFT = "participant-with-end-conference-on-exit-left"


class JoinRefused(Exception):
    """A leg cannot enter; `code` is 16025, 13240 or 16020."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class Conference:
    """A room. It exists from the first join or REST create until it has ended."""

    def __init__(self, name: str, services: Services, on_recording: Callable[[Recording], object]) -> None:
        self.sid = new_sid("CF")
        self.name = name
        self.status = ConferenceStatus.INIT
        self.created: datetime = services.clock.now()
        self.updated = self.created
        self.region = "us1"
        self.members: list[Participant] = []
        self.recordings: list[Recording] = []
        self.ever_joined = False
        self.end_reason: EndReason | None = None
        self.call_sid_ending = ""
        self.callbacks = ConferenceCallbacks(self.sid, name, services)
        self._services = services
        self._on_recording = on_recording
        self._room: list[AudioSource] = []
        self._max_participants = services.config.limits.conference_participants
        self._record_on_start: RecordingOrder | None = None
        self._hears: Hears | None = None
        services.log.record(EventKind.CONFERENCE_CREATED, conference=self.sid)

    # --- members ---------------------------------------------------------------------------------

    def join(self, leg: Leg, terms: Membership, *, turned: bool) -> Participant:
        """Let a leg in.

        Raises:
            JoinRefused: duplicate label (16025), coached call not here (13240), or full.
        """
        if terms.label and any(m.terms.label == terms.label for m in self.members):
            raise JoinRefused(DUPLICATE_LABEL, f"label {terms.label!r} is taken in conference {self.sid}")
        if terms.call_sid_to_coach and self.member(terms.call_sid_to_coach) is None:
            raise JoinRefused(BAD_COACH, f"call {terms.call_sid_to_coach} is not in conference {self.sid}")
        if len(self.members) >= self._max_participants:
            raise JoinRefused(CONFERENCE_FULL, f"conference {self.sid} is full")
        if not self.ever_joined:
            self.ever_joined = True
            self._max_participants = min(self._max_participants, terms.max_participants)
            self._record_on_start = terms.recording
            self.region = terms.region or self.region
        self.callbacks.adopt(terms.callbacks)
        participant = Participant(leg, self, terms, turned=turned)
        if turned:
            leg.far_conference = participant
        else:
            leg.near_conference = participant
        self.members.append(participant)
        self._changed()
        self._services.log.record(
            EventKind.PARTICIPANT_JOINED, leg.sid, conference=self.sid, label=terms.label
        )
        self.callbacks.fire("participant-join", participant.fields(), leg.sid)
        if terms.hold:
            participant.personal = music(HOLD_MUSIC_HZ)
        starts = len(self.members) >= 2 and any(m.terms.start_on_enter for m in self.members)
        if self.status is ConferenceStatus.INIT and starts:
            self._start()
        if terms.beep in ("true", "onEnter"):
            self._room.append(beep())
        return participant

    def member(self, call_sid_or_label: str) -> Participant | None:
        """The active participant with that call SID or label."""
        for member in self.members:
            if call_sid_or_label in (member.leg.sid, member.terms.label):
                return member
        return None

    def app_legs(self) -> list[Leg]:
        """The legs whose other end is a TwiML application."""
        return [m.leg for m in self.members if m.turned]

    def leave(self, participant: Participant, reason: LeaveReason) -> None:
        """Take a leg out. Safe more than once."""
        if participant not in self.members:
            return
        kicked = reason in (LeaveReason.KICKED, LeaveReason.UPDATED_BY_API)
        ends = participant.terms.end_on_exit
        end: EndReason | None = None
        if ends:
            end = EndReason.ENDER_KICKED if reason is LeaveReason.KICKED else EndReason.ENDER_LEFT
        elif len(self.members) == 1:
            end = EndReason.LAST_KICKED if kicked else EndReason.LAST_LEFT
        leave_first = self._services.config.switches.leave_before_end
        if end is not None and not leave_first:
            self._end(end, participant)
            self._remove(participant, reason)
        else:
            self._remove(participant, reason)
            if end is not None:
                self._end(end, participant)
        if self.members and participant.terms.beep in ("true", "onExit"):
            self._room.append(beep())

    def _remove(self, participant: Participant, reason: LeaveReason) -> None:
        if participant not in self.members:
            return
        self.members.remove(participant)
        self._changed()
        leg = participant.leg
        if participant.turned:
            leg.far_conference = None
        else:
            leg.near_conference = None
        self._services.log.record(
            EventKind.PARTICIPANT_LEFT,
            leg.sid,
            conference=self.sid,
            label=participant.terms.label,
            reason=reason.value,
        )
        fields = (
            *participant.fields(),
            ("ParticipantCallStatus", leg.status.value),
            ("ReasonParticipantLeft", reason.reported),
        )
        self.callbacks.fire("participant-leave", fields, leg.sid)
        participant.left.set_result(reason)

    def add_failed(self, leg: Leg, terms: Membership) -> None:
        """Report a REST-created participant that never got in."""
        fields = (
            *Participant(leg, self, terms, turned=False).fields(),
            ("ParticipantCallStatus", leg.status.value),
            ("ReasonParticipantLeft", LeaveReason.ADD_FAILED.value),
        )
        self.callbacks.fire("participant-leave", fields, leg.sid)

    def modify(self, participant: Participant, terms: Membership) -> None:
        """Apply new terms and tell what has changed.

        Raises:
            JoinRefused: the call to be coached is not in this conference (13240).
        """
        old = participant.terms
        if terms.coaching and self.member(terms.call_sid_to_coach) is None:
            raise JoinRefused(BAD_COACH, f"call {terms.call_sid_to_coach!r} is not in {self.sid}")
        participant.terms = terms
        participant.updated = self._services.clock.now()
        if terms.wait_audio is not old.wait_audio:
            participant.wait_with(terms.wait_audio or b"")
        self._changed()
        leg_sid = participant.leg.sid
        if terms.muted != old.muted:
            self._tell_modified(participant, "participant-mute" if terms.muted else "participant-unmute")
        if terms.hold != old.hold:
            participant.personal = music(HOLD_MUSIC_HZ) if terms.hold else None
            self._tell_modified(participant, "participant-hold" if terms.hold else "participant-unhold")
        if replace(terms, muted=old.muted, hold=old.hold) != old:
            self._tell_modified(participant, "participant-modify")
        self._services.log.record(
            EventKind.PARTICIPANT_MODIFIED, leg_sid, conference=self.sid, muted=terms.muted, hold=terms.hold
        )

    def _tell_modified(self, participant: Participant, event: str) -> None:
        self.callbacks.fire(event, participant.fields(), participant.leg.sid)

    # --- life ------------------------------------------------------------------------------------

    def _start(self) -> None:
        self.status = ConferenceStatus.IN_PROGRESS
        self._changed()
        self._services.log.record(EventKind.CONFERENCE_STARTED, conference=self.sid)
        self.callbacks.fire("conference-start")
        if self._record_on_start is not None:
            self.record(self._record_on_start)

    def end(self) -> None:
        """End by REST."""
        if self.status is not ConferenceStatus.COMPLETED:
            self._end(EndReason.BY_API, None)

    def abandon(self) -> None:
        """Close a room that was opened by REST and that nobody will enter any more; nobody is told."""
        if not self.ever_joined:
            self.status = ConferenceStatus.COMPLETED
            self._changed()

    def _end(self, reason: EndReason, by: Participant | None) -> None:
        if self.status is ConferenceStatus.COMPLETED:
            return
        self.status = ConferenceStatus.COMPLETED
        self.end_reason = reason
        self.call_sid_ending = by.leg.sid if by else ""
        self._changed()
        others = [m for m in self.members if m is not by]
        leave = LeaveReason.ENDED_BY_API if reason is EndReason.BY_API else LeaveReason.MODERATOR_ENDED
        if self._services.config.switches.leave_before_end:
            for member in others:
                self._remove(member, leave)
        self._services.log.record(EventKind.CONFERENCE_ENDED, conference=self.sid, reason=reason.value)
        self.callbacks.fire(
            "conference-end",
            (
                ("CallSidEndingConference", self.call_sid_ending),
                ("ParticipantLabelEndingConference", by.terms.label if by else ""),
                ("ReasonConferenceEnded", reason.value),
                ("Reason", reason.value.replace("-", " ")),
            ),
        )
        for member in others:
            self._remove(member, leave)
        for recording in self.recordings:
            recording.stop()
        self._room.clear()

    def _changed(self) -> None:
        self.updated = self._services.clock.now()
        self._hears = None

    # --- sound -----------------------------------------------------------------------------------

    def record(self, order: RecordingOrder) -> Recording:
        """Record the mix: always mono, music excluded."""
        recording = Recording(order, self._services, conference_sid=self.sid)
        self.recordings.append(recording)
        self._on_recording(recording)
        self._changed()
        return recording

    def announce_url(
        self, url: str, audio: Callable[[], Awaitable[bytes]], participant: Participant | None = None
    ) -> None:
        """Fetch an announcement and play it to everybody, or to one participant only."""
        about = participant.fields() if participant else ()
        call_sid = participant.leg.sid if participant else ""

        def ended() -> None:
            self.callbacks.fire("announcement-end", (*about, ("AnnounceUrl", url)), call_sid)

        async def work() -> None:
            try:
                source = Announcement(await audio(), ended)
            except WebhookFailed as failed:
                why = ("ReasonAnnouncementFailed", failed.reason)
                self.callbacks.fire("announcement-fail", (*about, ("AnnounceUrl", url), why), call_sid)
                return
            if participant is not None:
                participant.personal = source
            else:
                self._room.append(source)

        self._services.tasks.start(work(), f"announcement in {self.sid}")

    def tick(self) -> None:
        """Mix one frame for everybody."""
        members = self.members
        if not members:
            return
        if self._hears is None:
            self._hears = self._who_hears_whom()
        frames = [member.contribution() for member in members]
        if self.callbacks.wants_speech:
            self._watch_speech(frames)
        frames.append(self._room_frame())
        heard = mix(frames, self._hears)
        for member, frame in zip(members, heard, strict=False):
            member.deliver(self._personal_frame(member, frame))
        for recording in self.recordings:
            recording.feed(heard[-1], SILENCE_FRAME)

    def _waits(self, member: Participant) -> bool:
        if self.status is ConferenceStatus.INIT:
            return True
        lone = self._services.config.switches.lone_participant_waits and len(self.members) == 1
        return lone and self.status is ConferenceStatus.IN_PROGRESS

    def _personal_frame(self, member: Participant, mixed: bytes) -> bytes:
        if member.personal is not None:
            frame = member.personal.next_frame()
            if frame is not None:
                return frame
            member.personal = None
        if self._waits(member) and member.waiting is not None:
            return member.waiting.next_frame() or SILENCE_FRAME
        return mixed

    def _room_frame(self) -> bytes:
        while self._room:
            frame = self._room[0].next_frame()
            if frame is not None:
                return frame
            self._room.pop(0)
        return SILENCE_FRAME

    def _who_hears_whom(self) -> Hears:
        """Listeners x speakers; the last row is the recorder, the last column the room's own sounds."""
        size = len(self.members) + 1
        hears = np.zeros((size, size), dtype=np.float32)
        for i, listener in enumerate(self.members):
            if listener.terms.hold:
                continue
            hears[i, size - 1] = 1
            for j, speaker in enumerate(self.members):
                hears[i, j] = i != j and self._speaks_to(speaker, listener)
        for j, speaker in enumerate(self.members):
            hears[size - 1, j] = self._can_speak(speaker) and not speaker.terms.coaching
        hears[size - 1, size - 1] = 1
        return hears

    def _can_speak(self, member: Participant) -> bool:
        return not (member.terms.muted or member.terms.hold or self._waits(member))

    def _speaks_to(self, speaker: Participant, listener: Participant) -> bool:
        if not self._can_speak(speaker):
            return False
        coached = speaker.terms.call_sid_to_coach
        return not speaker.terms.coaching or coached in (listener.leg.sid, listener.terms.label)

    def _watch_speech(self, frames: list[bytes]) -> None:
        peaks = np.abs(decoded(frames).astype(np.int32)).max(axis=1)
        for member, peak in zip(self.members, peaks, strict=True):
            loud = bool(peak > SPEECH_LEVEL) and self._can_speak(member)
            member.speech_run = member.speech_run + 1 if loud != member.speaking else 0
            limit = SPEECH_STOP_FRAMES if member.speaking else SPEECH_START_FRAMES
            if member.speech_run >= limit:
                member.speaking, member.speech_run = loud, 0
                event = "participant-speech-start" if loud else "participant-speech-stop"
                self.callbacks.fire(event, member.fields(), member.leg.sid)

"""Recordings on the leg's sample clock, and of a conference's mix."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import numpy as np

from .callbacks import Callback
from .events import EventKind
from .g711 import FRAME_SAMPLES, SAMPLE_RATE, SILENCE_FRAME, Pcm, decode
from .identifiers import new_sid, rfc2822
from .services import Services

SILENCE_LEVEL = 200  # linear; what trim-silence cuts off at both ends


class RecordingStatus(StrEnum):
    """States of a recording; `absent` is a deleted or empty one."""

    IN_PROGRESS = "in-progress"
    PAUSED = "paused"
    STOPPED = "stopped"
    COMPLETED = "completed"
    ABSENT = "absent"


class RecordingSource(StrEnum):
    """What started a recording."""

    DIAL = "DialVerb"
    CONFERENCE = "Conference"
    OUTBOUND_API = "OutboundAPI"
    API = "StartCallRecordingAPI"


@dataclass(frozen=True)
class RecordingOrder:
    """What the application asked for; `track` is inbound, outbound or both."""

    source: RecordingSource
    channels: int = 1
    track: str = "both"
    trim: bool = False
    status_callback: str = ""
    status_callback_method: str = "POST"
    status_callback_events: tuple[str, ...] = ("completed",)


class Recording:
    """One recording of a call or a conference.

    The left channel is what the network receives from the leg, the right one what it plays to it; both
    grow by the same 160 samples on every tick, so they never drift apart.
    """

    def __init__(
        self, order: RecordingOrder, services: Services, call_sid: str = "", conference_sid: str = ""
    ) -> None:
        self.order = order
        self.sid = new_sid("RE")
        self.call_sid = call_sid
        self.conference_sid = conference_sid
        self.status = RecordingStatus.IN_PROGRESS
        self.created: datetime = services.clock.now()
        self.updated = self.created
        self._services = services
        self._left = bytearray()
        self._right = bytearray()
        self._skip_when_paused = False
        services.log.record(EventKind.RECORDING_STARTED, call_sid, recording=self.sid)
        self._callback("in-progress")

    @property
    def live(self) -> bool:
        """Whether it still takes audio or can take it again."""
        return self.status in (RecordingStatus.IN_PROGRESS, RecordingStatus.PAUSED)

    @property
    def duration_s(self) -> float:
        """Seconds recorded so far."""
        return len(self._left) / SAMPLE_RATE

    @property
    def url(self) -> str:
        """The media's address without an extension."""
        return self._services.account_url(f"Recordings/{self.sid}")

    def feed(self, uplink: bytes, downlink: bytes) -> None:
        """Take one tick's audio."""
        if self.status is RecordingStatus.PAUSED:
            if not self._skip_when_paused:
                self._left += SILENCE_FRAME
                self._right += SILENCE_FRAME
        elif self.status is RecordingStatus.IN_PROGRESS:
            self._left += uplink
            self._right += downlink

    def pause(self, behaviour: str = "silence") -> None:
        """Stop taking audio for now; `skip` leaves the gap out, `silence` fills it."""
        if self.live:
            self._skip_when_paused = behaviour == "skip"
            self._change(RecordingStatus.PAUSED)

    def resume(self) -> None:
        """Take audio again."""
        if self.live:
            self._change(RecordingStatus.IN_PROGRESS)

    def stop(self) -> None:
        """End the recording and make it available. Safe more than once."""
        if not self.live:
            return
        if self.order.trim:
            self._trim()
        self._change(RecordingStatus.COMPLETED if self._left else RecordingStatus.ABSENT)
        self._services.log.record(
            EventKind.RECORDING_ENDED, self.call_sid, recording=self.sid, seconds=self.duration_s
        )
        self._callback("completed" if self._left else "absent")

    def delete(self) -> None:
        """Remove the media."""
        self._left.clear()
        self._right.clear()
        self._change(RecordingStatus.ABSENT)

    def samples(self) -> list[Pcm]:
        """The channels that were ordered, int16 at 8 kHz, all of the same length."""
        left, right = decode(self._left), decode(self._right)
        if self.order.channels == 2:
            return [left, right]
        if self.order.track == "inbound":
            return [left]
        if self.order.track == "outbound":
            return [right]
        mixed = left.astype(np.int32) + right
        return [np.clip(mixed, -32768, 32767).astype(np.int16)]

    def wav(self, channels: int | None = None) -> bytes:
        """A WAV file, 16 bit at 8 kHz; `channels` = 1 mixes a dual recording down."""
        tracks = self.samples()
        if channels == 1 and len(tracks) == 2:
            mixed = (tracks[0].astype(np.int32) + tracks[1]) // 2
            tracks = [mixed.astype(np.int16)]
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(len(tracks))
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE)
            file.writeframes(np.stack(tracks, axis=1).astype("<i2").tobytes())
        return buffer.getvalue()

    def _trim(self) -> None:
        loud = np.flatnonzero(
            np.maximum(
                np.abs(decode(self._left).astype(np.int32)), np.abs(decode(self._right).astype(np.int32))
            )
            > SILENCE_LEVEL
        )
        if loud.size == 0:
            self._left.clear()
            self._right.clear()
            return
        first = int(loud[0]) // FRAME_SAMPLES * FRAME_SAMPLES
        last = (int(loud[-1]) // FRAME_SAMPLES + 1) * FRAME_SAMPLES
        self._left = self._left[first:last]
        self._right = self._right[first:last]

    def _change(self, status: RecordingStatus) -> None:
        self.status = status
        self.updated = self._services.clock.now()

    def _callback(self, event: str) -> None:
        if event not in self.order.status_callback_events:
            return
        fields = [
            ("AccountSid", self._services.config.account_sid),
            ("RecordingSid", self.sid),
            ("RecordingUrl", self.url),
            ("RecordingStatus", event),
            ("RecordingChannels", str(self.order.channels)),
            ("RecordingStartTime", rfc2822(self.created) or ""),
            ("RecordingSource", self.order.source.value),
        ]
        if self.conference_sid:
            fields.append(("ConferenceSid", self.conference_sid))
        else:
            fields += [("CallSid", self.call_sid), ("RecordingTrack", self.order.track)]
        if event != "in-progress":
            fields.append(("RecordingDuration", str(round(self.duration_s))))
        self._services.callbacks.fire(
            Callback(
                self.sid,
                self.order.status_callback,
                self.order.status_callback_method,
                fields,
                f"recording-{event}",
                self.call_sid,
            )
        )


class RecordingShelf:
    """All recordings of the account, found by SID."""

    def __init__(self) -> None:
        self._by_sid: dict[str, Recording] = {}

    def add(self, recording: Recording) -> Recording:
        """Keep a new recording."""
        self._by_sid[recording.sid] = recording
        return recording

    def get(self, sid: str) -> Recording | None:
        """The recording with that SID."""
        return self._by_sid.get(sid)

    def where(self, wanted: Callable[[Recording], bool]) -> list[Recording]:
        """The recordings for which `wanted` holds, newest first."""
        return [r for r in reversed(self._by_sid.values()) if wanted(r)]

"""When somebody speaks, from loudness alone: enough for a robot on a line without noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

FRAME_S = 0.02
FRAME_SAMPLES = 160
"""20 ms at 8 kHz: what the phone network carries at a time."""

LOUD = 250.0
"""Root mean square of a frame, int16, from which it counts as voice: -42 dBFS, 20 dB below normal speech."""

HANG_S = 0.3
"""Quiet this long ends a stretch of speech: shorter pauses are within a sentence."""

GAP_S = 0.2
"""Quiet this long follows a voice that was cut off; one that went on has filled it."""

ONSET_FRAMES = 2
"""Loud frames in a row that begin a stretch; a single one is a click."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Continuous speech, seconds from the beginning of the audio."""

    start: float
    end: float


@dataclass(slots=True)
class Hearing:
    """Follows one direction of a call, frame by frame.

    Attributes:
        speaking: True from the onset until :data:`HANG_S` of quiet.
        voice_end: end of the last voiced frame, seconds.
    """

    speaking: bool = False
    voice_start: float = 0.0
    voice_end: float = 0.0
    stretches: list[Stretch] = field(default_factory=list)
    _samples: int = 0
    _loud_frames: int = 0

    @property
    def now(self) -> float:
        """Seconds of audio heard."""
        return self._samples / 8000

    @property
    def quiet_s(self) -> float:
        """Seconds since the last voiced frame."""
        return self.now - self.voice_end

    def hear(self, frame: npt.NDArray[np.int16]) -> None:
        """Take the next frame of :data:`FRAME_SAMPLES` samples."""
        loud = bool(len(frame)) and float(np.sqrt(np.mean(frame.astype(np.float32) ** 2))) >= LOUD
        self._samples += len(frame)
        if loud:
            self._loud_frames += 1
            if not self.speaking and self._loud_frames >= ONSET_FRAMES:
                self.speaking = True
                self.voice_start = self.now - self._loud_frames * FRAME_S
            if self.speaking:
                self.voice_end = self.now
        else:
            self._loud_frames = 0
            if self.speaking and self.quiet_s >= HANG_S:
                self._close()

    def finish(self) -> list[Stretch]:
        """The audio is over: all stretches of speech."""
        if self.speaking:
            self._close()
        return self.stretches

    def _close(self) -> None:
        self.speaking = False
        self.stretches.append(Stretch(self.voice_start, self.voice_end))


def stretches_of(pcm: npt.NDArray[np.int16]) -> list[Stretch]:
    """Stretches of speech in a whole recording (int16 mono, 8 kHz)."""
    hearing = Hearing()
    for position in range(0, len(pcm) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        hearing.hear(pcm[position : position + FRAME_SAMPLES])
    return hearing.finish()


def quiet_from(pcm: npt.NDArray[np.int16], after: float, until: float, gap_s: float = GAP_S) -> float | None:
    """When a recording falls silent for ``gap_s``, the last time between ``after`` and ``until``; None if it
    does not. All in seconds."""
    frames = pcm[: len(pcm) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    loud = np.sqrt(np.mean(frames.astype(np.float32) ** 2, axis=1)) >= LOUD
    found = None
    quiet = 0
    for index, sounds in enumerate(loud):
        quiet = 0 if sounds else quiet + 1
        if quiet == round(gap_s / FRAME_S) and after <= (began := (index + 1 - quiet) * FRAME_S) <= until:
            found = began
    return found


def turn_gaps(caller: Sequence[Stretch], agent: Sequence[Stretch]) -> list[float]:
    """Seconds from the end of each stretch of the caller to the agent's next one, where the agent answers.

    No gap is counted when the caller goes on before the agent begins, or speaks while the agent does.
    """
    gaps = []
    for index, said in enumerate(caller):
        answer = next((stretch.start for stretch in agent if stretch.start >= said.end), None)
        going_on = caller[index + 1].start if index + 1 < len(caller) else float("inf")
        talking_over = any(stretch.start < said.end < stretch.end for stretch in agent)
        if answer is not None and answer <= going_on and not talking_over:
            gaps.append(answer - said.end)
    return gaps

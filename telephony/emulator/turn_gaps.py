"""The gap that a caller hears between the own last word and the first sound of an answer.

Both sides are on the phone's sample clock, so the figure contains everything on the way: media streams,
the application, playout, jitter buffer and mixer. Only the public telephone network is missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .g711 import FRAME_SAMPLES, FRAME_SECONDS, Pcm

VOICED_PEAK = 300  # of 32767; µ-law noise of a quiet line stays below
PAUSE_SECONDS = 0.5  # shorter silence is within an utterance


@dataclass(frozen=True)
class TurnGap:
    """One turn of the caller: when it ended and when the answer began, seconds since the call's answer."""

    said_until_s: float
    answered_at_s: float

    @property
    def seconds(self) -> float:
        """The gap."""
        return self.answered_at_s - self.said_until_s


def utterances(samples: Pcm, pause_s: float = PAUSE_SECONDS) -> list[tuple[float, float]]:
    """Start and end of each stretch of sound, in seconds; silence shorter than `pause_s` does not split."""
    whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
    frames = np.abs(samples[:whole].astype(np.int32)).reshape(-1, FRAME_SAMPLES).max(axis=1, initial=0)
    found: list[tuple[float, float]] = []
    for index in np.flatnonzero(frames > VOICED_PEAK):
        start, end = float(index) * FRAME_SECONDS, float(index + 1) * FRAME_SECONDS
        if found and start - found[-1][1] < pause_s:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def turn_gaps(spoken: Pcm, heard: Pcm) -> list[TurnGap]:
    """The gap after each of the caller's utterances that was answered before the next one began.

    Args:
        spoken: what the phone said, int16 at 8 kHz since the answer (`PhoneCall.spoken`).
        heard: what it heard, on the same clock (`PhoneCall.heard`).
    """
    said = utterances(spoken)
    starts = [start for start, _ in utterances(heard)]
    gaps = []
    for place, (_, until) in enumerate(said):
        following = said[place + 1][0] if place + 1 < len(said) else float("inf")
        answer = next((start for start in starts if until <= start < following), None)
        if answer is not None:
            gaps.append(TurnGap(until, answer))
    return gaps

"""The last half minute of voice, and the last turns: where it goes, and when it changed."""

from __future__ import annotations

from collections import deque

from voice_agent.emotion.feelings import Feeling
from voice_agent.emotion.snapshot import Segment, Trend

WINDOW_S = 30.0
"""Published length of the rolling view."""

ENDS = 5
"""Segments at either end of the window whose means are compared."""

TREND = 0.15
"""Difference of their valence that makes a trend."""

JUMP = 0.4
"""Difference of valence between two turns that is an emotional shift."""

HELD = 2
"""Segments (or turns) in which a feeling must hold before it counts as a new one."""

SUSTAINED_OF, SUSTAINED, SUSTAINED_VALENCE = 5, 4, -0.3
"""Four of the last five turns below this valence are sustained negative emotion."""

CERTAIN = 0.6
"""Score at which a turn's feeling is taken over at once."""


class RollingView:
    """Segments and turns of one call. Mutable; owned by one call."""

    def __init__(self) -> None:
        self._segments: deque[Segment] = deque()
        self._turns: deque[float] = deque(maxlen=SUSTAINED_OF)
        self._feeling = Feeling.NEUTRAL
        self._held = (Feeling.NEUTRAL, 0)
        self._turn_feeling = Feeling.NEUTRAL
        self._waiting = (Feeling.NEUTRAL, 0)
        self.shifts = 0
        """Emotional shifts so far."""
        self.count = 0
        """Segments so far."""

    def add(self, segment: Segment) -> bool:
        """A new segment; True when it makes an emotional shift."""
        self.count += 1
        self._segments.append(segment)
        while self._segments and segment.at - self._segments[0].at > WINDOW_S:
            self._segments.popleft()
        feeling, times = self._held
        times = times + 1 if segment.feeling is feeling else 1
        self._held = (segment.feeling, times)
        if times >= HELD and segment.feeling is not self._feeling:
            self._feeling = segment.feeling
            self.shifts += 1
            return True
        return False

    def end_turn(self, feeling: Feeling, score: float, valence: float) -> Feeling:
        """A turn is over: the feeling it settles on. An unsure one is taken over when it comes twice."""
        if self._turns and abs(valence - self._turns[-1]) >= JUMP:
            self.shifts += 1
        self._turns.append(valence)
        if feeling is self._turn_feeling or score >= CERTAIN:
            self._turn_feeling, self._waiting = feeling, (feeling, 0)
            return feeling
        waiting, times = self._waiting
        times = times + 1 if waiting is feeling else 1
        self._waiting = (feeling, times)
        if times >= HELD:
            self._turn_feeling = feeling
        return self._turn_feeling

    @property
    def last(self) -> Segment | None:
        """The newest segment."""
        return self._segments[-1] if self._segments else None

    @property
    def valence(self) -> float | None:
        """Mean over the window, weighted by sound; None without any."""
        return self._mean("valence")

    @property
    def arousal(self) -> float | None:
        """The same of arousal."""
        return self._mean("arousal")

    @property
    def trend(self) -> Trend:
        """Newest against oldest segments of the window; with few of them, last against first turn."""
        values = [segment.valence for segment in self._segments]
        if len(values) >= 2 * ENDS:
            return _trend(sum(values[-ENDS:]) / ENDS - sum(values[:ENDS]) / ENDS)
        turns = list(self._turns)
        return _trend(turns[-1] - turns[0]) if len(turns) >= 3 else Trend.STABLE

    @property
    def sustained(self) -> bool:
        """Whether the last turns were unpleasant nearly throughout."""
        return sum(valence < SUSTAINED_VALENCE for valence in self._turns) >= SUSTAINED

    @property
    def mean_of_turns(self) -> float:
        """Mean valence of the last turns, 0 without any."""
        return sum(self._turns) / len(self._turns) if self._turns else 0.0

    def _mean(self, name: str) -> float | None:
        total = sum(segment.weight for segment in self._segments)
        if not total:
            return None
        return float(sum(s.weight * getattr(s, name) for s in self._segments) / total)


def _trend(change: float) -> Trend:
    if abs(change) <= TREND:
        return Trend.STABLE
    return Trend.IMPROVING if change > 0 else Trend.DETERIORATING

"""What has happened on a call so far, as far as it colours how a caller is to be read."""

from __future__ import annotations

from collections import Counter

from voice_agent.emotion.readings import CallContext

MEMORY = 8
"""Turns whose length is remembered."""

COMES_BACK = "jumpback"
"""A move of the graph that only comes back from a side trip: no loop."""


class CallHistory:
    """Counts what goes wrong. Mutable; owned by one call."""

    def __init__(self) -> None:
        self._visits: Counter[str] = Counter()
        self._words: list[int] = []
        self._failed_tools = 0
        self._misheard = 0
        self._barge_ins = 0
        self._silence = 0.0

    def entered(self, state: str, how: str) -> None:
        """The graph moved to ``state``; ``how`` is the published type of the move."""
        if how != COMES_BACK:
            self._visits[state] += 1

    def tool(self, *, succeeded: bool) -> None:
        """A lookup came back: found, or failed or empty."""
        self._failed_tools = 0 if succeeded else self._failed_tools + 1

    def interrupted(self) -> None:
        """The caller interrupted the agent."""
        self._barge_ins += 1

    def silence(self, seconds: float) -> None:
        """Nobody spoke for so long."""
        self._silence = max(self._silence, seconds)

    def turn_over(self, words: int, *, understood: bool) -> None:
        """A turn of so many words ended."""
        self._misheard = 0 if understood else self._misheard + 1
        self._words = [*self._words, words][-MEMORY:]
        self._silence = 0.0

    @property
    def loops(self) -> int:
        """How often the most visited state was entered anew."""
        return max(self._visits.values(), default=1) - 1

    @property
    def barge_ins(self) -> int:
        """Interruptions so far."""
        return self._barge_ins

    def context(self, seconds: float) -> CallContext:
        """The call as it stands after so many seconds."""
        return CallContext(
            seconds=max(0.0, seconds),
            failed_tools=self._failed_tools,
            loops=self.loops,
            barge_ins=self._barge_ins,
            silence=self._silence,
            misheard=self._misheard,
            words_before=tuple(self._words),
        )

"""Workspace behaviors: instructions and fillers that come up by themselves when their trigger fits."""

from __future__ import annotations

from collections.abc import Mapping

from voice_agent.reasoning.effects import FillerType
from voice_agent.reasoning.signals import External, FillerChosen
from voice_agent.safety.monitor import Rulebook
from voice_agent.safety.patterns import Pattern
from voice_agent.safety.rules import Behavior

MAX_AT_ONCE = 2
"""Instructions in one turn; a reply cannot follow many."""


class Behaviors:
    """One conversation's: which behaviors apply, and which of them rest."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._behaviors = [
            (behavior, tuple(Pattern(source, rulebook.rules.words) for source in behavior.trigger.keywords))
            for behavior in sorted(rulebook.rules.behaviors, key=lambda each: -each.priority)
            if behavior.enabled
        ]
        self._rests_until: dict[str, int] = {}
        self._turn = 0
        self._filler = FillerChosen()

    def told(self, text: str, state: str, emotion: Mapping[str, object]) -> list[External | FillerChosen]:
        """What the conversation inside is to be told before this turn.

        Args:
            state: the graph's current state.
            emotion: details of the newest reading; ``empathy_tier`` (0..3) is looked at.
        """
        found = self._triggered(text, state, emotion)
        told: list[External | FillerChosen] = [
            External(behavior.action.instruction, "guidance", behavior.name)
            for behavior in found
            if behavior.action.instruction
        ]
        fillers = [behavior.action.filler_override for behavior in found if behavior.action.filler_override]
        filler = FillerChosen()
        if fillers:
            filler = FillerChosen(None if fillers[0] == "silent" else FillerType(fillers[0]))
        if filler != self._filler:
            self._filler = filler
            told.insert(0, filler)
        return told

    def _triggered(self, text: str, state: str, emotion: Mapping[str, object]) -> list[Behavior]:
        """The behaviors of this turn, the most important first."""
        self._turn += 1
        if not self._behaviors:
            return []
        words = self._rulebook.said(text)
        found: list[Behavior] = []
        for behavior, patterns in self._behaviors:
            if len(found) == MAX_AT_ONCE:
                break
            if self._turn <= self._rests_until.get(behavior.name, 0):
                continue
            trigger = behavior.trigger
            fits = (
                (not trigger.states or state in trigger.states)
                and (not trigger.emotion_tiers or emotion.get("empathy_tier") in trigger.emotion_tiers)
                and (not patterns or any(next(each.spans(words), None) is not None for each in patterns))
            )
            if fits:
                found.append(behavior)
                self._rests_until[behavior.name] = self._turn + behavior.cooldown_turns
        return found

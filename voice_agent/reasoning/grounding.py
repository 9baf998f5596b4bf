"""Keeps a model's words short and true: whole sentences, no markup, and no figure that nobody gave it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from voice_agent.reasoning.errors import ModelError
from voice_agent.reasoning.prompts import spoken_facts
from voice_agent.reasoning.reasoner import Situation
from voice_agent.reasoning.templates import sentences

_NUMBER = re.compile(r"\d+")
_MARKUP = re.compile(r"[*_`#>]+|^\s*[-•]\s+", re.M)


@dataclass
class SpokenReply:
    """Turns streamed text into whole sentences, within the limits, and stops at the first invented figure."""

    situation: Situation
    draft: tuple[str, ...]
    buffer: str = ""
    said: int = 0
    words: int = 0
    grounds: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        known: list[Any] = [self.situation.known, self.situation.now.date(), list(self.draft)]
        known += [[line.text for line in self.situation.history], self.situation.utterance]
        known += [list(self.situation.guidance), list(self.situation.actions)]
        self.learn(known)

    def learn(self, fact: Any) -> None:
        """Figures of a fact may be said."""
        for text in spoken_facts(fact, self.situation):
            self.grounds.update(str(int(number)) for number in _NUMBER.findall(text))

    def add(self, text: str) -> list[str]:
        """Whole sentences so far; the last one waits for its end."""
        self.buffer += text
        parts = sentences(_MARKUP.sub("", self.buffer))
        if len(parts) < 2:
            return []
        self.buffer = parts[-1] + " " * self.buffer[-1:].isspace()
        return self._checked(parts[:-1])

    def rest(self) -> list[str]:
        """What is left when the reply is over."""
        parts = sentences(_MARKUP.sub("", self.buffer))
        self.buffer = ""
        return self._checked(parts)

    def _checked(self, parts: list[str]) -> list[str]:
        checked: list[str] = []
        for part in parts:
            self.words += len(part.split())
            too_long = self.said and self.words > self.situation.max_words
            if self.said >= self.situation.max_sentences or too_long:
                break
            invented = [number for number in _NUMBER.findall(part) if str(int(number)) not in self.grounds]
            if invented:
                raise ModelError("stated a figure that nobody gave it")
            self.said += 1
            checked.append(part)
        return checked

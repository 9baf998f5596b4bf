"""Picks words: the next variant in turn, filled in, skipping those that need something unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voice_agent.reasoning.memory import Memory
from voice_agent.reasoning.phrases import DEFAULT_PHRASES, PhraseName
from voice_agent.reasoning.templates import render


@dataclass(slots=True)
class Phrasebook:
    """The sentences of one conversation. Variants rotate by use, so the same signals give the same words."""

    memory: Memory
    replaced: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _used: dict[tuple[str, ...], int] = field(default_factory=dict)

    def phrase(self, name: PhraseName, **values: Any) -> str:
        """A default sentence, or the graph's own of that name; "" when none can be filled."""
        variants = self.replaced.get(name.value) or DEFAULT_PHRASES[name]
        return self.pick(variants, **values)

    def pick(self, variants: Sequence[str], **values: Any) -> str:
        """The next variant whose every hole can be filled; "" when there is none."""
        key = tuple(variants)
        if not key:
            return ""
        start = self._used.get(key, 0)
        for offset in range(len(key)):
            if text := self.fill(key[(start + offset) % len(key)], **values):
                self._used[key] = start + offset + 1
                return text
        return ""

    def at(self, variants: Sequence[str], attempt: int, **values: Any) -> str:
        """The variant for an attempt (0 = first); the last one serves all further attempts."""
        if not variants:
            return ""
        return self.fill(variants[min(attempt, len(variants) - 1)], **values)

    def fill(self, template: str, **values: Any) -> str:
        """One template, filled; "" when something is unknown."""

        def lookup(path: str) -> Any:
            name, _, rest = path.partition(".")
            if name not in values:
                return self.memory.lookup(path)
            scope = Memory(constants={name: values[name]})
            return scope.lookup(f"{name}.{rest}") if rest else values[name]

        return render(template, lookup, today=self.memory.today) or ""

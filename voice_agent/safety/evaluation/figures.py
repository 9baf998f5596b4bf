"""How many of the dangerous sentences are heard, and how many harmless ones raise an alarm."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from voice_agent.safety.findings import Verdict
from voice_agent.safety.monitor import Rulebook, SafetyMonitor
from voice_agent.safety.rules import Level

SETS: Mapping[str, Path] = {name: Path(__file__).parent / f"{name}.yaml" for name in ("tuning", "held_out")}
"""``tuning`` may be looked at while rules are changed; ``held_out`` never."""

Z_95 = 1.959964


class _Sentences(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    heard: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    harmless: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence. ``expected`` is the level it must reach; ``Level.NONE`` for a harmless one."""

    concept: str
    text: str
    expected: Level


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules made of a sentence, said by itself at the beginning of a call.

    ``cpu_ms`` is the time of one thread, so that other work on the machine does not count.
    """

    sentence: Sentence
    level: Level
    verdict: Verdict
    found: tuple[str, ...]
    cpu_ms: float

    @property
    def alarmed(self) -> bool:
        """Whether a person was told or help was called."""
        return self.verdict in (Verdict.NOTIFY, Verdict.CALL)

    @property
    def right(self) -> bool:
        """Heard at its level or above, or rightly passed over."""
        if self.sentence.expected is Level.NONE:
            return not self.alarmed
        return self.level >= self.sentence.expected


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``total`` with Wilson's 95 % interval (Wilson 1927)."""

    hits: int
    total: int

    @property
    def value(self) -> float:
        """0..1; NaN without any."""
        return self.hits / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Lower and upper end, 0..1."""
        if not self.total:
            return 0.0, 1.0
        n, p, z2 = self.total, self.value, Z_95**2
        centre = (p + z2 / (2 * n)) / (1 + z2 / n)
        half = Z_95 / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
        return max(0.0, centre - half), min(1.0, centre + half)

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.hits}/{self.total} {self.value:.2f} ({low:.2f}-{high:.2f})" if self.total else "-"


def sentences(path: Path) -> list[Sentence]:
    """The sentences of a set. Raises :class:`OSError` and pydantic's ``ValidationError``."""
    document = TypeAdapter(dict[str, _Sentences]).validate_python(yaml.safe_load(path.read_text("utf-8")))
    return [
        Sentence(concept, text, expected)
        for concept, group in document.items()
        for expected, texts in (
            *((Level[name.upper()], texts) for name, texts in group.heard.items()),
            (Level.NONE, group.harmless),
        )
        for text in texts
    ]


def outcomes(rulebook: Rulebook, wanted: Iterable[Sentence]) -> list[Outcome]:
    """Every sentence judged by a monitor of its own."""
    found = []
    for sentence in wanted:
        monitor = SafetyMonitor(rulebook)
        began = time.thread_time()
        judged = monitor.assess(sentence.text)
        cpu_ms = (time.thread_time() - began) * 1000
        names = tuple(each.concept.name for each in judged.findings)
        found.append(Outcome(sentence, judged.level, judged.verdict, names, cpu_ms))
    return found


def recall(judged: Iterable[Outcome]) -> Share:
    """Dangerous sentences heard at their level."""
    meant = [each for each in judged if each.sentence.expected is not Level.NONE]
    return Share(sum(each.right for each in meant), len(meant))


def told(judged: Iterable[Outcome]) -> Share:
    """Dangerous sentences of which at least a person is told."""
    meant = [each for each in judged if each.sentence.expected is not Level.NONE]
    return Share(sum(each.alarmed for each in meant), len(meant))


def false_alarms(judged: Iterable[Outcome], *, verdict: Verdict | None = None) -> Share:
    """Harmless sentences that raise an alarm; with ``verdict`` only those that end in it."""
    harmless = [each for each in judged if each.sentence.expected is Level.NONE]
    return Share(
        sum(each.alarmed and (verdict is None or each.verdict is verdict) for each in harmless), len(harmless)
    )

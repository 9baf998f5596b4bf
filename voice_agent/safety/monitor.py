"""Judges every turn of a caller: patterns and likeness find, circumstances weigh, a window adds up.

:class:`Rulebook` is compiled once per service and holds no state. :class:`SafetyMonitor` is one
conversation's: it remembers how concerned the last turns were, so that "I've been a bit short of breath" and
"my arm feels odd" and "I'm sweating" call a person together when none would alone.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace

from voice_agent.reasoning.similarity import HashingEncoder, SentenceEncoder
from voice_agent.safety.circumstances import Circumstance, circumstance
from voice_agent.safety.findings import Assessment, Evidence, Finding, Trajectory, Verdict
from voice_agent.safety.likeness import Likeness, LikenessIndex
from voice_agent.safety.loader import RuleSet
from voice_agent.safety.patterns import Pattern, Span
from voice_agent.safety.rules import ConceptEscalation, Level, MonitorConcept
from voice_agent.safety.wording import Mishearings, wording

CONTEXT_TURNS = 3
"""Turns of the caller that are read together, the newest included."""

CONTRIBUTION = 0.25
"""How alike a turn must be by itself to count in context: earlier turns alone do not make a new one mild."""

UNSURE_CONFIDENCE = 0.5
"""Confidence of a pattern in words that the recognizer does not trust."""

SUPPOSED_LEVEL = Level.NONE
"""Of what is only asked or supposed ("what if somebody faints")."""


@dataclass(frozen=True)
class _Compiled:
    concept: MonitorConcept
    patterns: tuple[tuple[Level, Pattern], ...]
    harmless: tuple[Pattern, ...]
    evidence: Evidence = Evidence.PATTERN


class Rulebook:
    """A service's rules, ready to be used by any number of conversations."""

    def __init__(self, rules: RuleSet, encoder: SentenceEncoder | None = None) -> None:
        self.rules = rules
        self._mishearings = Mishearings(rules.heard_as)
        self._index = LikenessIndex(rules.concepts, rules.harmless_examples, encoder or HashingEncoder())
        self._compiled = (*self._hard_rules(), *(self._compile(concept) for concept in rules.concepts))

    def said(self, text: str) -> str:
        """``text`` in the form of rules, known mishearings put right."""
        return self._mishearings.corrected(wording(text))

    def matches(self, words: str) -> Iterator[Finding]:
        """What the patterns find in ``words`` (of :meth:`said`)."""
        for compiled in self._compiled:
            innocent: list[Span] | None = None
            for level, pattern in compiled.patterns:
                for span in pattern.spans(words):
                    if innocent is None:
                        innocent = [each for other in compiled.harmless for each in other.spans(words)]
                    if any(each.start < span.stop and span.start < each.stop for each in innocent):
                        continue
                    yield self._weighed(compiled, level, pattern, circumstance(words, span))

    def alike(self, words: str, context: tuple[str, ...]) -> Iterator[Finding]:
        """What is alike to a concept: ``words`` alone, or read together with the turns before (oldest
        first)."""
        alone = self._index.of(words)
        # Of most turns no concept asks for it, and it costs as much as all the rest.
        together: list[Likeness] | None = None
        for index, concept in enumerate(self.rules.concepts):
            similarity = float(alone.concepts[index])
            if similarity <= float(alone.harmless[index]):
                continue
            if similarity >= concept.standalone_threshold:
                yield _alike(concept, concept.level, Evidence.ALONE, similarity)
                continue
            if similarity < CONTRIBUTION:
                continue
            if together is None:
                together = [
                    self._index.of(" . ".join((*context[-n:], words))) for n in range(1, len(context) + 1)
                ]
            joint = max([similarity, *(float(each.concepts[index]) for each in together)])
            if joint >= concept.threshold:
                yield _alike(concept, Level.MILD, Evidence.CONTEXT, joint)

    def _weighed(self, compiled: _Compiled, level: Level, pattern: Pattern, meant: Circumstance) -> Finding:
        concept = compiled.concept
        if meant is Circumstance.PAST:
            level = min(level, concept.past)
        elif meant is Circumstance.SUPPOSED:
            level = min(level, SUPPOSED_LEVEL)
        elif meant is not Circumstance.CURRENT:
            level = Level.NONE
        reason = f"pattern {pattern.source!r}, said as {meant.value}"
        return Finding(concept, level, compiled.evidence, 1.0, 1.0, reason)

    def _compile(self, concept: MonitorConcept) -> _Compiled:
        sets = self.rules.sets[concept.name]
        return _Compiled(
            concept,
            tuple(
                (level, Pattern(source, sets))
                for level, sources in (
                    (Level.ACUTE, concept.acute),
                    (Level.SIGNIFICANT, concept.significant),
                    (Level.MILD, concept.mild),
                )
                for source in sources
            ),
            tuple(Pattern(source, sets) for source in concept.harmless),
        )

    def _hard_rules(self) -> Iterator[_Compiled]:
        for rule in self.rules.hard_rules:
            if rule.detection == "intent":
                yield _Compiled(
                    rule_concept(rule.name, self.rules),
                    tuple(
                        (Level.ACUTE, Pattern(source, self.rules.words)) for source in rule.intent_patterns
                    ),
                    (),
                    Evidence.RULE,
                )


def rule_concept(name: str, rules: RuleSet) -> MonitorConcept:
    """A hard escalation rule in the form of a concept, so that both are acted on in the same way."""
    rule = next(rule for rule in rules.hard_rules if rule.name == name)
    return MonitorConcept(
        name=rule.name,
        description=rule.reason,
        level=Level.ACUTE,
        response=rule.response,
        escalation=ConceptEscalation(
            operator_type=rule.operator_type,
            immediate=rule.immediate,
            reason=rule.reason,
            regulatory_basis=rule.regulatory_basis,
        ),
    )


def _alike(concept: MonitorConcept, level: Level, evidence: Evidence, similarity: float) -> Finding:
    similarity = round(similarity, 3)
    return Finding(
        concept, level, evidence, similarity, similarity, f"alike to {concept.name} ({evidence.value})"
    )


class SafetyMonitor:
    """One conversation's."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        config = rulebook.rules.config
        self._config = config
        self._turns: deque[str] = deque(maxlen=CONTEXT_TURNS - 1)
        self._window: deque[Level] = deque(maxlen=config.accumulation_window_size)
        self._history: deque[Level] = deque(maxlen=config.triage_max_history_turns)
        self._peak = Level.NONE

    def assess(self, text: str, *, trusted: bool = True, also: tuple[str, ...] = ()) -> Assessment:
        """Judge one turn and remember it.

        Args:
            trusted: False when the recognizer does not trust its words: nothing is then acute by them alone,
                but
                they are not passed over either.
            also: other readings of the same sound; what only they say is not trusted.
        """
        began = time.perf_counter()
        words = self._rulebook.said(text)
        findings = list(self._found(words, trusted=trusted))
        for other in also:
            findings += self._found(self._rulebook.said(other), trusted=False, likeness=False)
        best: dict[str, Finding] = {}
        for finding in findings:
            known = best.get(finding.concept.name)
            if known is None or (finding.level, finding.confidence) > (known.level, known.confidence):
                best[finding.concept.name] = finding
        ranked = tuple(sorted(best.values(), key=lambda found: (-found.level, -found.confidence)))
        if words:
            self._turns.append(words)
        return self._judged(ranked, began)

    def certain(self, text: str) -> Finding | None:
        """An acute pattern in unfinished words, without remembering anything; None when there is none."""
        found = (
            each for each in self._rulebook.matches(self._rulebook.said(text)) if each.level is Level.ACUTE
        )
        return next(found, None)

    def _found(self, words: str, *, trusted: bool, likeness: bool = True) -> Iterator[Finding]:
        if not words:
            return
        denied: set[str] = set()
        for finding in self._rulebook.matches(words):
            if finding.level is Level.NONE:
                denied.add(finding.concept.name)
            elif trusted:
                yield finding
            else:
                acute = finding.level is Level.ACUTE
                level = min(finding.level, Level.SIGNIFICANT)
                yield replace(finding, level=level, confidence=UNSURE_CONFIDENCE, trusted=not acute)
        if likeness and trusted:
            for finding in self._rulebook.alike(words, tuple(self._turns)):
                # What was denied, or said of the past, looks just as alike: to its neighbours too.
                if finding.concept.name not in denied:
                    yield replace(finding, level=Level.MILD) if denied else finding

    def _judged(self, findings: tuple[Finding, ...], began: float) -> Assessment:
        config = self._config
        level = findings[0].level if findings else Level.NONE
        verdict = Verdict.NONE
        concerned = level >= max(config.accumulation_mild_threshold, Level.MILD)
        self._window.append(level if concerned else Level.NONE)
        self._history.append(level)
        count = sum(1 for each in self._window if each)
        if level >= config.accumulation_fast_track_level:
            verdict = Verdict.CALL
        elif level >= config.accumulation_single_turn_threshold:
            verdict = Verdict.NOTIFY
        elif concerned:
            verdict = Verdict.OBSERVE
            if config.accumulation_enabled and count >= config.accumulation_cumulative_count:
                verdict = Verdict.NOTIFY
                # Told once: the same turns do not tell it again.
                self._window.clear()
        self._peak = max(self._peak, level)
        return Assessment(
            tuple(found for found in findings if found.level is not Level.NONE),
            level,
            verdict,
            count,
            self._peak,
            _trajectory(self._history),
            tuple(self._history),
            (time.perf_counter() - began) * 1000,
        )


def _trajectory(history: deque[Level]) -> Trajectory:
    """The newest three turns against the three before."""
    levels = list(history)
    newest, before = levels[-3:], levels[-6:-3]
    if not before:
        return Trajectory.RISING if levels[-1] > levels[0] else Trajectory.STEADY
    change = sum(newest) / len(newest) - sum(before) / len(before)
    return Trajectory.RISING if change > 0 else Trajectory.FALLING if change < 0 else Trajectory.STEADY

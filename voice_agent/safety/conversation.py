"""A conversation in which every turn of the caller is judged before it is answered.

:class:`SafeConversation` stands around any conversation, whatever channel and reasoner it has. What is acute
is answered here, word for word, and a person is called; the reasoner inside, a language model or not, is
only told. So there is nothing that it could overrule.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, cast

from models.expectation import Expectation
from voice_agent.reasoning.conversation import Conversation
from voice_agent.reasoning.effects import (
    ConceptMatch,
    Effect,
    Escalate,
    Expect,
    SafetyAssessed,
    Say,
    StateChanged,
)
from voice_agent.reasoning.parts import RiskOverride
from voice_agent.reasoning.signals import (
    Emotion,
    HandedBack,
    NotReached,
    OperatorTookOver,
    SafetyRaised,
    Signal,
    Utterance,
    Via,
)
from voice_agent.reasoning.templates import sentences
from voice_agent.safety.behaviors import Behaviors
from voice_agent.safety.findings import Assessment, Finding, Verdict
from voice_agent.safety.monitor import Rulebook, SafetyMonitor, rule_concept
from voice_agent.safety.rules import MonitorConcept

TRIGGER = "safety"
"""Trigger of the escalations asked for here."""

HEARD_CONFIDENCE = 0.45
"""Confidence of speech from which its words, or another reading of them, are judged as they are."""

MAX_ALTERNATIVES = 3


class SafeConversation:
    """Implements :class:`~voice_agent.reasoning.conversation.Conversation` around another one.

    Args:
        watches: False leaves caller's words unjudged (``safety_filters_enabled`` of a service).
        behaves: False leaves workspace behaviors out (``dynamic_behaviors_enabled``).
    """

    def __init__(
        self, inner: Conversation, rulebook: Rulebook, *, watches: bool = True, behaves: bool = True
    ) -> None:
        self._inner = inner
        self._rulebook = rulebook
        self._monitor = SafetyMonitor(rulebook)
        self._behaviors = Behaviors(rulebook)
        self._watches = watches and rulebook.rules.config.triage_enabled
        self._behaves = behaves
        self._person_speaks = False
        self._person_awaited = False
        self._answered: set[str] = set()
        """Responses that were given before."""
        self._told: set[str] = set()
        """Concepts a person was told of."""
        self._emotion: dict[str, object] = {}
        self._newest: Assessment | None = None
        self._owed: list[Effect] = []
        """Effects that an abandoned step did not get to; they are not lost with it."""
        self._raised: SafetyRaised | None = None
        """What the conversation inside is still to be told."""

    @property
    def state(self) -> str:
        """See :class:`~voice_agent.reasoning.conversation.Conversation`."""
        return self._inner.state

    @property
    def expectation(self) -> Expectation:
        """What may be heard next; cries for help always may."""
        return self._with_cries(self._inner.expectation)

    @property
    def escalation_config(self) -> RiskOverride | None:
        """See :class:`~voice_agent.reasoning.conversation.Conversation`."""
        return self._inner.escalation_config

    def snapshot(self) -> dict[str, Any]:
        """The inner snapshot and the newest assessment under ``safety``."""
        newest = self._newest
        safety: dict[str, Any] = {}
        if newest is not None:
            safety = {
                "concepts": [found.concept.name for found in newest.findings],
                "peak_concern_level": int(newest.peak),
                "trajectory": newest.trajectory.value,
            }
        return {**self._inner.snapshot(), "safety": safety}

    async def close(self) -> None:
        """See :class:`~voice_agent.reasoning.conversation.Conversation`."""
        await self._inner.close()

    def overhear(self, text: str) -> Escalate | None:
        """Judge words that are not finished yet: a call for a person when they are beyond doubt.

        Nothing is said and nothing remembered; the finished turn is judged as every turn is.
        """
        if not self._watches or self._person_speaks or self._person_awaited:
            return None
        finding = self._monitor.certain(text)
        if finding is None or finding.concept.name in self._told:
            return None
        self._told.add(finding.concept.name)
        return _escalate(finding, hard=False)

    async def step(self, signal: Signal) -> AsyncGenerator[Effect]:
        """Take one signal: judge it when it is the caller's, then let the conversation inside answer."""
        self._follow(signal)
        async with aclosing(self._catch_up()) as effects:
            async for effect in effects:
                yield effect
        if isinstance(signal, Utterance) and self._watches and signal.via is not Via.KEYPAD:
            handled = self._judge(signal)
            async with aclosing(self._catch_up()) as effects:
                async for effect in effects:
                    yield effect
            if handled:
                return
        if isinstance(signal, Utterance) and self._behaves and not self._person_speaks:
            for told in self._behaviors.told(signal.text, self.state, self._emotion):
                async with aclosing(self._inside(told)) as effects:
                    async for effect in effects:
                        yield effect
        async with aclosing(self._inside(signal)) as effects:
            async for effect in effects:
                yield effect
        async with aclosing(self._catch_up()) as effects:
            async for effect in effects:
                yield effect

    def _follow(self, signal: Signal) -> None:
        """Who speaks for the practice."""
        if isinstance(signal, OperatorTookOver):
            self._person_speaks, self._person_awaited = True, False
        elif isinstance(signal, HandedBack):
            self._person_speaks = self._person_awaited = False
        elif isinstance(signal, NotReached):
            self._person_awaited = False
        elif isinstance(signal, Emotion):
            self._emotion = dict(signal.details)

    async def _catch_up(self) -> AsyncGenerator[Effect]:
        """Give what is owed, then tell the conversation inside what was answered without it."""
        while self._owed or self._raised is not None:
            while self._owed:
                yield self._owed.pop(0)
            raised, self._raised = self._raised, None
            if raised is not None:
                async with aclosing(self._inside(raised)) as effects:
                    async for effect in effects:
                        yield effect

    async def _inside(self, signal: Signal) -> AsyncGenerator[Effect]:
        inner = cast(AsyncGenerator[Effect], self._inner.step(signal))
        async with aclosing(inner) as effects:
            async for effect in effects:
                if isinstance(effect, Expect):
                    effect = replace(effect, expectation=self._with_cries(effect.expectation))
                elif isinstance(effect, StateChanged):
                    self._check_state(effect.to_state)
                yield effect

    def _with_cries(self, expectation: Expectation) -> Expectation:
        if not self._watches:
            return expectation
        phrases = tuple(dict.fromkeys((*expectation.phrases, *self._rulebook.rules.expected)))
        return replace(expectation, phrases=phrases)

    # -- what comes of a turn

    def _judge(self, utterance: Utterance) -> bool:
        """Judge a turn and note what is owed for it; True when that is the whole answer."""
        spoken = utterance.via is Via.SPEECH
        trusted = not spoken or (utterance.accepted and utterance.confidence >= HEARD_CONFIDENCE)
        others = tuple(text for text, score in utterance.alternatives if score >= HEARD_CONFIDENCE)
        judged = self._newest = self._monitor.assess(
            utterance.text, trusted=trusted, also=others[:MAX_ALTERNATIVES]
        )
        finding = judged.gravest
        if finding is None:
            return False
        self._owed.append(_assessed(judged))
        if self._person_speaks or self._person_awaited:
            # A person hears it, or is on the way; the event is what they see.
            return False
        if judged.verdict is Verdict.CALL:
            return self._call(utterance.text, finding)
        if judged.verdict is Verdict.NOTIFY:
            self._notify(finding)
        return False

    def _call(self, text: str, finding: Finding) -> bool:
        concept = finding.concept
        response = self._rulebook.rules.response(concept.response)
        again = concept.response in self._answered and response.again
        words = again or response.say
        said = tuple(sentences(words))
        immediate = concept.escalation.immediate and bool(said)
        if immediate and concept.name not in self._told:
            # People are called while the words are being said; the agent stops its turns behind them.
            self._owed.append(_escalate(finding, hard=False))
        self._owed += _urgent(said)
        self._owed.append(_escalate(finding, hard=immediate))
        self._told.add(concept.name)
        if not said:
            return False
        self._answered.add(concept.response or "")
        self._person_awaited = immediate
        self._raised = SafetyRaised(text, said, concept.name, response.next_state, hard=immediate)
        return True

    def _notify(self, finding: Finding) -> None:
        concept = finding.concept
        if concept.name in self._told and finding.trusted:
            return
        response = self._rulebook.rules.response(concept.response)
        words = response.soft if finding.trusted else (response.unsure or response.say)
        self._owed += _urgent(sentences(words))
        self._owed.append(_escalate(finding, hard=False))
        self._told.add(concept.name)

    def _check_state(self, state: str) -> None:
        """Hard rules about where the conversation is."""
        if not self._watches:
            return
        for rule in self._rulebook.rules.hard_rules:
            if rule.detection == "state" and state in rule.states and rule.name not in self._told:
                self._told.add(rule.name)
                concept = rule_concept(rule.name, self._rulebook.rules)
                said: tuple[str, ...] = ()
                if not self._person_awaited:
                    said = tuple(sentences(self._rulebook.rules.response(rule.response).say))
                self._owed += _urgent(said)
                self._owed.append(_escalate_concept(concept, 1.0, hard=rule.immediate))
                if rule.immediate:
                    self._person_awaited = True
                    self._raised = SafetyRaised("", said, rule.name, hard=True)


def _urgent(said: Iterable[str]) -> list[Effect]:
    """Sentences that are heard whatever else goes on, unless a person speaks."""
    return [Say(sentence, interruptible=False, urgent=True) for sentence in said]


def _escalate(finding: Finding, *, hard: bool) -> Escalate:
    return _escalate_concept(finding.concept, finding.similarity, hard=hard)


def _escalate_concept(concept: MonitorConcept, similarity: float, *, hard: bool) -> Escalate:
    wanted = concept.escalation
    return Escalate(
        wanted.reason or concept.description,
        TRIGGER,
        hard,
        concept=concept.name,
        similarity=similarity,
        operator_type=wanted.operator_type,
        regulatory_basis=wanted.regulatory_basis,
    )


def _assessed(judged: Assessment) -> SafetyAssessed:
    matches = tuple(
        ConceptMatch(
            found.concept.name,
            found.similarity,
            judged.verdict.value if found is judged.gravest else Verdict.OBSERVE.value,
            found.confidence,
            found.reason,
        )
        for found in judged.findings
    )
    return SafetyAssessed(
        matches,
        int(judged.level),
        judged.concern_turn_count,
        int(judged.peak),
        judged.trajectory.value,
        tuple(int(level) for level in judged.history),
        round(judged.elapsed_ms, 3),
    )

"""The embedded reasoner: likeness to example sentences plus a few rules. No model, no key, milliseconds.

It is what tests run on and the rung below a language model that is slow or down. Same situation, same choice.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from voice_agent.reasoning.reasoner import Choice, Option, OptionKind, Situation, ToolCaller, Usage
from voice_agent.reasoning.similarity import HashingEncoder, SentenceEncoder, clauses, says_something, terms
from voice_agent.reasoning.spoken import YesNo, is_plain_reply, parse_yes_no
from voice_agent.reasoning.vocabulary import STOP_WORDS

MODEL = "embedded"

DESCRIPTION_WEIGHT = 0.8
"""A description speaks about the caller, not like one."""
CLAUSE_WEIGHT = 0.92
"""A part of a remark counts a little less than the whole."""
BRIEF_COVERAGE = 0.6
BESIDES = 0.6
"""What is left of "wait" when more is said than that."""
ANSWER_SCORE = 0.9
"""A plain yes or no; a sentence that clearly means another option beats it."""
BESIDES_ANSWER_SCORE = 0.8
"""A yes or no with more than that; it is never enough to hang up."""


@dataclass(frozen=True)
class EmbeddedReasoner:
    """Chooses by likeness and speaks from the graph's own phrases.

    Attributes:
        encoder: sentences to vectors.
        threshold: likeness from which a sentence means an option.
        margin: two options closer than this are put to the caller as a question.
    """

    encoder: SentenceEncoder = field(default_factory=HashingEncoder)
    threshold: float = 0.52
    margin: float = 0.06

    @property
    def model(self) -> str:
        """Name for the record."""
        return MODEL

    @property
    def rephrases(self) -> bool:
        """Speaks the draft as it is."""
        return False

    async def navigate(self, situation: Situation) -> Choice:
        """The option whose examples the utterance resembles most, a clarifying question, or nothing."""
        ranked = self.rank(situation.utterance, situation.options)
        usage = Usage(MODEL)
        if not ranked or ranked[0][0] < self.threshold:
            return Choice(None, ranked[0][0] if ranked else 0.0, usage)
        score, best = ranked[0]
        rivals = [
            option for other, option in ranked[1:] if other >= self.threshold and score - other < self.margin
        ]
        if rivals and best.label and all(rival.label for rival in rivals):
            return Choice(None, score, usage, clarify=(best, *rivals[:2]))
        return Choice(best, score, usage)

    async def engage(
        self, situation: Situation, draft: tuple[str, ...], call_tool: ToolCaller
    ) -> AsyncIterator[str | Usage]:
        """The draft, word for word."""
        for text in draft:
            yield text
        yield Usage(MODEL)

    async def reflect(self, situation: Situation, problem: str, word_limit: int) -> str:
        """The problem beside what is known: names of fields, never more words than allowed."""
        known = ", ".join(sorted(situation.known)) or "nothing yet"
        words = f"{problem} Known: {known}.".split()
        return " ".join(words[:word_limit])

    def rank(self, utterance: str, options: tuple[Option, ...]) -> list[tuple[float, Option]]:
        """Options with their scores, best first; equal scores keep the graph's order."""
        reply = parse_yes_no(utterance)
        scored = [
            (self._score(utterance, option, reply), -index)
            for index, option in enumerate(options)
            if not option.catch_all
        ]
        return [(score, options[-place]) for score, place in sorted(scored, reverse=True)]

    def _score(self, utterance: str, option: Option, reply: YesNo) -> float:
        likeness = self.likeness(utterance, option.examples)
        if option.kind is not OptionKind.INTENT and option.description:
            likeness = max(likeness, DESCRIPTION_WEIGHT * self.likeness(utterance, (option.description,)))
        if option.brief and self._coverage(utterance, option.examples) < BRIEF_COVERAGE:
            likeness *= BESIDES
        if option.answer is not None and reply.value == option.answer:
            plain = is_plain_reply(utterance)
            if plain or not option.ends:
                likeness = max(likeness, ANSWER_SCORE if plain else BESIDES_ANSWER_SCORE)
        return likeness

    def _coverage(self, utterance: str, examples: tuple[str, ...]) -> float:
        """Share of the words that say something which the examples know."""
        said = {term for term, _ in terms(utterance) if term not in STOP_WORDS}
        known = {term for example in examples for term, _ in terms(example)}
        return len(said & known) / len(said) if said else 1.0

    def likeness(self, utterance: str, examples: tuple[str, ...]) -> float:
        """Highest cosine between the utterance, or a part of it, and an example; 0..1."""
        if not examples:
            return 0.0
        parts = [part for part in clauses(utterance) if says_something(part)]
        if not parts:
            parts = clauses(utterance)[:1]
        if not parts:
            return 0.0
        cosines = self.encoder.encode(parts) @ self.encoder.encode(examples).T
        best = cosines.max(axis=1)
        whole = float(best[0])
        partial = float(best[1:].max()) * CLAUSE_WEIGHT if len(parts) > 1 else 0.0
        return min(1.0, max(0.0, whole, partial))

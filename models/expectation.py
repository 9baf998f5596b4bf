"""What the conversation expects to hear next.

A state of a context graph knows what a sensible answer looks like: a yes or no, ten digits, a date, one of
a few wishes. The recognizer turns that into a grammar, the turn-taking ends the turn as soon as the answer is
complete, and the reasoner parses the words with the same knowledge. One small value carries it to all three.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AnswerKind(StrEnum):
    """The form of an expected answer."""

    YES_NO = "yes_no"
    DIGITS = "digits"
    """A string of digits, its length in :attr:`Expectation.digits` when the state knows it."""
    ALPHANUMERIC = "alphanumeric"
    """Letters and digits said one by one: a member id, a spelled name."""
    DATE = "date"
    TIME = "time"
    NAME = "name"
    PHRASES = "phrases"
    """One of :attr:`Expectation.phrases`, or something close to one."""
    FREE = "free"
    """Anything: no grammar can be trusted."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What may be said next, for the recognizer, the turn-taking and the parser.

    Attributes:
        kinds: the forms an answer may take, most likely first. Empty means :attr:`AnswerKind.FREE`.
        digits: number of digits or characters when the state knows it (10 for a phone number), else None.
        phrases: sentences a caller is likely to say here, lower case, words only.
        keyterms: names and terms to favour (providers, medicines, places).
        prompt: what the agent just asked, for a language model.
    """

    kinds: tuple[AnswerKind, ...] = ()
    digits: int | None = None
    phrases: tuple[str, ...] = ()
    keyterms: tuple[str, ...] = ()
    prompt: str = ""

    @property
    def is_free(self) -> bool:
        """True when no grammar applies."""
        return not self.kinds or self.kinds == (AnswerKind.FREE,)

    @property
    def asks_birth(self) -> bool:
        """True where the date that is asked for is one of birth."""
        return "birth" in self.prompt.lower()

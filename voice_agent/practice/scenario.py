"""The demonstration call as data, and the caller who follows it.

A caller does not recite: each line names the question it answers, and is said again when the question comes
again. The same lines drive tests over text and a robot over real audio, which gets hints when to interrupt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from voice_agent.practice.seed import MARIA, SeededPatient, next_weekday

WEEKDAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FIRST_CHOICES = (2, 1, 0)
"""Weekdays the caller names first: Wednesday, else Tuesday, else Monday."""
_SECOND_CHOICES = (4, 0, 1)
"""And the one she meant: Friday, else Monday, else Tuesday."""


class Manner(StrEnum):
    """When a line is said."""

    ANSWER = "answer"
    """After the agent has finished."""
    INTERRUPTION = "interruption"
    """Into the agent's speech: the agent must stop."""
    BACKCHANNEL = "backchannel"
    """Into the agent's speech: the agent must not stop."""


@dataclass(frozen=True, slots=True)
class CallerLine:
    """One thing the caller says.

    Attributes:
        text: the words, short and easy to recognize.
        states: states of the graph in which it fits.
        asked: words (lower case), one of which the agent must have said last; any words when empty.
        manner: after the agent has finished, or into its speech.
        after_s: seconds of the agent's speech to let pass before speaking into it.
        done_by: entering this state shows that the line was understood; it is then never said again. A line
            without it is said whenever its question comes.
    """

    text: str
    states: tuple[str, ...]
    asked: tuple[str, ...] = ()
    manner: Manner = Manner.ANSWER
    after_s: float = 0.0
    done_by: str = ""

    def fits(self, state: str, question: str) -> bool:
        """Whether it answers what the agent said last in ``state``."""
        heard = question.lower()
        return state in self.states and (not self.asked or any(words in heard for words in self.asked))


@dataclass(frozen=True, slots=True)
class Scenario:
    """A call to be made.

    Attributes:
        caller: who calls.
        lines: in order of preference: of several that fit, the first that is not done is said.
        carrier, member_id: the insurance details the practice should have afterwards.
        new_day: the day on which the appointment should be afterwards.
    """

    caller: SeededPatient
    lines: tuple[CallerLine, ...]
    carrier: str
    member_id: str
    new_day: date


def demonstration(today: date) -> Scenario:
    """Maria moves her Thursday appointment, changes her mind about the day, and lost her insurance card.

    The days are chosen so that none is today's weekday, which would rightly be asked back.
    """
    first = next(day for day in _FIRST_CHOICES if day != today.weekday())
    second = next(day for day in _SECOND_CHOICES if day not in (today.weekday(), first))
    offers = ("offer", "offer_any", "offer_others")
    lines = (
        CallerLine("I need to move my Thursday appointment.", ("greet", "what_else"), done_by="identify"),
        CallerLine("March second, nineteen eighty four.", ("ask_birth_date", "ask_birth_date_again")),
        CallerLine(f"{WEEKDAY_NAMES[first]}, please.", ("new_day",), done_by="search"),
        CallerLine(
            f"No, {WEEKDAY_NAMES[second]}.",
            (*offers, "offer_one"),
            manner=Manner.INTERRUPTION,
            after_s=1.2,
            done_by="search",
        ),
        CallerLine(f"{WEEKDAY_NAMES[second]}, please.", ("new_day",)),
        CallerLine("Mm-hmm.", offers, manner=Manner.BACKCHANNEL, after_s=1.0, done_by="confirm"),
        CallerLine("The first one.", offers),
        CallerLine("Yes, that works.", ("offer_one",)),
        CallerLine("Yes, please.", ("confirm",)),
        CallerLine("I lost my insurance card.", ("anything_else", "what_else"), done_by="take_insurance"),
        CallerLine("Yes.", ("take_insurance",), ("is that right", "is that correct")),
        CallerLine("Blue Shield.", ("take_insurance",), ("insurance company",)),
        CallerLine("W, three, one, four, five, six, two.", ("take_insurance",), ("member id",)),
        CallerLine("No, that's all. Thank you.", ("anything_else", "what_else")),
    )
    return Scenario(MARIA, lines, "Blue Shield", "W314562", next_weekday(second, today))


@dataclass
class ScriptedCaller:
    """Follows a scenario: told which states are entered, it knows what to say when.

    Lines spoken into the agent's speech are said once; one that was not understood is repeated as an answer.
    """

    lines: Sequence[CallerLine]
    _said: set[int] = field(default_factory=set)
    _done: set[int] = field(default_factory=set)
    _last: tuple[str, CallerLine | None] = ("", None)

    def entered(self, state: str) -> None:
        """The conversation moved to ``state``."""
        for index in self._said - self._done:
            if self.lines[index].done_by == state:
                self._done.add(index)

    def into_speech(self, state: str) -> CallerLine | None:
        """What to say while the agent speaks in ``state``, None to listen. Counts as said."""
        for index, line in enumerate(self.lines):
            if line.manner is Manner.ANSWER or index in self._said or state not in line.states:
                continue
            if line.manner is Manner.INTERRUPTION or not self._interruption_open(state):
                self._said.add(index)
                return line
        return None

    def answer(self, state: str, question: str) -> CallerLine | None:
        """What to say now that the agent waits in ``state``, None to stay silent. Counts as said.

        ``question`` is what the agent said last. When no line answers it, the last line said in this state is
        repeated: the agent asks again in words of its own.
        """
        for index, line in enumerate(self.lines):
            open_ = index not in self._done and line.manner is not Manner.BACKCHANNEL
            if open_ and line.fits(state, question):
                self._said.add(index)
                self._last = (state, line)
                return line
        last_state, last_line = self._last
        return last_line if last_state == state else None

    def _interruption_open(self, state: str) -> bool:
        """Whether an interruption of this state is still to come or not yet understood."""
        return any(
            line.manner is Manner.INTERRUPTION and index not in self._done and state in line.states
            for index, line in enumerate(self.lines)
        )

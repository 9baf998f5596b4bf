"""Sentences for synthetic callers: numbers, dates, names and wishes as they are said on the phone, and prose.

Everything is written as it is spoken, a to z and apostrophes, so that a sentence is its own transcript. A
third is running text that the user brings (one sentence a line), because a recognizer that has only heard
forms learns the forms and not the sounds.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from models.stt.names import FIRST_NAMES, LAST_NAMES

ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
    *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
    *("eighteenth", "nineteenth", "twentieth"),
)
MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WORDS_FILE = Path(__file__).with_name("caller_words.yaml")


def number(n: int) -> str:
    """A number below a million in words."""
    if n < 20:
        return ONES[n]
    if n < 100:
        return TENS[n // 10 - 2] + (f" {ONES[n % 10]}" if n % 10 else "")
    if n < 1000:
        return f"{ONES[n // 100]} hundred" + (f" {number(n % 100)}" if n % 100 else "")
    return f"{number(n // 1000)} thousand" + (f" {number(n % 1000)}" if n % 1000 else "")


def ordinal(n: int) -> str:
    """A day of the month in words."""
    if n <= 20:
        return ORDINALS[n - 1]
    return "thirtieth" if n == 30 else f"{TENS[n // 10 - 2]} {ORDINALS[n % 10 - 1]}"


_SPOKEN_AS = {"mr": "mister", "mrs": "missus", "dr": "doctor", "etc": "et cetera", "vs": "versus"}


def plain(text: str) -> str:
    """Written text as words: numbers spelled out, no marks; "" for what is not a sentence."""
    text = text.lower().replace("\u2019", "'").replace("&", " and ").replace("%", " percent ")
    text = re.sub(r"https?\S+|\[\w+\]|/?r/\w+|\S*[_=<>{}\\@#]\S*", " ", text)
    text = re.sub(r"\d+", lambda m: f" {number(int(m[0])) if len(m[0]) < 6 else ''} ", text)
    text = re.sub(r"[^a-z' ]", " ", text)
    words = re.sub(r"(?<![a-z])'|'(?![a-z])", " ", text).split()
    return " ".join(_SPOKEN_AS.get(word, word) for word in words)


def examples_of(graph: Path) -> tuple[str, ...]:
    """What callers say in a context graph: the ``examples`` of its intents and exits."""
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "examples" and isinstance(value, list):
                    found.extend(plain(str(v)) for v in value)
                else:
                    walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(yaml.safe_load(graph.read_text(encoding="utf-8")))
    return tuple(dict.fromkeys(found))


class CallerText:
    """An endless source; the same seed gives the same sentences."""

    def __init__(
        self, rng: random.Random, words: Sequence[str], running: Sequence[str], wishes: Sequence[str]
    ) -> None:
        """``words``: a dictionary's; ``running``: sentences; ``wishes``: what callers of the practice say."""
        self._rng = rng
        self._words, self._running, self._wishes = words, running, wishes
        self._lists: dict[str, list[str]] = yaml.safe_load(WORDS_FILE.read_text(encoding="utf-8"))
        self._kinds = (
            *((3.0, self._digits), (2.5, self._member_id), (1.5, self._spelled), (3.0, self._short)),
            *((3.0, self._wish), (2.0, self._date), (1.5, self._birth), (2.0, self._time), (1.5, self._name)),
            *((2.0, self._medicine), (2.5, self._office), (1.5, self._correction), (1.0, self._amount)),
            *((11.0, self._sentence), (3.5, self._nonsense)),
        )

    def __iter__(self) -> Iterator[str]:
        makers = [maker for _, maker in self._kinds]
        weights = [weight for weight, _ in self._kinds]
        while True:
            sentence = self._rng.choices(makers, weights)[0]()
            if 0 < len(sentence.split()) <= 22:
                yield sentence

    def _pick(self, choices: Sequence[str] | str) -> str:
        return self._rng.choice(choices.split("|") if isinstance(choices, str) else choices)

    def _of(self, kind: str) -> str:
        return self._rng.choice(self._lists[kind])

    def _string(self, n: int) -> str:
        zero = self._pick("oh|zero")
        return " ".join(zero if (d := self._rng.randrange(10)) == 0 else ONES[d] for _ in range(n))

    def _letters(self, n: int) -> str:
        return " ".join(self._pick("a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z") for _ in range(n))

    def _digits(self) -> str:
        lead = "||||my number is|it's|my phone number is|area code|the code is|yes it's|my zip code is"
        said = self._string(self._rng.choice((1, 1, 2, 3, 4, 4, 5, 6, 7, 8, 10, 10, 10)))
        if self._rng.random() < 0.08:
            said = f"double {said}"
        return f"{self._pick(lead)} {said}".strip()

    def _member_id(self) -> str:
        lead = "|||my member id is|it's|the id is|my member number is|member id".replace("id", "i d")
        front = self._letters(self._rng.choice((1, 1, 1, 2, 3)))
        middle = self._string(self._rng.randint(2, 9))
        return f"{self._pick(lead)} {front} {middle} {self._letters(1) if self._rng.random() < 0.15 else ''}".strip()

    def _spelled(self) -> str:
        name = self._pick(LAST_NAMES)
        letters = " ".join(name.replace("'", ""))
        forms = (letters, f"{name} {letters}", f"that's {letters}", self._letters(self._rng.randint(1, 6)))
        return self._pick(forms)

    def _short(self) -> str:
        return self._of("short")

    def _wish(self) -> str:
        wish = self._pick(self._wishes)
        return f"{self._pick('||||hi|hello|yes|um|well|so')} {wish} {self._pick('||||please|thanks')}".strip()

    def _day(self) -> str:
        rng, month, day = self._rng, self._pick(MONTHS), self._rng.randint(1, 31)
        weekday = self._pick(WEEKDAYS)
        near = (
            f"today|tomorrow|{weekday}|next {weekday}|this {weekday}|next week|on {weekday}|the day after tomorrow|"
            f"in {number(rng.randint(2, 6))} weeks|early next week|{weekday} or {self._pick(WEEKDAYS)}|"
            f"{weekday} {self._pick('morning|afternoon|evening')}|a week from {weekday}"
        )
        exact = (
            f"{month} {ordinal(day)}",
            f"the {ordinal(day)} of {month}",
            f"{weekday} {month} {ordinal(day)}",
        )
        return self._pick(near) if rng.random() < 0.6 else self._pick(exact)

    def _date(self) -> str:
        lead = "|||how about|can i come in|let's do|i'm free on|no make it|what about|could we do"
        return f"{self._pick(lead)} {self._day()}".strip()

    def _year(self) -> str:
        year = self._rng.randrange(1930, 2027)
        if year < 2000:
            rest = year % 100
            return f"nineteen {f'oh {ONES[rest]}' if rest < 10 else number(rest)}"
        if year == 2000:
            return "two thousand"
        return self._pick((f"two thousand {number(year - 2000)}", f"two thousand and {number(year - 2000)}"))

    def _birth(self) -> str:
        month, day = self._rng.randint(1, 12), self._rng.randint(1, 31)
        said = (
            f"{MONTHS[month - 1]} {ordinal(day)}",
            f"{MONTHS[month - 1]} {number(day)}",
            f"{number(month)} {number(day)}",
            f"the {ordinal(day)} of {MONTHS[month - 1]}",
        )
        lead = "||||i was born on|my birthday is|my date of birth is|it's|born"
        return f"{self._pick(lead)} {self._pick(said)} {self._year()}".strip()

    def _clock(self) -> str:
        rng, hour = self._rng, self._rng.randint(1, 12)
        minute = rng.choice((0, 0, 15, 30, 45, rng.randint(1, 59)))
        said = ONES[hour] + (
            "" if not minute else f" oh {ONES[minute]}" if minute < 10 else f" {number(minute)}"
        )
        past = (f"half past {ONES[hour]}", f"quarter to {ONES[hour]}", f"{ONES[hour]} o'clock")
        half = self._pick("||a m|p m|in the morning|in the afternoon")
        return f"{self._pick((said, said, said, *past))} {half}".strip()

    def _time(self) -> str:
        lead = "|||at|around|after|before|how about|let's say|can you do|maybe"
        tail = f"|||on {self._day()}|would be better|works for me|is too early|is too late"
        return f"{self._pick(lead)} {self._clock()} {self._pick(tail)}".strip()

    def _name(self) -> str:
        lead = "||my name is|this is|i'm|it's|the name is|hi this is|i'm calling for|first name"
        first, last = self._pick(FIRST_NAMES), self._pick(LAST_NAMES)
        return f"{self._pick(lead)} {self._pick((f'{first} {last}', f'{first} {last}', last, first))}".strip()

    def _medicine(self) -> str:
        drug, other = self._of("drugs"), self._of("drugs")
        dose = number(self._rng.choice((5, 10, 20, 25, 40, 50, 81, 100, 500)))
        forms = (
            f"i need a refill of my {drug}",
            f"i take {dose} milligrams of {drug} {self._pick('once a day|twice a day|at night|in the morning')}",
            f"i ran out of {drug} {self._pick('yesterday|two days ago|last week|this morning')}",
            f"i'm allergic to {drug} and {other}",
            f"should i keep taking {drug}",
            f"can you send the {drug} to the pharmacy",
            drug,
        )
        return self._pick(forms)

    def _office(self) -> str:
        forms = (
            f"my insurance is {self._of('carriers')}",
            f"do you take {self._of('carriers')}",
            self._of("carriers"),
            f"i have {self._of('complaints')} {self._pick('since yesterday|for two days|for three weeks|again')}",
            f"my {self._pick('son|daughter|mother|husband|wife|father')} has {self._of('complaints')}",
            f"my {self._of('body')} {self._pick('hurts|is swollen|feels worse|is better now|has been hurting')}",
            f"i'd like to speak with {self._pick(('a nurse', 'somebody', f'doctor {self._pick(LAST_NAMES)}'))}",
            f"can you {self._pick('transfer me to|connect me with')} {self._of('rooms')}",
            f"{self._pick('what time|when')} {self._pick('do you open|do you close|is my appointment|should i come')}",
            f"how much is {self._pick('a visit|the copay|an x ray|a blood test|a physical|a flu shot')}",
            f"i'd like to {self._pick('book|make|cancel|move|change')} my appointment {self._pick('on|for')} {self._day()}",
            f"i feel {self._pick('very|a little|so|really')} {self._pick('tired|sick|worried|upset|better|scared|dizzy')}",
            f"tell doctor {self._pick(LAST_NAMES)} that {self._pick(self._wishes)}",
        )
        return self._pick(forms)

    def _correction(self) -> str:
        lead = self._pick("no|sorry|actually|no sorry|no wait|i meant|no i said|not that it's|no that's")
        return f"{lead} {self._pick((self._day(), self._clock(), self._string(2), self._letters(1), self._pick(LAST_NAMES)))}"

    def _amount(self) -> str:
        rng = self._rng
        forms = (
            f"the bill was {number(rng.randint(5, 900))} dollars and {number(rng.randint(1, 99))} cents",
            f"my pain is about {number(rng.randint(0, 10))} out of ten",
            f"my blood pressure was {number(rng.randint(100, 180))} over {number(rng.randint(60, 100))}",
            f"i'm {number(rng.randint(18, 95))} years old",
            f"{number(rng.randint(1, 9999))} {self._pick(LAST_NAMES)} {self._pick('street|avenue|road|drive')}",
        )
        return self._pick(forms)

    def _sentence(self) -> str:
        words = self._pick(self._running).split()
        longest = self._rng.randint(6, 20)
        at = self._rng.randrange(max(1, len(words) - longest + 1))
        return " ".join(words[at : at + longest])

    def _nonsense(self) -> str:
        return " ".join(self._pick(self._words) for _ in range(self._rng.randint(2, 8)))


def as_spoken(sentence: str) -> str:
    """Text for a voice: a lone letter as its name, humming as a hum."""
    words = sentence.split()
    return " ".join(_letter_or_word(words, i) for i in range(len(words)))


def _letter_or_word(words: Sequence[str], i: int) -> str:
    word = words[i]
    if word == "a":
        return "ay" if names_letter(words, i) else word
    if len(word) == 1 and word != "i":
        return word.upper()
    return {"mm-hmm": "mm hmm", "mhm": "mm hmm", "mm": "mmm"}.get(word, word)


def names_letter(words: Sequence[str], i: int) -> bool:
    """Whether the "a" at ``i`` is the letter and not the article: beside other letters or digits only."""
    beside = [*words[max(0, i - 1) : i], *words[i + 1 : i + 2]]
    return (
        any((len(w) == 1 and w not in "ai") or w in ONES[:10] or w == "oh" for w in beside) or len(words) == 1
    )

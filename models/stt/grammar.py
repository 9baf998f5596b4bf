"""From what a state expects to the JSGF grammar of what a caller may then say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from models.expectation import AnswerKind, Expectation
from models.stt.names import FIRST_NAMES, LAST_NAMES
from models.stt.rules import INTERCHANGEABLE, OPENERS, RULES

_WORDS: Final = re.compile(r"[a-z][a-z'.-]*|\d+")
_REFERENCE: Final = re.compile(r"<([a-z_0-9]+)>")
_WORD_IN_RULE: Final = re.compile(r"(?<![<\w])[a-z][a-z0-9'.-]*(?![\w>])")
_OTHER_LENGTH: Final = "/1e-30/"
"""How much clearer a string of another length than the expected one must be: about one digit misheard."""
_ASIDE: Final = "/0.01/", "/0.2/"
"""What is said at any time, and murmurs, beside an answer."""
_ASIDE_FROM_STRINGS: Final = "/1e-6/", "/1e-4/"
"""Who was asked for a number says one: "nine" cut short must not become "mm", nor "five" a goodbye."""
_SLOT_BEFORE: Final = frozenset({"appointment", "visit", "checkup", "appointments"})
_ONES: Final = (
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_MEMBER_ID: Final = (
    "<letter> <digits> | <digits> | /1e-20/ <letter> <letter> <letter> <digits> | "
    "/1e-20/ <letter> <digits> <letter> | /1e-20/ <letter> <letter> <letter>+"
)
"""Ids of insurers: a letter or three in front, then digits; or a spelled word. The weights are those of a
digit misheard as a letter: anything else lets "two" become "q p"."""
_MAX_PHRASES: Final = 200
_MAX_STRING: Final = 24
"""Characters of the longest counted string."""


@dataclass(frozen=True, slots=True)
class Grammar:
    """A grammar ready for the decoder: JSGF text and every word in it."""

    jsgf: str
    words: frozenset[str]
    is_string: bool
    """Digits or letters said one by one: the decoder must be slow to insert words."""


def grammar_of(expectation: Expectation) -> Grammar | None:
    """Everything a caller may be expected to say now, None when no grammar applies."""
    if expectation.is_free and not expectation.phrases:
        return None
    terms = [" ".join(words) for term in expectation.keyterms if (words := spoken_words(term))]
    rules = {
        **RULES,
        "first_name": " | ".join(FIRST_NAMES),
        "last_name": " | ".join(LAST_NAMES),
        "any_name": " | ".join(sorted(set(FIRST_NAMES) | set(LAST_NAMES))),
        "term": " | ".join(terms) or "doctor",
    }
    kinds = list(expectation.kinds)
    if expectation.phrases and AnswerKind.PHRASES not in kinds:
        kinds.append(AnswerKind.PHRASES)
    answers = [text for kind in kinds for text in _ANSWERS.get(kind, lambda _: [])(expectation)]
    if terms:
        answers.append("[with | it's | for | see | to see] [doctor] <term>")
    strings = AnswerKind.DIGITS in kinds or AnswerKind.ALPHANUMERIC in kinds
    tail = "" if strings else " [<please>]"
    rules["answer"] = " | ".join(f"({a})" for a in answers)
    aside, assent = _ASIDE_FROM_STRINGS if strings else _ASIDE
    top = f"[<filler>] (<answer>{tail} | {aside} <universal>) | {assent} <assent>"
    used = _used(top, rules)
    body = "\n".join(f"<{name}> = {rules[name]};" for name in used)
    spelled = " ".join([top, *(rules[name] for name in used)])
    found = frozenset(_WORD_IN_RULE.findall(_without_weights(spelled)))
    return Grammar(f"#JSGF V1.0;\ngrammar answers;\npublic <top> = {top};\n{body}\n", found, strings)


def spoken_words(phrase: str) -> list[str]:
    """The words of a phrase as they are said: "8:30 am" is "eight thirty a m"."""
    said: list[str] = []
    for token in _WORDS.findall(phrase.lower()):
        if token.isdecimal():
            said += _number(token)
        else:
            said += {"am": ["a", "m"], "pm": ["p", "m"]}.get(token, [token])
    return said


def _number(token: str) -> list[str]:
    value = int(token)
    if token[0] == "0" or value > 99:
        return [_ONES[int(digit)] for digit in token]
    if value < len(_ONES):
        return [_ONES[value]]
    tens, ones = divmod(value, 10)
    return [_TENS[tens - 2], *([_ONES[ones]] if ones else [])]


def _without_weights(text: str) -> str:
    return re.sub(r"/[\d.e-]+/", " ", text)


def _used(top: str, rules: dict[str, str]) -> list[str]:
    """The rules that ``top`` needs, each once."""
    found: list[str] = []
    pending = _REFERENCE.findall(top)
    while pending:
        name = pending.pop()
        if name not in found:
            found.append(name)
            pending += _REFERENCE.findall(rules[name])
    return found


def _string(expectation: Expectation, *, letters: bool) -> list[str]:
    """Digits, or letters and digits, one by one; "double five" and, among digits, "twenty two" count two."""
    symbol = "(<digit> | /0.02/ <letter>)" if letters else "<digit>"
    lead = "[<number_lead>]"
    mended: list[str] = []
    if AnswerKind.YES_NO in expectation.kinds:
        # It was read back: said again behind a "no", or put right in one place.
        lead = "[<number_lead> | <denial>]"
        mended = [f"/0.01/ [<denial>] (<part> {symbol}+ | {symbol} not {symbol})"]
    pair = f"(double | /0.3/ triple) {symbol}" + ("" if letters else " | /0.1/ <two_digits>")
    free = f"({symbol} | /0.05/ {pair})+"
    count = expectation.digits
    if not count or count > _MAX_STRING:
        # Weights count between the alternatives of one group only.
        return [f"{lead} ({_MEMBER_ID})" if letters else f"{lead} {free}", *mended]
    exact = [" ".join([symbol] * count)]
    if count > 1:
        exact += [
            f"/0.05/ {' '.join([*[symbol] * i, 'double', symbol, *[symbol] * (count - 2 - i)])}"
            for i in range(count - 1)
        ]
    return [f"{lead} ({' | '.join(exact)} | {_OTHER_LENGTH} {free})", *mended]


def _phrases(expectation: Expectation) -> list[str]:
    """The state's phrases with another opening, other determiners, a day or time said along."""
    lines = [spoken_words(phrase) for phrase in expectation.phrases[:_MAX_PHRASES]]
    loosened = " | ".join(_loosened(words, bool(expectation.keyterms)) for words in lines if words)
    return [f"[<opener>] ({loosened}) [[for | on | to] <short_day> [<daypart>]]"] if loosened else []


def _loosened(words: list[str], has_terms: bool) -> str:
    line = " ".join(words)
    opener = next((o for o in OPENERS if line.startswith(o + " ")), "")
    parts = []
    for word in line[len(opener) :].split():
        if word in _SLOT_BEFORE:
            parts.append("[<weekday> | next | upcoming]")
        same = next((group for group in INTERCHANGEABLE if word in group), (word,))
        parts.append(f"({' | '.join(same)})" if len(same) > 1 else word)
    if has_terms and parts[-1:] and words[-1] in _SLOT_BEFORE | {"doctor"}:
        parts.append("[[with] [doctor] <term>]")
    return " ".join(parts)


_CORRECTED_DAY: Final = (
    "(no | nope | yes | yeah | actually | sorry) [i said | i meant | it's | make it | how about] "
    "<short_day> [<daypart>]"
)
"""A yes or a no with another day behind it. Small on purpose: every rule is copied where it is named, and a
grammar is compiled while somebody is already speaking."""


def key_of(expectation: Expectation) -> Expectation:
    """The same for all expectations that have one grammar; of the prompt counts only whether it asks for a
    date of birth."""
    return replace(expectation, prompt="birth" if expectation.asks_birth else "")


def _dates(expectation: Expectation) -> list[str]:
    """A day to come to, or a date of birth, which has neither weekday nor time."""
    if expectation.asks_birth:
        return ["[<birth_lead> | no | sorry | actually] <date>"]
    return ["[<date_lead>] <when>"]


def _times(expectation: Expectation) -> list[str]:
    """A time of day; with the days of ``<when>`` unless the dates bring them along."""
    lead = "[<time_lead>] <time>"
    return [lead] if AnswerKind.DATE in expectation.kinds else [lead, f"{lead} [on] <short_day>"]


_ANSWERS: Final[dict[AnswerKind, Callable[[Expectation], list[str]]]] = {
    AnswerKind.YES_NO: lambda _: ["<yes>", "<no>", _CORRECTED_DAY],
    AnswerKind.DIGITS: lambda e: _string(e, letters=False),
    AnswerKind.ALPHANUMERIC: lambda e: _string(e, letters=True),
    AnswerKind.DATE: _dates,
    AnswerKind.TIME: _times,
    AnswerKind.NAME: lambda _: [
        "[<name_lead>] <first_name> [<letter>] [<last_name>]",
        "[<name_lead>] <any_name> [<last_name>]",
        "[<name_lead>] [<first_name>] <term>",
    ],
    AnswerKind.PHRASES: _phrases,
}

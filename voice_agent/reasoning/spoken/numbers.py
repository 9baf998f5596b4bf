"""Number words read at a place in the words.

Every function yields all readings that start at ``index`` as ``(value, index behind it)``: "twenty four" is
24, and
also 20 with a "four" to come. The grammar above decides by what fits as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator

from voice_agent.reasoning.spoken.tokens import Tokens

ZERO_WORDS = frozenset({"zero", "oh", "o", "nought", "naught"})
UNITS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "niner": 9,
}  # fmt: skip
TEENS = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60, "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}  # fmt: skip
SOUND_ALIKES = {"to": 2, "too": 2, "for": 4, "fore": 4, "won": 1, "ate": 8}
"""Words a recognizer writes for digits; to be believed only between digits."""

_ORDINAL_UNITS = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8,
    "ninth": 9,
}  # fmt: skip
_ORDINALS = _ORDINAL_UNITS | {
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15,
    "sixteenth": 16, "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30,
}  # fmt: skip

_CENTURIES = {"eighteen": 18, "nineteen": 19, "twenty": 20}
_SUFFIXES = ("st", "nd", "rd", "th")

Reading = tuple[int, int]


def digit(word: str, *, sound_alikes: bool = False) -> int | None:
    """The value of one spoken or written digit, or None."""
    if word in ZERO_WORDS:
        return 0
    if word in UNITS:
        return UNITS[word]
    if len(word) == 1 and word.isascii() and word.isdigit():
        return int(word)
    return SOUND_ALIKES.get(word) if sound_alikes else None


def ordinal(tokens: Tokens, index: int) -> Iterator[Reading]:
    """ "second", "2nd", "twenty second"."""
    word = tokens.at(index)
    if word in TENS:
        unit = _ORDINAL_UNITS.get(tokens.at(index + 1))
        if unit is not None:
            yield TENS[word] + unit, index + 2
    elif word in _ORDINALS:
        yield _ORDINALS[word], index + 1
    elif len(word) <= 4 and word[:-2].isascii() and word[:-2].isdigit() and word[-2:] in _SUFFIXES:
        yield int(word[:-2]), index + 1


def below_hundred(tokens: Tokens, index: int, *, sound_alikes: bool = False) -> Iterator[Reading]:
    """ "two", "12", "twelve", "twenty four", "oh four", "eight four"."""
    word = tokens.at(index)
    if word in TENS:
        unit = digit(tokens.at(index + 1), sound_alikes=sound_alikes)
        if unit:
            yield TENS[word] + unit, index + 2
        yield TENS[word], index + 1
        return
    if word in TEENS:
        yield TEENS[word], index + 1
        return
    if len(word) == 2 and word.isascii() and word.isdigit():
        yield int(word), index + 1
        return
    first = digit(word, sound_alikes=sound_alikes)
    if first is None:
        return
    second = digit(tokens.at(index + 1), sound_alikes=sound_alikes)
    if second is not None:
        yield first * 10 + second, index + 2
    yield first, index + 1


def four_digit_year(tokens: Tokens, index: int, *, sound_alikes: bool = False) -> Iterator[Reading]:
    """ "1984", "nineteen eighty four", "nineteen oh five", "two thousand and five", "twenty ten", "one nine
    eight four"."""
    word = tokens.at(index)
    if len(word) == 4 and word.isascii() and word.isdigit():
        yield int(word), index + 1
        return
    if tokens.starts_with(index, "two", "thousand"):
        yield from _after_hundreds(tokens, index + 2, 2000, sound_alikes=sound_alikes)
        return
    century = (_CENTURIES | {"18": 18, "19": 19, "20": 20}).get(word)
    if century is not None:
        if tokens.at(index + 1) == "hundred":
            yield from _after_hundreds(tokens, index + 2, century * 100, sound_alikes=sound_alikes)
            return
        for value, behind in below_hundred(tokens, index + 1, sound_alikes=sound_alikes):
            if value >= 10 or behind == index + 3:
                yield century * 100 + value, behind
        return
    digits = [
        digit(tokens.at(index + offset), sound_alikes=sound_alikes and offset > 0) for offset in range(4)
    ]
    if all(d is not None for d in digits):
        value = int("".join(str(d) for d in digits))
        if 1800 <= value < 2100:
            yield value, index + 4


def _after_hundreds(tokens: Tokens, index: int, base: int, *, sound_alikes: bool) -> Iterator[Reading]:
    start = index + 1 if tokens.at(index) == "and" else index
    for value, behind in below_hundred(tokens, start, sound_alikes=sound_alikes):
        yield base + value, behind
    yield base, index


def two_digit_year(tokens: Tokens, index: int, *, sound_alikes: bool = False) -> Iterator[Reading]:
    """ "84", "eighty four", "oh five", "eight four": always two digits, never a lone unit.

    A spoken "nineteen" or "twenty" alone is a year of which the rest was cut off, not 2019.
    """
    for value, behind in below_hundred(tokens, index, sound_alikes=sound_alikes):
        if tokens.at(index) in _CENTURIES and behind == index + 1:
            continue
        if value >= 10 or behind == index + 2 or (len(tokens.at(index)) == 2 and tokens.at(index).isdigit()):
            yield value, behind

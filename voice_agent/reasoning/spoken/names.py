"""Names of persons: "my name is maria rivera", "rivera, r i v e r a", "last name smith"."""

from __future__ import annotations

from voice_agent.reasoning.spoken.characters import parse_alphanumeric
from voice_agent.reasoning.spoken.numbers import TEENS, TENS, UNITS
from voice_agent.reasoning.spoken.readings import NameReading
from voice_agent.reasoning.spoken.relative_dates import WEEKDAYS
from voice_agent.reasoning.spoken.replies import parse_correction
from voice_agent.reasoning.spoken.tokens import (
    Phrases,
    Tokens,
    longest_phrase,
    phrase_table,
    squeeze,
    tokenize,
)

_INTRODUCTIONS = phrase_table(
    "my name is", "my name's", "name is", "the name is", "the name's", "my full name is", "i am", "i'm",
    "this is",
    "it is", "it's", "call me", "you can call me", "speaking with", "the patient is", "patient name is",
    "the patient's name is", "her name is", "his name is", "their name is", "for", "under", "it's under",
    "that's",
    "that is", "my name", "the name",
)  # fmt: skip
_FIRST = phrase_table("first name is", "first name", "my first name is", "first name's", "first is")
_LAST = phrase_table(
    "last name is", "last name", "my last name is", "last name's", "surname is", "surname", "family name is",
    "family name", "last is",
)  # fmt: skip
_POLITE = frozenset(
    {
        "hi",
        "hello",
        "hey",
        "yes",
        "yeah",
        "sure",
        "okay",
        "ok",
        "well",
        "so",
        "please",
        "thanks",
        "oh",
        "and",
        "right",
    }
)
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mister", "missus", "dr", "doctor", "sir", "madam"})
_SPELLING = frozenset({"spelled", "spelt", "spelling", "that's", "spell", "s"})
_NOT_NAMES = frozenset(
    {
        "a", "about", "after", "again", "all", "already", "also", "am", "an", "and", "any", "anything",
        "appointment", "are", "as", "ask", "at", "available", "back", "be", "been", "being", "book",
        "booked", "but", "by", "bye", "call", "called", "calling", "calling's", "can", "can't", "cancel",
        "card", "change", "checking", "chen's", "could", "date", "day", "did", "didn't", "do", "doctor",
        "does", "doesn't", "don't", "else", "fine", "first", "for", "free", "from", "get", "give", "go",
        "going", "good", "goodbye", "got", "great", "had", "has", "have", "haven't", "having", "hear",
        "heard", "hello", "help", "her", "here", "hers", "hi", "him", "his", "hoping", "how", "i", "i'd",
        "i'll", "i'm", "i've", "if", "in", "insurance", "interested", "into", "is", "isn't", "it", "it's",
        "its", "just", "know", "last", "let", "like", "looking", "lost", "make", "maybe", "me", "mine",
        "month", "move", "my", "name", "need", "new", "nice", "no", "nobody", "nope", "not", "nothing",
        "now", "number", "of", "off", "office", "ok", "okay", "on", "one", "only", "or", "other", "our",
        "out", "over", "patient", "person", "phone", "please", "possible", "problem", "question", "really",
        "reschedule", "right", "said", "say", "schedule", "see", "she", "should", "sick", "something",
        "sorry", "speak", "spell", "still", "sure", "talk", "than", "thank", "thanks", "that", "that's",
        "the", "their", "them", "then", "there", "they", "this", "time", "to", "today", "together",
        "tomorrow", "too", "trying", "two", "under", "unfortunately", "up", "us", "very", "visit", "wait",
        "want", "wanted", "was", "wasn't", "we", "week", "well", "were", "what", "what's", "when", "where",
        "which", "who", "why", "will", "with", "won't", "would", "wouldn't", "wrong", "yeah", "year", "yes",
        "yesterday", "you", "you're", "your", "yours",
    }
)  # fmt: skip
_PARTICLES = frozenset(
    {"de", "la", "van", "von", "der", "den", "del", "da", "di", "el", "bin", "al", "st", "san", "mac"}
)
_LONGEST_NAME = 4
_NO_NAMES = _NOT_NAMES | _POLITE | _TITLES | {*WEEKDAYS, *UNITS, *TEENS, *TENS, "zero", "oh", "hundred"}


def parse_name(text: str) -> NameReading:
    """Read a person's name; letters said after it decide how it is written ("smyth, s m y t h").

    One word alone is a first name unless it was announced as the last. Words that introduce nothing and are
    too many,
    or that are no names, give an empty reading.
    """
    correction = parse_correction(text)
    if correction.is_correction and correction.rest:
        corrected = _read(correction.rest)
        if corrected.matched:
            return corrected
    return _read(text)


def _read(text: str) -> NameReading:
    tokens = tokenize(text)
    empty = NameReading(rest=squeeze(tokens.source))
    first = _labelled(tokens, _FIRST)
    last = _labelled(tokens, _LAST)
    if first or last:
        matched, rest = tokens.split([span for span in (first, last) if span is not None])
        first_name, first_spelled = _write(tokens, *first) if first else (None, False)
        last_name, last_spelled = _write(tokens, *last) if last else (None, False)
        return NameReading(first_name, last_name, first_spelled or last_spelled, matched, rest)
    span = _unlabelled(tokens)
    if span is None:
        return empty
    words = _name_words(tokens, *span)
    matched, rest = tokens.split([span])
    letters = _spelled(tokens, *span)
    if letters and words:
        words[_closest(words, letters)] = letters
    elif letters:
        words = [letters]
    if not words:
        return empty
    last_name = _capitalize(" ".join(words[_last_starts(words) :])) if len(words) > 1 else None
    return NameReading(_capitalize(words[0]), last_name, bool(letters), matched, rest)


def _labelled(tokens: Tokens, labels: Phrases) -> tuple[int, int] | None:
    for index in range(len(tokens)):
        length = longest_phrase(tokens, index, labels)
        if length:
            span = _extent(tokens, index + length)
            return span if span[1] > span[0] else None
    return None


def _unlabelled(tokens: Tokens) -> tuple[int, int] | None:
    """Where the name stands: the whole text apart from politeness, or what follows an introduction."""
    start = 0
    while tokens.at(start) in _POLITE:
        start += 1
    first, end = _extent(tokens, start)
    behind = end
    while tokens.at(behind) in _POLITE:
        behind += 1
    if behind == len(tokens) and end > first:
        return first, end
    for index in range(len(tokens)):
        length = longest_phrase(tokens, index, _INTRODUCTIONS)
        if length:
            first, end = _extent(tokens, index + length)
            if end > first:
                return first, end
    return None


def _extent(tokens: Tokens, start: int) -> tuple[int, int]:
    """From ``start``, titles skipped, as far as names and their spelling go."""
    while tokens.at(start) in _TITLES:
        start += 1
    end = start
    words = 0
    while end < len(tokens):
        word = tokens.at(end)
        if longest_phrase(tokens, end, _FIRST) or longest_phrase(tokens, end, _LAST):
            break
        if _is_letter(word) or (end > start and word in _SPELLING and _is_letter(tokens.at(end + 1))):
            end += 1
        elif _is_name(word) and words < _LONGEST_NAME:
            words += 1
            end += 1
        else:
            break
    return start, end


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isalpha()


def _is_name(word: str) -> bool:
    letters = word.replace("'", "")
    return letters.isalpha() and len(word) > 1 and word not in _NO_NAMES


def _name_words(tokens: Tokens, start: int, end: int) -> list[str]:
    return [
        tokens.at(i) for i in range(start, end) if len(tokens.at(i)) > 1 and tokens.at(i) not in _SPELLING
    ]


def _spelled(tokens: Tokens, start: int, end: int) -> str:
    letters = [tokens.at(i) for i in range(start, end) if _is_letter(tokens.at(i))]
    return parse_alphanumeric(" ".join(letters)).value.lower() if len(letters) >= 2 else ""


def _write(tokens: Tokens, start: int, end: int) -> tuple[str | None, bool]:
    letters = _spelled(tokens, start, end)
    words = _name_words(tokens, start, end)
    return (_capitalize(letters or " ".join(words)) or None), bool(letters)


def _closest(words: list[str], letters: str) -> int:
    """The word that was spelled: the last one that begins with the same letter, else the last."""
    return max((i for i, word in enumerate(words) if word[0] == letters[0]), default=len(words) - 1)


def _last_starts(words: list[str]) -> int:
    """A last name is one word, with the particles before it ("van der berg")."""
    start = len(words) - 1
    while start > 1 and words[start - 1] in _PARTICLES:
        start -= 1
    return start


def _capitalize(name: str) -> str:
    return " ".join(
        "'".join(part[:1].upper() + part[1:] for part in word.split("'")) for word in name.split()
    )

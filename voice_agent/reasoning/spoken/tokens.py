"""Words with their places: what all grammars read instead of the raw text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

MAX_CHARACTERS = 1000
"""Nobody says more in one turn; what is beyond is not read, so that no text can make a grammar slow."""

_TOKEN = re.compile(
    r"""
      \d{4}-\d{1,2}-\d{1,2}(?!\d)                 # 1984-03-02
    | \d{1,2}([/.\-])\d{1,2}\1(?:\d{4}|\d{2})(?!\d)  # 3/2/84, 03-02-1984
    | \d{1,2}/\d{1,2}(?![\d/])                    # 3/2
    | \d{1,2}:\d{2}(?!\d)                         # 2:30
    | \d+(?:st|nd|rd|th)\b                        # 2nd
    | \d+
    | [^\W\d_]+(?:['’][^\W\d_]+)*                 # words, with their apostrophes
    | \+
    """,
    re.VERBOSE,
)
_HESITATIONS = frozenset({"um", "umm", "uh", "uhm", "er", "erm", "ah", "hm", "hmm"})


@dataclass(frozen=True, slots=True)
class Token:
    """One word, number or numeric date; ``start`` and ``end`` are places in the text it was read from."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one text, and the text."""

    source: str
    items: tuple[Token, ...]

    def __len__(self) -> int:
        return len(self.items)

    def at(self, index: int) -> str:
        """The token's text, or "" outside: grammars may look around freely."""
        return self.items[index].text if 0 <= index < len(self.items) else ""

    def starts_with(self, index: int, *words: str) -> bool:
        """Whether ``words`` stand at ``index``."""
        return all(self.at(index + offset) == word for offset, word in enumerate(words))

    def glued(self, index: int) -> bool:
        """Whether nothing stands between this token and the next ("w204177", "2pm")."""
        return 0 <= index < len(self.items) - 1 and self.items[index].end == self.items[index + 1].start

    def split(self, spans: Iterable[tuple[int, int]]) -> tuple[str, str]:
        """The text of the token spans ``[first, behind last)``, and the text outside them, both with single
        spaces."""
        matched: list[str] = []
        outside: list[str] = []
        place = 0
        for first, behind in sorted(spans):
            start, end = self.items[first].start, self.items[behind - 1].end
            if start < place:
                continue
            outside.append(self.source[place:start])
            matched.append(self.source[start:end])
            place = end
        outside.append(self.source[place:])
        return squeeze(" ".join(matched)), squeeze(" ".join(outside))


def squeeze(text: str) -> str:
    """Single spaces, and no punctuation left hanging at the ends."""
    return " ".join(text.split()).strip(" ,.;:!?()-")


def tokenize(text: str, *, keep_hesitations: bool = False) -> Tokens:
    """Cut lower-cased text into tokens; "uh" and "um" are dropped unless they matter (as in "uh huh")."""
    source = text[:MAX_CHARACTERS].lower()
    found = (Token(m.group().replace("’", "'"), m.start(), m.end()) for m in _TOKEN.finditer(source))
    return Tokens(source, tuple(t for t in found if keep_hesitations or t.text not in _HESITATIONS))


Phrases = Mapping[str, tuple[tuple[str, ...], ...]]
"""Phrases by their first word, so that only those are tried which can fit."""


def phrase_table(*texts: str) -> Phrases:
    """Phrases written as texts, ready to be looked for."""
    table: dict[str, list[tuple[str, ...]]] = {}
    for text in texts:
        words = tuple(text.split())
        table.setdefault(words[0], []).append(words)
    return {first: tuple(phrases) for first, phrases in table.items()}


def longest_phrase(tokens: Tokens, index: int, phrases: Phrases) -> int:
    """How many tokens the longest of ``phrases`` standing at ``index`` takes; 0 when none does."""
    fitting = phrases.get(tokens.at(index), ())
    return max((len(p) for p in fitting if tokens.starts_with(index, *p)), default=0)

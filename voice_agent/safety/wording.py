"""Words as rules see them: one spelling for what is said the same, whatever wrote it down.

Lower case, no punctuation but sentence ends (a lone ``.``), contractions spelled out ("can't" and "cant" are
"can not"), so that patterns and callers meet in the same form. A possessive becomes "is" as well; patterns go
through the same function, so nothing is lost by it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_WORDS = 200
"""Of a turn only the newest words are looked at: bounded work, whatever is typed."""

SENTENCE_END = "."

_WORD = re.compile(r"[a-z0-9']+|[.!?;\n]+")

_WHOLE = {
    "can't": "can not", "cannot": "can not", "won't": "will not", "shan't": "shall not", "ain't": "is not",
    "gonna": "going to", "wanna": "want to", "gotta": "got to", "y'all": "you all", "let's": "let us",
    "lemme": "let me", "kinda": "kind of", "dunno": "do not know", "outta": "out of", "tryna": "trying to",
    "cant": "can not", "wont": "will not", "dont": "do not", "doesnt": "does not", "didnt": "did not",
    "isnt": "is not", "wasnt": "was not", "arent": "are not", "havent": "have not", "hasnt": "has not",
    "wouldnt": "would not", "couldnt": "could not", "shouldnt": "should not", "im": "i am", "ive": "i have",
    "hes": "he is", "shes": "she is", "theyre": "they are", "theres": "there is", "thats": "that is",
}  # fmt: skip
_ENDINGS = (
    ("n't", " not"), ("'m", " am"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"), ("'d", " would"),
    ("'s", " is"),
)  # fmt: skip


def wording(text: str) -> str:
    """``text`` in the form that rules are written in: words with single blanks, sentence ends as ``.``."""
    words: list[str] = []
    for found in _WORD.findall(text.lower().replace("’", "'").replace("e.r.", "er")):
        if not found[0].isalnum() and found[0] != "'":
            if words and words[-1] != SENTENCE_END:
                words.append(SENTENCE_END)
        else:
            words.extend(_spelled_out(found.strip("'")))
    return " ".join(words[-MAX_WORDS:])


def _spelled_out(word: str) -> list[str]:
    if word in _WHOLE:
        return _WHOLE[word].split()
    for ending, full in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending):
            return [word.removesuffix(ending), *full.split()]
    return [word.replace("'", "")] if word else []


class Mishearings:
    """Puts right what recognizers are known to make of certain words ("chess pain")."""

    def __init__(self, heard_as: Mapping[str, tuple[str, ...]]) -> None:
        """``heard_as``: what was said -> how it is written wrongly."""
        self._right = {wording(wrong): wording(said) for said, wrongs in heard_as.items() for wrong in wrongs}
        longest_first = sorted(self._right, key=len, reverse=True)
        joined = "|".join(re.escape(wrong) for wrong in longest_first)
        self._pattern = re.compile(rf"(?<= )(?:{joined})(?= )") if joined else None

    def corrected(self, words: str) -> str:
        """``words`` (of :func:`wording`) as they were probably said."""
        if self._pattern is None:
            return words
        return self._pattern.sub(lambda found: self._right[found[0]], f" {words} ").strip()

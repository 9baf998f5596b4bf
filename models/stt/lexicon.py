"""Pronunciations for words the decoder's dictionary lacks: a few by hand, the rest by rules of spelling.

A grammar with a word that has no pronunciation does not load, and practices are full of such words: family
names, medicines, places. The rules are the common letter-to-sound correspondences of English, longest
spelling first; they are right often enough to recognize a name that was announced, and never fail.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

BY_HAND: Final[dict[str, tuple[str, ...]]] = {
    # The last is how synthetic callers say it: letter by letter.
    "mm-hmm": (
        *("M HH M", "M M HH M M", "AH M HH AH M", "EH M HH M", "M HH AH M"),
        "EH M EH M EY CH EH M EH M",
    ),
    "uh-huh": ("AH HH AH",),
    "yup": ("Y AH P",),
    "reschedule": ("R IY S K EH JH UH L", "R IY S K EH JH UW L"),
    "schedule": ("S K EH JH UH L", "S K EH JH UW L"),
    "checkup": ("CH EH K AH P",),
    "meds": ("M EH D Z",),
    "midday": ("M IH D D EY",),
    "nguyen": ("N UW EH N", "W IH N", "N UW Y EH N"),
    "patel": ("P AH T EH L",),
    "lisinopril": ("L AY S IH N AH P R IH L",),
    "metformin": ("M EH T F AO R M IH N",),
    "atorvastatin": ("AH T AO R V AH S T AE T IH N",),
    "levothyroxine": ("L IY V OW TH AY R AA K S IY N", "L EH V OW TH AY R AA K S IH N"),
    "albuterol": ("AE L B Y UW T ER AO L",),
    "amlodipine": ("AE M L OW D IH P IY N",),
    "omeprazole": ("OW M EH P R AH Z OW L",),
    "gabapentin": ("G AE B AH P EH N T IH N",),
    "ibuprofen": ("AY B Y UW P R OW F AH N",),
    "telehealth": ("T EH L AH HH EH L TH",),
}
"""Also overrides the dictionary: its "schedule" has one of two common readings."""

_SPELLINGS: Final[tuple[tuple[str, str], ...]] = (
    ("tion", "SH AH N"),
    ("sion", "ZH AH N"),
    ("ough", "AO"),
    ("augh", "AO"),
    ("eigh", "EY"),
    ("tch", "CH"),
    ("sch", "SH"),
    ("igh", "AY"),
    ("eau", "OW"),
    ("ch", "CH"),
    ("sh", "SH"),
    ("th", "TH"),
    ("ph", "F"),
    ("wh", "W"),
    ("gh", "G"),
    ("ck", "K"),
    ("ng", "NG"),
    ("qu", "K W"),
    ("kn", "N"),
    ("wr", "R"),
    ("ps", "P S"),
    ("ee", "IY"),
    ("ea", "IY"),
    ("oo", "UW"),
    ("ou", "AW"),
    ("ow", "OW"),
    ("oi", "OY"),
    ("oy", "OY"),
    ("ai", "EY"),
    ("ay", "EY"),
    ("au", "AO"),
    ("aw", "AO"),
    ("ei", "AY"),
    ("ey", "IY"),
    ("ie", "IY"),
    ("oa", "OW"),
    ("ue", "UW"),
    ("ui", "UW"),
    ("ar", "AA R"),
    ("er", "ER"),
    ("ir", "ER"),
    ("or", "AO R"),
    ("ur", "ER"),
    ("x", "K S"),
    ("a", "AE"),
    ("b", "B"),
    ("c", "K"),
    ("d", "D"),
    ("e", "EH"),
    ("f", "F"),
    ("g", "G"),
    ("h", "HH"),
    ("i", "IH"),
    ("j", "JH"),
    ("k", "K"),
    ("l", "L"),
    ("m", "M"),
    ("n", "N"),
    ("o", "OW"),
    ("p", "P"),
    ("q", "K"),
    ("r", "R"),
    ("s", "S"),
    ("t", "T"),
    ("u", "AH"),
    ("v", "V"),
    ("w", "W"),
    ("y", "IY"),
    ("z", "Z"),
)
_LONG: Final = {"a": "EY", "e": "IY", "i": "AY", "o": "OW", "u": "UW", "y": "AY"}
_DIGITS: Final = [
    "Z IH R OW",
    "W AH N",
    "T UW",
    "TH R IY",
    "F AO R",
    "F AY V",
    "S IH K S",
    "S EH V AH N",
    "EY T",
    "N AY N",
]


def pronounce(word: str) -> str:
    """Phones of a word by its spelling, in the decoder's 39 symbols: "okafor" -> "OW K AE F AO R"."""
    letters = re.sub(r"[^a-z0-9]", "", word.lower())
    letters = re.sub(r"([b-df-hj-np-tv-z])\1", r"\1", letters)
    phones: list[str] = []
    at = 0
    while at < len(letters):
        here = letters[at]
        if here.isdigit():
            phones.append(_DIGITS[int(here)])
            at += 1
            continue
        following = letters[at + 1 : at + 2]
        if here == "e" and at == len(letters) - 1 and len(letters) > 2:
            break  # a silent e; what it does to the vowel before it is done below
        if here == "c" and following in ("e", "i", "y"):
            phones.append("S")
            at += 1
            continue
        if here == "g" and following in ("e", "i", "y"):
            phones.append("JH")
            at += 1
            continue
        if here == "y" and at == 0:
            phones.append("Y")
            at += 1
            continue
        lengthened = re.fullmatch(r"[aeiouy][bcdfgklmnprstvz]e", letters[at:])
        if lengthened:
            phones.append(_LONG[here])
            at += 1
            continue
        if at == len(letters) - 1 and here in "aiou":
            phones.append({"a": "AH", "i": "IY", "o": "OW", "u": "UW"}[here])
            break
        spelling, sound = next((s, p) for s, p in _SPELLINGS if letters.startswith(s, at))
        phones.append(sound)
        at += len(spelling)
    return " ".join(phones) or "AH"


def missing(words: frozenset[str], known: Callable[[str], bool]) -> dict[str, tuple[str, ...]]:
    """Pronunciations to add before a grammar of ``words`` can load."""
    return {word: BY_HAND.get(word) or (pronounce(word),) for word in sorted(words) if not known(word)}

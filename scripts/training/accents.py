"""English as speakers of other languages say it: their sounds in place of those that their language lacks.

A sentence's phones are put into the sounds of another language, for a synthesizer of that language to speak.
What stands for what is what teachers of English report of each group of speakers (Swan and Smith 2001,
"Learner English"; Wells 1982, "Accents of English"); one speaker keeps to one of the ways throughout a
sentence. A network that has heard "sri" and "tree" labelled as "three" takes either for it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_VOWELS: Final = frozenset(
    {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"}
)
_USUAL: Final = (
    "AA a|o, AE a|e, AH a|o, AO o, AW a u, AY a j, EH e, ER e r|o r, EY e j|e, IH i, IY i, OW o|o u, OY o j, "
    "UH u, UW u, B b, CH tS, D d, DH d|z, F f, G g, HH h|x, JH dZ|Z, K k, L l, M m, N n, NG n g|n k|n, "
    "P p, R r, S s, SH S, T t, TH t|s|f, V v|w, W w|v, Y j, Z z|s, ZH Z|S"
)
"""Five vowels and plain consonants. Of a phone of English, what may stand for it: ways apart by a bar,
the sounds of a way by spaces."""


@dataclass(frozen=True, slots=True)
class Accent:
    """Of one language, or of several that treat English alike.

    Attributes:
        espeak: voices of espeak-ng.
        sounds: what differs from the usual five vowels and plain consonants, written like them.
        pico: the language of SVOX Pico, "" for none.
        festival: a voice of festival with Russian phones, "" for none.
        hard_ends: share of speakers who end no word in a voiced stop or fricative.
        before_s: share who begin no word in s and a consonant, but in "es".
        after_end: share who put a vowel behind a word's last consonant.
    """

    espeak: tuple[str, ...]
    sounds: str
    pico: str = ""
    festival: str = ""
    hard_ends: float = 0.0
    before_s: float = 0.0
    after_end: float = 0.0


ACCENTS: Final = (
    Accent(
        ("fr",),
        "AA a|O, AE a, AH 9|a|@, AO O, EH E, ER 9 R, EY e|E j, HH |, JH d Z|Z, CH t S|S, NG n g|n, R R, "
        "TH s|f|t, DH z|d, V v, W w, UH u|y, OW o, OY O j, Z z",
        "fr-FR",
    ),
    Accent(
        ("de",),
        "AA a:|O, AE E, AH a|9, AO O|o:, AW aU, AY aI, EH E, ER 9 R|E 6, EY e:|E I, HH h, IH I, IY i:, "
        "JH d Z|t S, CH t S, NG N, OW o:|O U, OY OY, R R, TH s|t|f, DH d|z, UH U, UW u:, V v|f, "
        "W v, Z z|s, ZH Z|S",
        "de-DE",
        hard_ends=0.6,
    ),
    Accent(
        ("es", "es-419"),
        "AH a|o, HH x, JH jj|tS, NG n|n g, TH T|t|s, DH d, V b|f, SH s|tS, W w|g w, Y j|jj, Z s, ZH s, "
        "EY e j",
        "es-ES",
        before_s=0.6,
    ),
    Accent(
        ("it",),
        "AE a|E, AO O, EH E, HH |, JH dZ, NG n g|n, TH t|f, DH d, V v, ZH dZ|S, OY O j, ER e r",
        "it-IT",
        after_end=0.4,
    ),
    Accent(("pt", "pt-br"), "HH x|h, TH t|f|s, R r|x", before_s=0.5, after_end=0.3),
    Accent(
        ("pl", "cs", "sk", "hr", "bg", "ru", "uk", "ro", "hu", "lt"),
        "AE E|a, EH E, W v|w, V v, HH x, TH s|t|f, IH i|I",
        festival="msu_ru_nsh_clunits",
        hard_ends=0.5,
    ),
    Accent(
        ("hi", "bn", "ta", "te", "ml", "gu", "mr", "pa", "ur", "ne"),
        "AE E, TH t, DH d, W v|w, EY e:|e, OW o:|o, HH h",
    ),
    Accent(
        ("cmn", "yue", "vi", "ko", "ja", "th"),
        "TH s|t|f, V w|b|f, R r|l, L l|r, Z s|dZ, SH S|s, HH h, NG N",
        hard_ends=0.6,
        after_end=0.3,
    ),
    Accent(("nl", "sv", "nb", "da", "fi", "et"), "TH t|s|f, W v|w, Z s|z, V v|f", hard_ends=0.5),
    Accent(("tr", "ar", "fa", "he", "el"), "TH s|t, V v|f, P p|b, W v|w"),
    Accent(("sw", "id", "ms", "ht"), "DH d|z, V v|f, HH h", after_end=0.2),
)
_ESPEAK_NAMES: Final = {"R": "r", "jj": "j", "9": "@", "6": "a", "aU": "aU", "aI": "aI", "OY": "OY"}
_HARD: Final = {"b": "p", "d": "t", "g": "k", "v": "f", "z": "s", "dZ": "tS", "Z": "S"}
_RUSSIAN: Final = {"tS": "ch", "dZ": "d zh", "S": "sh", "Z": "zh", "x": "h", "w": "u", "E": "e", "I": "y"}
_RUSSIAN_STRESSED: Final = {"a": "aa", "e": "ee", "E": "ee", "i": "ii", "I": "yy", "o": "oo", "u": "uu"}
_RUSSIAN_UNSTRESSED: Final = {"o": "a"}


class Speaker:
    """One way of speaking English with one accent."""

    def __init__(self, accent: Accent, rng: random.Random) -> None:
        self._hard_ends = rng.random() < accent.hard_ends
        self._before_s = rng.random() < accent.before_s
        self._after_end = rng.random() < accent.after_end
        ways = dict(entry.split(" ", 1) for entry in f"{_USUAL}, {accent.sounds}".split(", "))
        self._sounds = {phone: rng.choice(way.split("|")).split() for phone, way in ways.items()}

    def word(self, phones: Sequence[str]) -> list[str]:
        """The sounds of a word; stress, as ``'``, stands before its first vowel."""
        out: list[str] = []
        stressed = False
        for phone in phones:
            if phone in _VOWELS and not stressed:
                stressed = True
                out.append("'")
            out += self._sounds[phone]
        if self._hard_ends and out:
            out[-1] = _HARD.get(out[-1], out[-1])
        if self._before_s and phones[0] == "S" and len(phones) > 1 and phones[1] not in _VOWELS:
            out.insert(0, "e")
        if self._after_end and phones[-1] not in _VOWELS:
            out.append("e")
        return out


def for_espeak(words: Sequence[Sequence[str]]) -> str:
    """Words of sounds as espeak-ng's phoneme input."""
    spelled = ("".join(_ESPEAK_NAMES.get(sound, sound) for sound in word) for word in words)
    return f"[[{' '.join(spelled)}]]"


def for_pico(words: Sequence[Sequence[str]]) -> str:
    """Words of sounds as Pico's markup, in X-SAMPA."""
    spelled = ("".join(sound.replace("'", "") for sound in word) for word in words)
    return " ".join(f'<phoneme ph="{word}"/>' for word in spelled)


def for_festival(words: Sequence[Sequence[str]]) -> str:
    """Words of sounds as the phones of festival's Russian voice, a short pause at both ends."""
    phones = ["pau"]
    for word in words:
        stressed = False
        for sound in word:
            if sound == "'":
                stressed = True
            elif stressed and sound in _RUSSIAN_STRESSED:
                phones.append(_RUSSIAN_STRESSED[sound])
                stressed = False
            else:
                phones.append(_RUSSIAN.get(sound, _RUSSIAN_UNSTRESSED.get(sound, sound)))
    return " ".join([*phones, "pau"])

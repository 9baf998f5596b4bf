"""What GoEmotions' labels do not name and a phone line needs: tiredness, disapproval, enthusiasm, sarcasm.

Lexicons and rules, written for this product, not learned. Each phrase has the strength it gives alone;
several add up as independent evidence. Negated words do not count ("not tired"). Sarcasm is experimental: no
corpus with a clear licence exists to measure it on, and half of what makes it is in the voice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from models.language.labels import Emotion
from models.language.vectorizer import spoken


@dataclass(frozen=True, slots=True)
class Cues:
    """Strengths 0..1; ``sarcasm`` is experimental."""

    tiredness: float = 0.0
    disapproval: float = 0.0
    enthusiasm: float = 0.0
    sarcasm: float = 0.0


_TIREDNESS: Final = {
    **dict.fromkeys(
        ("exhausted", "worn out", "burned out", "burnt out", "wiped out", "dead tired", "drained"), 0.8
    ),
    **dict.fromkeys(
        ("so tired", "really tired", "very tired", "too tired", "fatigue", "fatigued", "no energy"), 0.7
    ),
    **dict.fromkeys(("can't sleep", "cannot sleep", "couldn't sleep", "haven't slept", "didn't sleep"), 0.6),
    **dict.fromkeys(
        ("no strength", "can't keep my eyes open", "sleepless", "barely slept", "up all night"), 0.6
    ),
    **dict.fromkeys(("tired", "sleepy", "weary", "long day", "long night", "worn", "can't anymore"), 0.5),
    **dict.fromkeys(("sick and tired", "tired of", "fed up"), 0.35),
}

_DISAPPROVAL: Final = {
    **dict.fromkeys(
        ("unacceptable", "not acceptable", "ridiculous", "outrageous", "disgraceful", "a joke"), 0.8
    ),
    **dict.fromkeys(
        ("not okay", "not right", "that's wrong", "this is wrong", "makes no sense", "unfair"), 0.6
    ),
    **dict.fromkeys(("waste of time", "terrible service", "bad service", "poor service", "never again"), 0.7),
    **dict.fromkeys(("i don't agree", "i disagree", "don't like", "not happy with", "not satisfied"), 0.6),
    **dict.fromkeys(
        ("you should have", "you people", "how can you", "how could you", "complain", "complaint"), 0.5
    ),
}

_ENTHUSIASM: Final = {
    **dict.fromkeys(("can't wait", "so excited", "amazing", "awesome", "fantastic", "wonderful news"), 0.7),
    **dict.fromkeys(
        ("wonderful", "excellent", "brilliant", "perfect", "i love", "love it", "absolutely"), 0.5
    ),
    **dict.fromkeys(("so happy", "so glad", "great news", "looking forward", "yay", "hooray", "wow"), 0.6),
    **dict.fromkeys(("great", "sounds good", "for sure", "definitely"), 0.3),
}

_SARCASM: Final = {
    **dict.fromkeys(
        ("thanks for nothing", "yeah right", "just what i needed", "lucky me", "big surprise"), 0.7
    ),
    **dict.fromkeys(
        ("oh great", "oh wonderful", "oh perfect", "oh fantastic", "oh lovely", "oh brilliant"), 0.55
    ),
    **dict.fromkeys(("just great", "just perfect", "just wonderful", "just lovely", "just fantastic"), 0.55),
    **dict.fromkeys(
        ("what a surprise", "how nice of you", "how kind of you", "good luck with that", "as if"), 0.45
    ),
    **dict.fromkeys(
        ("real helpful", "very helpful i'm sure", "great job", "well done you", "congratulations"), 0.3
    ),
}

_PRAISE: Final = re.compile(
    r"\b(great|wonderful|fantastic|lovely|perfect|brilliant|amazing|awesome|excellent|terrific|love)\b"
)
_COMPLAINT: Final = re.compile(
    r"\b(on hold|another (hour|week|month|day|form)|waiting|waited|still no\w*|nobody|no one|again and again"
    r"|cancell?ed|wrong|lost my|hung up|third time|fourth time|fifth time|every time|never call\w*"
    r"|not available)\b"
)
_CONTRAST: Final = 0.45
"""Praise and a complaint in one turn: as often a polite caller as a sarcastic one."""

_NEGATION: Final = frozenset(
    {"not", "no", "never", "isn't", "wasn't", "don't", "didn't", "aren't", "without", "hardly"}
)
_REACH: Final = 3
"""Words in front of a phrase in which a negation still governs it."""

_THANKS: Final = frozenset({Emotion.GRATITUDE, Emotion.JOY, Emotion.RELIEF})


def cues(text: str, emotions: Mapping[Emotion, float]) -> Cues:
    """Cues of ``text``; ``emotions`` are the model's probabilities, which support or weaken them."""
    said = spoken(text)
    disapproval = _either(_strength(said, _DISAPPROVAL), emotions[Emotion.DISAPPROVAL])
    enthusiasm = _either(_strength(said, _ENTHUSIASM), emotions[Emotion.EXCITEMENT])
    sarcasm = _strength(said, _SARCASM)
    if _PRAISE.search(said) and _COMPLAINT.search(said):
        sarcasm = _either(sarcasm, _CONTRAST)
    # Who says thank you and means it sounds like it throughout.
    sarcasm *= 1 - 0.5 * max(emotions[label] for label in _THANKS)
    return Cues(_strength(said, _TIREDNESS), disapproval, enthusiasm * (1 - sarcasm), sarcasm)


def _strength(said: str, lexicon: Mapping[str, float]) -> float:
    """Evidence of all phrases of ``lexicon`` in a spoken text; a phrase inside a longer one counts once."""
    words = said.split()
    taken = [False] * len(words)
    strength = 0.0
    for phrase in sorted(lexicon, key=lambda p: -len(p)):
        sought = phrase.split()
        for at in range(len(words) - len(sought) + 1):
            place = slice(at, at + len(sought))
            if words[place] != sought or any(taken[place]):
                continue
            taken[place] = [True] * len(sought)
            if _NEGATION.isdisjoint(words[max(0, at - _REACH) : at]):
                strength = _either(strength, lexicon[phrase])
    return strength


def _either(a: float, b: float) -> float:
    return 1 - (1 - a) * (1 - b)

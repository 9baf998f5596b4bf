"""How much empathy the next words need, and whether to put any of it into words.

Tone may follow a faint sign; words may not. A caller who reads a member number in a voice that some model
takes for anger must not be told that one understands. So spoken empathy needs the caller's own words, or a
voice that was sure of itself twice.
"""

from __future__ import annotations

from models.vocal_burst.categories import Delivery
from voice_agent.emotion.feelings import UNPLEASANT, Feeling
from voice_agent.emotion.fusion import SURE_VOICE, Fused
from voice_agent.emotion.readings import WordsReading
from voice_agent.emotion.snapshot import Burst, EmpathyTier

LIGHT, FULL, HOLD = -0.2, -0.45, -0.7
"""Published cuts of fused valence, from which down a tier begins."""

WORDS_UNPLEASANT = -0.3
ENOUGH_WORDS = 3
"""Words that tell of a feeling; fewer are an answer."""


def tier_of(valence: float, feeling: Feeling, arousal: float, bursts: tuple[Burst, ...]) -> EmpathyTier:
    """The tier of a turn. A cry in a sad or agitated voice asks for space, a sigh or a groan for a little
    warmth; who laughs needs none."""
    heard = {burst.delivery for burst in bursts}
    if Delivery.CRY in heard and (feeling is Feeling.SAD or arousal >= 0.5 or valence <= LIGHT):
        return EmpathyTier.HOLD_SPACE
    if any(burst.delivery is Delivery.LAUGH and burst.named for burst in bursts) and valence > FULL:
        return EmpathyTier.FUNCTIONAL
    if valence <= HOLD:
        return EmpathyTier.HOLD_SPACE
    if valence <= FULL:
        return EmpathyTier.FULL_EMPATHY
    if valence <= LIGHT or heard & {Delivery.SIGH, Delivery.GROAN}:
        return EmpathyTier.LIGHT_TOUCH
    return EmpathyTier.FUNCTIONAL


def to_acknowledge(fused: Fused, tier: EmpathyTier, words: WordsReading | None, *, sure_before: bool) -> bool:
    """Whether the caller's state is sure enough to be answered in words.

    ``sure_before``: the turn before sounded unpleasant for sure too.
    """
    if tier is EmpathyTier.FUNCTIONAL or not any(fused.scores[each] >= 0.3 for each in UNPLEASANT):
        return False
    told = (
        words is not None
        and words.count >= ENOUGH_WORDS
        and fused.words_valence is not None
        and fused.words_valence <= WORDS_UNPLEASANT
        and words.confidence >= 0.5
    )
    return told or (sure_before and sounds_unpleasant(fused))


def sounds_unpleasant(fused: Fused) -> bool:
    """Whether the voice alone is unpleasant for sure."""
    return (
        fused.voice_confidence > SURE_VOICE
        and fused.voice_valence is not None
        and fused.voice_valence <= FULL
    )

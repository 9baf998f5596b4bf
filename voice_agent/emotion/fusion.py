"""Three models become one reading: voice before words, each with the weight that it has earned.

Voice and words of one turn are weighed for valence by the published shares (prosody 0.5, burst 0.2, language
0.3, scaled to those that are there). Where they contradict each other and the voice is sure of itself, the
voice is believed: "I'm fine", said flat and low, is not fine.

A voice is trusted as far as it is known: heads that were trained on other people read a stranger's habits as
feelings. So its valence is shrunk until the caller's own baseline has grown, unless category and dimensions
confirm each other (anger that is loud and unpleasant, sadness that is quiet).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from models.language.labels import Group, Sentiment
from models.prosody import ProsodyReading, VoiceEmotion
from models.prosody.baseline import PRIOR_WINDOWS
from voice_agent.emotion.feelings import Feeling, of_burst, of_voice, of_words
from voice_agent.emotion.readings import CallContext, VoiceReading, WordsReading
from voice_agent.emotion.snapshot import Evidence, EvidenceKind, Segment

PROSODY, BURST, LANGUAGE = 0.5, 0.2, 0.3
"""Published shares of the models in valence."""

BURST_AROUSAL = 0.2
"""Share of a burst in arousal (measured reliability: voice 0.8, burst 0.2)."""

HEAD = 0.2
"""Share of the dimensional head in a voice's valence; the categories have the rest."""

_PLEASANTNESS: Final[Mapping[VoiceEmotion, float]] = MappingProxyType(
    {
        VoiceEmotion.ANGRY: -1.0,
        VoiceEmotion.FEARFUL: -1.0,
        VoiceEmotion.SAD: -0.9,
        VoiceEmotion.DISGUSTED: -0.8,
        VoiceEmotion.BORED: -0.15,
        VoiceEmotion.NEUTRAL: 0.0,
        VoiceEmotion.HAPPY: 1.0,
    }
)
"""Where a category lies on the axis from unpleasant to pleasant (Russell 1980, rounded)."""

OPPOSITE_GAP = 0.5
"""Valence of voice and words this far apart, on opposite sides, is disagreement."""

SURE_VOICE = 0.6
"""Confidence from which a voice overrules words."""

AMPLIFIED = 1.25
"""Of unpleasant valence, when the call itself gives reason for it (three lookups that led nowhere)."""

FAILURES = 3
STRANGER_TRUST = 0.5
"""Trust in the valence of a voice that nothing is known of; it grows to 1 with the baseline."""

FEW_WORDS = 4
"""Fewer words than this carry their feeling only in part: "yes" is approval to a text model."""

CLAIMED = 0.9
"""How far one source alone can claim a feeling."""

LABEL = 0.35
"""Score from which a feeling is named at all."""


@dataclass(frozen=True, slots=True)
class Fused:
    """One turn, all sources together; see :class:`~voice_agent.emotion.snapshot.TurnEmotionSnapshot`."""

    valence: float
    arousal: float
    dominance: float
    scores: dict[Feeling, float]
    coherence: float
    voice_over_words: bool
    voice_confidence: float
    voice_valence: float | None
    words_valence: float | None
    evidence: tuple[Evidence, ...]

    @property
    def best(self) -> tuple[Feeling, float]:
        """The likeliest feeling and its score; neutral unless one stands out and fits the valence."""
        return dominant(self.scores, self.valence)


def voice_confidence(reading: ProsodyReading) -> float:
    """How far category and dimensions of a voice confirm each other, times the category's probability.

    Russell's circumplex (1980) says where a category belongs: anger, fear and joy are aroused, sadness is
    calm. What contradicts itself is a voice that the model does not know, such as a synthetic one.
    """
    category, probability = max(reading.categories.items(), key=lambda item: item[1])
    return probability * _agreement(category, reading.valence, reading.arousal)


def _agreement(category: VoiceEmotion, valence: float, arousal: float) -> float:
    aroused, calm = _ramp(arousal, 0.3, 0.7), _ramp(-arousal, -0.7, -0.3)
    match category:
        case VoiceEmotion.ANGRY | VoiceEmotion.FEARFUL:
            return aroused
        case VoiceEmotion.HAPPY:
            return min(aroused, _ramp(valence, -0.4, 0.2))
        case VoiceEmotion.SAD | VoiceEmotion.BORED | VoiceEmotion.NEUTRAL:
            return calm
        case VoiceEmotion.DISGUSTED:
            return 1.0


def voice_valence(reading: ProsodyReading) -> float:
    """Valence of a voice, -1..1: mostly what its categories say, each as far as arousal confirms it.

    The valence head alone hears calm as unpleasant and anger as half pleasant: between EmoDB's unpleasant
    emotions and neutral or happy voices, two actors who were never learned from, over a phone line, it has an
    AUC of .62, this has .91 (``scripts/bench_emotion.py --voices FOLDER``).
    """
    said = sum(
        _PLEASANTNESS[category] * probability * _agreement(category, reading.valence, reading.arousal)
        for category, probability in reading.categories.items()
    )
    return (1.0 - HEAD) * said + HEAD * reading.valence


def segment_of(reading: VoiceReading) -> Segment | None:
    """One window as it enters the rolling view; None when no model could judge it."""
    prosody = reading.prosody if reading.prosody is not None and reading.prosody.usable else None
    burst = reading.burst if reading.burst is not None and reading.burst.usable else None
    if not reading.spoken:
        prosody = None
    scores = dict.fromkeys(Feeling, 0.0)
    scores[Feeling.NEUTRAL] = 1.0
    valences: list[tuple[float, float]] = []
    arousal, dominance = 0.5, 0.5
    if prosody is not None:
        arousal, dominance = prosody.arousal, prosody.dominance
        trust = max(trust_in(prosody.baseline_windows), voice_confidence(prosody))
        valences.append((PROSODY, trust * voice_valence(prosody)))
        scores = _confirmed(prosody)
    if burst is not None and burst.burst > 0.0:
        share = burst.burst
        valences.append((BURST * share, burst.valence))
        arousal += BURST_AROUSAL * share * (burst.arousal - arousal)
        # Between words a burst is all there is; within them the voice says more.
        claim = share * (0.5 if prosody is None else 0.25)
        scores = _mixed(scores, of_burst(burst.deliveries), claim)
    if not valences:
        return None
    valence = _weighted(valences)
    feeling, _ = dominant(scores, valence)
    return Segment(
        at=reading.end,
        feeling=feeling,
        scores=scores,
        valence=valence,
        arousal=arousal,
        dominance=dominance,
        weight=min(1.0, reading.seconds / 2.0) * (1.0 if reading.spoken else 0.5),
    )


def trust_in(baseline_windows: int) -> float:
    """Trust (0..1) in the valence of a voice held against so many of its own windows."""
    known = baseline_windows / (baseline_windows + PRIOR_WINDOWS)
    return STRANGER_TRUST + (1.0 - STRANGER_TRUST) * known


def words_valence(words: WordsReading) -> float:
    """Valence of words, -1..1.

    Only joy and thanks count as pleasant: on a phone line, approval and desire ("yes", "I need") are moves
    of a conversation and no feelings.
    """
    reading = words.reading
    unpleasant = max(reading.sentiment[Sentiment.NEGATIVE], 0.8 * reading.cues.disapproval)
    pleasant = reading.groups[Group.GRATITUDE_JOY]
    return (pleasant - unpleasant) * min(1.0, words.count / FEW_WORDS)


def fuse(
    segments: Sequence[Segment],
    readings: Sequence[VoiceReading],
    words: WordsReading | None,
    context: CallContext,
) -> Fused:
    """One turn: its segments of voice, the readings behind them, its words."""
    evidence: list[Evidence] = []
    total = sum(segment.weight for segment in segments)
    voice_v = sum(s.weight * s.valence for s in segments) / total if total else None
    arousal = sum(s.weight * s.arousal for s in segments) / total if total else 0.5
    dominance = sum(s.weight * s.dominance for s in segments) / total if total else 0.5
    sure = max((voice_confidence(r.prosody) for r in readings if _judged(r) and r.prosody), default=0.0)
    burst = max((r.burst.burst for r in readings if r.burst is not None and r.burst.usable), default=0.0)
    usable_words = words if words is not None and words.reading.usable and words.count else None
    words_v = words_valence(usable_words) if usable_words else None
    share = LANGUAGE * usable_words.confidence if usable_words else 0.0
    overruled = False
    if voice_v is not None and words_v is not None and usable_words is not None:
        if voice_v < 0 and usable_words.reading.cues.sarcasm > 0.5:
            # Experimental: praise in an unpleasant voice is meant the other way round.
            words_v = -abs(words_v)
            evidence.append(Evidence(EvidenceKind.LINGUISTIC, "praise in an unpleasant voice", 0.5))
        overruled = voice_v * words_v < 0 and abs(voice_v - words_v) >= OPPOSITE_GAP and sure > SURE_VOICE
        if overruled:
            share = 0.0
            evidence.append(
                Evidence(EvidenceKind.ACOUSTIC, "voice and words disagree: the voice counts", sure)
            )
    parts = [(PROSODY + BURST * burst, voice_v)] if voice_v is not None else []
    if words_v is not None and share > 0:
        parts.append((share, words_v))
    valence = _weighted(parts)
    if voice_v is not None and abs(voice_v) >= 0.2:
        tone = "unpleasant" if voice_v < 0 else "pleasant"
        evidence.append(Evidence(EvidenceKind.ACOUSTIC, f"{tone} voice", min(1.0, abs(voice_v))))
    if words_v is not None and abs(words_v) >= 0.2:
        tone = "unpleasant" if words_v < 0 else "pleasant"
        evidence.append(
            Evidence(EvidenceKind.LINGUISTIC, f"{tone} words", min(1.0, abs(words_v)) * share / LANGUAGE)
        )
    if valence < 0 and (context.failed_tools >= FAILURES or context.misheard >= FAILURES):
        valence = max(-1.0, AMPLIFIED * valence)
        evidence.append(Evidence(EvidenceKind.CONTEXTUAL, "several attempts led nowhere", AMPLIFIED - 1))
    return Fused(
        valence=valence,
        arousal=arousal,
        dominance=dominance,
        scores=_scores(segments, usable_words if share > 0 else None),
        coherence=_coherence(readings, words_v),
        voice_over_words=overruled,
        voice_confidence=sure,
        voice_valence=voice_v,
        words_valence=words_v,
        evidence=tuple(evidence),
    )


def dominant(scores: dict[Feeling, float], valence: float) -> tuple[Feeling, float]:
    """The feeling that stands out and fits the valence, with its score; neutral otherwise."""
    fitting = {
        feeling: score
        for feeling, score in scores.items()
        if feeling is not Feeling.NEUTRAL and _fits(feeling, valence)
    }
    feeling = max(fitting, key=lambda each: fitting[each], default=Feeling.NEUTRAL)
    if feeling is Feeling.NEUTRAL or fitting[feeling] < LABEL:
        return Feeling.NEUTRAL, scores[Feeling.NEUTRAL]
    return feeling, fitting[feeling]


def _fits(feeling: Feeling, valence: float) -> bool:
    match feeling:
        case Feeling.ANGRY | Feeling.FEARFUL | Feeling.SAD | Feeling.DISGUSTED:
            return valence < 0
        case Feeling.HAPPY:
            return valence > 0
        case _:
            return True


def _judged(reading: VoiceReading) -> bool:
    return reading.spoken and reading.prosody is not None and reading.prosody.usable


def _scores(segments: Sequence[Segment], words: WordsReading | None) -> dict[Feeling, float]:
    """Feelings of voice and words as independent claims: a neutral voice is no evidence against words."""
    total = sum(segment.weight for segment in segments)
    spoken = of_words(words.reading.emotions) if words is not None else {}
    claims: dict[Feeling, float] = {}
    for feeling in Feeling:
        if feeling is Feeling.NEUTRAL:
            continue
        voice = sum(s.weight * s.scores[feeling] for s in segments) / total if total else 0.0
        said = 0.0
        if words is not None:
            said = spoken[feeling] * words.confidence * min(1.0, words.count / FEW_WORDS)
        claims[feeling] = 1.0 - (1.0 - CLAIMED * voice) * (1.0 - CLAIMED * said)
    claimed = sum(claims.values())
    scale = 1.0 / claimed if claimed > 1.0 else 1.0
    scores = {feeling: scale * claims.get(feeling, 0.0) for feeling in Feeling}
    scores[Feeling.NEUTRAL] = max(0.0, 1.0 - sum(scores.values()))
    return scores


def _coherence(readings: Sequence[VoiceReading], words_v: float | None) -> float:
    """1 - mean pairwise difference of valence / 2 over the models that are there (published formula)."""
    voices = [voice_valence(r.prosody) for r in readings if _judged(r) and r.prosody]
    bursts = [r.burst.valence for r in readings if r.burst is not None and r.burst.burst > 0.5]
    values = [sum(group) / len(group) for group in (voices, bursts) if group]
    if words_v is not None:
        values.append(words_v)
    gaps = [abs(a - b) for i, a in enumerate(values) for b in values[i + 1 :]]
    return 1.0 - sum(gaps) / len(gaps) / 2 if gaps else 1.0


def _confirmed(reading: ProsodyReading) -> dict[Feeling, float]:
    """Feelings of a voice, each category as far as arousal confirms it; the rest is neutral."""
    kept = {
        category: probability * _agreement(category, reading.valence, reading.arousal)
        for category, probability in reading.categories.items()
    }
    scores = of_voice(kept)
    scores[Feeling.NEUTRAL] += 1.0 - sum(kept.values())
    return scores


def _mixed(one: dict[Feeling, float], other: dict[Feeling, float], share: float) -> dict[Feeling, float]:
    return {feeling: (1 - share) * one[feeling] + share * other[feeling] for feeling in Feeling}


def _weighted(parts: Sequence[tuple[float, float]]) -> float:
    total = sum(weight for weight, _ in parts)
    return max(-1.0, min(1.0, sum(weight * value for weight, value in parts) / total)) if total else 0.0


def _ramp(value: float, low: float, high: float) -> float:
    return min(1.0, max(0.0, (value - low) / (high - low)))

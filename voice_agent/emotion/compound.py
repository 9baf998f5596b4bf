"""Compound emotions: what two feelings make together, once per turn, in five layers.

First Plutchik's primary dyads: two basic emotions at once. Then words, behaviour, what the call has been
through, and where it goes. One layer alone proves nothing on 8 kHz sound, so a compound needs two; those
that are mostly silence need the words' support, or every pause would be a resignation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from types import MappingProxyType
from typing import Final

from models.language.labels import Emotion, Group
from voice_agent.emotion.feelings import Basic
from voice_agent.emotion.readings import CallContext, WordsReading
from voice_agent.emotion.snapshot import Compound, CompoundScore, EvidenceKind, Trend

SCORE = 0.5
"""Score from which a compound is told."""

LAYERS = 2
"""Layers that must agree."""

SUPPORT = 0.3
"""Strength from which a layer agrees."""

LONG_SILENCE = 4.0
"""Seconds; shorter silence is ordinary talk."""

AROUSAL_FLOOR = 0.25
"""Calmer than this nobody is hostile."""

DYADS: Final[Mapping[Compound, tuple[Basic, Basic]]] = MappingProxyType(
    {
        Compound.LOVE: (Basic.JOY, Basic.TRUST),
        Compound.SUBMISSION: (Basic.TRUST, Basic.FEAR),
        Compound.ALARM: (Basic.FEAR, Basic.SURPRISE),
        Compound.DISAPPOINTMENT: (Basic.SURPRISE, Basic.SADNESS),
        Compound.REMORSE: (Basic.SADNESS, Basic.DISGUST),
        Compound.CONTEMPT: (Basic.DISGUST, Basic.ANGER),
        Compound.AGGRESSIVENESS: (Basic.ANGER, Basic.ANTICIPATION),
        Compound.OPTIMISM: (Basic.ANTICIPATION, Basic.JOY),
    }
)
"""Plutchik's primary dyads."""

ACTIVE: Final = frozenset({Compound.CONTEMPT, Compound.AGGRESSIVENESS, Compound.HOSTILITY, Compound.ALARM})
WITHDRAWN: Final = frozenset({Compound.RESIGNATION, Compound.DISENGAGEMENT, Compound.FRUSTRATED_RESIGNATION})
PLEASANT: Final = frozenset({Compound.LOVE, Compound.OPTIMISM, Compound.RELIEF})


@dataclass(frozen=True, slots=True)
class Grounds:
    """What one turn offers: activations (0..1) of basic emotions in voice and words, and the rest."""

    voice: Mapping[Basic, float]
    words: Mapping[Basic, float]
    said: WordsReading | None
    arousal: float
    valence: float
    before: float
    trend: Trend
    context: CallContext


def compounds(grounds: Grounds) -> tuple[CompoundScore, ...]:
    """The compounds of a turn, strongest first."""
    cores = _dyads(grounds) | _others(grounds)
    found: list[CompoundScore] = []
    for compound, (acoustic, linguistic, core) in cores.items():
        if compound in ACTIVE and grounds.arousal < AROUSAL_FLOOR:
            continue
        if compound in WITHDRAWN and linguistic < SUPPORT:
            continue
        layers = [EvidenceKind.ACOUSTIC] if acoustic >= SUPPORT else []
        layers += [EvidenceKind.LINGUISTIC] if linguistic >= SUPPORT else []
        layers += _circumstances(compound, grounds)
        score = min(1.0, core * (0.7 + 0.15 * len(layers)))
        if score >= SCORE and len(layers) >= LAYERS:
            found.append(CompoundScore(compound, round(score, 3), tuple(layers)))
    return tuple(sorted(found, key=lambda each: (-each.score, each.compound)))


Core = tuple[float, float, float]
"""Strength in the voice, in the words, and of both together (0..1)."""


def _dyads(grounds: Grounds) -> dict[Compound, Core]:
    cores: dict[Compound, Core] = {}
    for compound, (one, other) in DYADS.items():
        voice = [grounds.voice.get(basic, 0.0) for basic in (one, other)]
        words = [grounds.words.get(basic, 0.0) for basic in (one, other)]
        together = sqrt(max(voice[0], words[0]) * max(voice[1], words[1]))
        cores[compound] = (max(voice), sqrt(words[0] * words[1]), together)
    return cores


def _others(grounds: Grounds) -> dict[Compound, Core]:
    voice, words = grounds.voice, grounds.words
    calm = max(0.0, 1.0 - 2.0 * grounds.arousal)
    said = grounds.said.reading if grounds.said is not None else None
    tired = said.cues.tiredness if said is not None else 0.0
    sarcasm = said.cues.sarcasm if said is not None else 0.0
    confused = said.groups[Group.CONFUSION] if said is not None else 0.0
    glad = said.groups[Group.GRATITUDE_JOY] if said is not None else 0.0
    disappointed = said.emotions[Emotion.DISAPPOINTMENT] if said is not None else 0.0
    given_up = max(tired, disappointed, words.get(Basic.SADNESS, 0.0))
    angry = max(voice.get(Basic.ANGER, 0.0), words.get(Basic.ANGER, 0.0))
    afraid = max(voice.get(Basic.FEAR, 0.0), words.get(Basic.FEAR, 0.0))
    sour = max(voice.get(basic, 0.0) for basic in (Basic.ANGER, Basic.SADNESS, Basic.DISGUST))
    # Better than before by a clear step, after unpleasant turns.
    lifted = min(1.0, max(0.0, grounds.valence - grounds.before)) if grounds.before < -0.2 else 0.0
    quiet = _shrinking(grounds)
    return {
        Compound.FRUSTRATED_RESIGNATION: (
            voice.get(Basic.ANGER, 0.0),
            given_up,
            sqrt(angry * given_up),
        ),
        Compound.RESIGNATION: (calm, given_up, sqrt(calm * given_up)),
        Compound.DISENGAGEMENT: (calm, max(tired, quiet), sqrt(calm * max(tired, quiet))),
        Compound.HOSTILITY: (sour, sarcasm, sqrt(sour * sarcasm)),
        Compound.ANXIOUS_CONFUSION: (voice.get(Basic.FEAR, 0.0), confused, sqrt(afraid * confused)),
        Compound.RELIEF: (lifted, glad, sqrt(lifted * glad)),
    }


def _circumstances(compound: Compound, grounds: Grounds) -> list[EvidenceKind]:
    """Behaviour, what the call has been through, and its course, as far as they support a compound."""
    context = grounds.context
    layers: list[EvidenceKind] = []
    if compound in PLEASANT:
        return [EvidenceKind.TEMPORAL] if grounds.trend is Trend.IMPROVING else []
    if compound in WITHDRAWN:
        behaves = context.silence >= LONG_SILENCE or _shrinking(grounds) >= SUPPORT
    else:
        behaves = context.barge_ins >= 2
    if behaves:
        layers.append(EvidenceKind.BEHAVIOURAL)
    if context.failed_tools >= 1 or context.misheard >= 2 or context.loops >= 2:
        layers.append(EvidenceKind.CONTEXTUAL)
    if grounds.trend is Trend.DETERIORATING:
        layers.append(EvidenceKind.TEMPORAL)
    return layers


def _shrinking(grounds: Grounds) -> float:
    """How much shorter answers have become, 0..1; answers that were always short are no sign."""
    before = grounds.context.words_before[-4:]
    if len(before) < 3 or grounds.said is None:
        return 0.0
    usual = sum(before) / len(before)
    return max(0.0, 1.0 - grounds.said.count / usual) if usual >= 6 else 0.0

"""What a recognizer is tried on: recordings of a folder over phone lines, and synthetic callers it never
heard."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import yaml

from models.expectation import AnswerKind, Expectation
from models.speech import SAMPLE_RATE, Delivery, Pcm
from training.caller_text import ONES, plain
from training.wideband_speech import ACCENTS, HELD_OUT, PhoneLine, Recording, Voices, labelled, read

RUNNING = ("prose", "technical", "harvard", "short", "digits", "call", "dialogue")
"""Kinds of recordings that count as running speech; others are single words."""
_PACKET = SAMPLE_RATE // 50
_TALKERS = 5


@dataclass(frozen=True)
class Condition:
    """A phone line; ``babble``: its noise is other people talking; ``lost``: share of packets of 20 ms that
    arrive as silence, a third of them two in a row."""

    line: PhoneLine = PhoneLine()
    babble: bool = False
    lost: float = 0.0


LINES = {
    "band": Condition(),
    "mulaw": Condition(PhoneLine(low_hz=60.0, high_hz=3900.0)),
    "noise 30 dB": Condition(PhoneLine(snr_db=30)),
    "noise 20 dB": Condition(PhoneLine(snr_db=20)),
    "noise 10 dB": Condition(PhoneLine(snr_db=10)),
    "babble 20 dB": Condition(PhoneLine(snr_db=20), babble=True),
    "babble 10 dB": Condition(PhoneLine(snr_db=10), babble=True),
    "lost packets 2 %": Condition(lost=0.02),
    "lost packets 5 %": Condition(lost=0.05),
}


@dataclass(frozen=True)
class Case:
    """One utterance and what was said."""

    group: str
    speaker: str
    said: str
    pcm: Pcm
    expectation: Expectation = Expectation()
    intent: str = ""


def quiet(seconds: float) -> Pcm:
    """Silence."""
    return np.zeros(int(seconds * SAMPLE_RATE), np.int16)


def recordings(folder: Path) -> list[Recording]:
    """A folder's running speech."""
    return [r for r in labelled(folder) if r.kind in RUNNING]


def running(folder: Path, line: str) -> Iterator[Case]:
    """Running speech over a line, nothing expected."""
    rng, condition = np.random.default_rng(3), LINES[line]
    spoken = replace(condition.line, babble=babble() if condition.babble else None)
    for r in recordings(folder):
        x, rate = read(r.path)
        heard = without_packets(spoken(x, rng, rate), condition.lost, rng)
        yield Case(r.kind, r.speaker, r.transcript, np.concatenate([quiet(0.2), heard, quiet(0.2)]))


def babble() -> np.ndarray:
    """Some seconds of several synthetic voices at once, float samples at 8 kHz."""
    callers = SyntheticCallers(seed=12)
    count = 6 * SAMPLE_RATE
    said = (
        "well i was there on monday and it took most of the day",
        "what do you think we should do about it",
    )
    voices = [callers.speak(f"{said[i % 2]} {said[(i + 1) % 2]}", i)[1] for i in range(_TALKERS)]
    return np.sum([np.resize(pcm, count) / pcm.std() for pcm in voices], axis=0).astype(np.float32)


def without_packets(pcm: Pcm, share: float, rng: np.random.Generator) -> Pcm:
    """Speech with ``share`` of its packets replaced by silence."""
    heard = pcm.copy()
    for at in np.flatnonzero(rng.random(len(pcm) // _PACKET) < share * 3 / 4):
        heard[at * _PACKET : (at + rng.choice((1, 1, 2))) * _PACKET] = 0
    return heard


def words(folder: Path) -> Iterator[Case]:
    """Single digits and letters, one expected."""
    rng = np.random.default_rng(4)
    for r in labelled(folder):
        if r.kind not in ("digit", "letter"):
            continue
        kind = AnswerKind.DIGITS if r.kind == "digit" else AnswerKind.ALPHANUMERIC
        x, rate = read(r.path)
        heard = np.concatenate([quiet(0.3), LINES["band"].line(x, rng, rate), quiet(0.3)])
        yield Case(r.kind, r.speaker, r.transcript, heard, Expectation((kind,), digits=1))


def strings(folder: Path, count: int = 12, length: int = 10, *, repeat: bool = False) -> Iterator[Case]:
    """Digits of one speaker joined with gaps of 80 to 200 ms, the length known.

    ``repeat``: the same numbers said again, from other takes where there are any.
    """
    takes: dict[str, list[tuple[str, np.ndarray, int]]] = defaultdict(list)
    for r in labelled(folder):
        if r.kind == "digit":
            x, rate = read(r.path)
            takes[r.speaker].append((r.transcript, x / (np.abs(x).max() + 1e-9), rate))
    rng, noise, other = random.Random(5), np.random.default_rng(5), random.Random(6)
    for speaker, own in sorted(takes.items()):
        for _ in range(count):
            chosen = [rng.choice(own) for _ in range(length)]
            if repeat:
                chosen = [other.choice([take for take in own if take[0] == word]) for word, _, _ in chosen]
            rate = chosen[0][2]
            gaps = [np.zeros(int(rate * rng.uniform(0.08, 0.2)), np.float32) for _ in chosen]
            x = np.concatenate(
                [part for take, gap in zip(chosen, gaps, strict=True) for part in (take[1], gap)]
            )
            heard = np.concatenate([quiet(0.2), LINES["band"].line(x, noise, rate), quiet(0.2)])
            said = " ".join(word for word, _, _ in chosen)
            yield Case("string", speaker, said, heard, Expectation((AnswerKind.DIGITS,), digits=length))


def intents_of(graph: Path) -> list[tuple[str, str]]:
    """(intent, example) of a context graph."""
    tree = yaml.safe_load(graph.read_text(encoding="utf-8"))
    return [(i["name"], plain(e)) for i in tree["intents"] for e in i.get("examples", ())]


class SyntheticCallers:
    """Voices that training never used, over a phone line."""

    def __init__(self, seed: int = 9) -> None:
        self._voices = Voices.load()
        self._rng, self._noise = random.Random(seed), np.random.default_rng(seed)

    def speak(self, text: str, number: int) -> tuple[str, Pcm]:
        """Name of the voice and the sentence over a line with some noise."""
        rng = self._rng
        variant = HELD_OUT[number % len(HELD_OUT)]
        name = f"{rng.choice(ACCENTS[:4])}+{variant}"
        x = self._voices.say(text, name, Delivery(rate=rng.uniform(0.85, 1.15), pitch=rng.uniform(0.9, 1.1)))
        heard = PhoneLine(snr_db=rng.choice((None, 40.0, 30.0, 25.0)), peak_db=rng.uniform(-20, -3))(
            x, self._noise
        )
        return variant, np.concatenate([quiet(0.25), heard, quiet(0.25)])

    def intents(self, graph: Path, count: int) -> Iterator[Case]:
        """Examples of a context graph, expected."""
        known = intents_of(graph)
        phrases = tuple(text for _, text in known)
        expectation = Expectation((AnswerKind.PHRASES,), phrases=phrases[:200])
        for i in range(count):
            intent, text = known[self._rng.randrange(len(known))]
            voice, pcm = self.speak(text, i)
            yield Case("intent", voice, text, pcm, expectation, intent)

    def numbers(self, count: int, length: int = 10) -> Iterator[Case]:
        """Strings of digits, the length known."""
        for i in range(count):
            said = " ".join(self._rng.choice(["oh", "zero", *ONES[1:10]]) for _ in range(length))
            voice, pcm = self.speak(said, i)
            yield Case("digits", voice, said, pcm, Expectation((AnswerKind.DIGITS,), digits=length))

    def others(self, sentences: list[str], count: int) -> Iterator[Case]:
        """Sentences that nobody expected."""
        for i in range(count):
            text = self._rng.choice(sentences)
            voice, pcm = self.speak(text, i)
            yield Case("other", voice, text, pcm)

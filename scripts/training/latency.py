"""What the models cost on this machine: CPU time on one core, the figure that decides how many calls it
carries."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.emotion_encoder import EmotionEncoder
from models.language import LanguageModel
from models.prosody import CallerBaseline, ProsodyModel
from models.vocal_burst import VocalBurstModel

RUNS = 100
TURNS = 300


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time of one call in ms. Neighbours on the machine slow every call down; ``least`` is without
    them."""

    least: float
    median: float
    slow: float

    @classmethod
    def of(cls, taken: Sequence[float], share: int = 1) -> Cost:
        """From single times in seconds; ``share``: windows in each."""
        ms = 1000 * np.array(taken) / share
        return cls(*(float(np.percentile(ms, q)) for q in (5, 50, 95)))

    def __str__(self) -> str:
        spread = f"median {self.median:.2f} ms, 95th percentile {self.slow:.2f} ms"
        return f"{self.least:.2f} ms undisturbed, {spread}"


def cpu(do: Callable[[], object], share: int = 1, runs: int = RUNS) -> Cost:
    """The process' CPU time of one call; ``share``: windows in it."""
    do()
    taken = []
    for _ in range(runs):
        start = time.process_time()
        do()
        taken.append(time.process_time() - start)
    return Cost.of(taken, share)


def voice_costs(batch: int = 1) -> dict[str, Cost]:
    """CPU per window, by part and together; one window is due per second of a caller's speech."""
    encoder = EmotionEncoder()
    prosody, bursts = ProsodyModel(encoder), VocalBurstModel(encoder)
    windows = _windows(batch)
    encoding = encoder.encode(windows)
    baselines = [prosody.learn(CallerBaseline.unknown(), encoding)] * batch

    def together() -> None:
        shared = encoder.encode(windows)
        prosody.read(shared, baselines)
        bursts.read(shared)

    parts: dict[str, Callable[[], object]] = {
        "encoder": lambda: encoder.encode(windows),
        "prosody": lambda: prosody.read(encoding, baselines),
        "bursts": lambda: bursts.read(encoding),
        "together": together,
    }
    return {name: cpu(do, batch) for name, do in parts.items()}


def voice_latency(encoder: EmotionEncoder, model: ProsodyModel | VocalBurstModel) -> str:
    """The sentence of a card: one model with the encoder."""
    encoding = encoder.encode(_windows(1))
    shared, own = cpu(lambda: encoder.encode(_windows(1))), cpu(lambda: model.read(encoding))
    return (
        f"CPU time per window of 2 s on one thread: encoder {shared} (shared with the other voice model);"
        f" this model {own}. One window is due per second of a caller's speech; the budget for both is 10 ms."
    )


def language_cost(model: LanguageModel, texts: Sequence[str]) -> Cost:
    """CPU per text."""
    model.run(texts[:3])
    taken = []
    for text in texts[:TURNS]:
        start = time.process_time()
        model.run([text])
        taken.append(time.process_time() - start)
    return Cost.of(taken)


def _windows(batch: int) -> npt.NDArray[np.int16]:
    rng = np.random.default_rng(0)
    return (rng.standard_normal((batch, 16000)) * 3000).astype(np.int16)

"""What the models cost on this machine: CPU time on one core, the figure that decides how many calls it carries."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from models.emotion_encoder import EmotionEncoder
from models.language import LanguageModel
from models.prosody import CallerBaseline, ProsodyModel
from models.vocal_burst import VocalBurstModel

RUNS = 60
TURNS = 300


def cpu_ms(do: Callable[[], object], runs: int = RUNS) -> tuple[float, float]:
    """Median and 95th percentile of the process' CPU time of one call, in ms."""
    do()
    taken = []
    for _ in range(runs):
        start = time.process_time()
        do()
        taken.append(1000 * (time.process_time() - start))
    return float(np.median(taken)), float(np.percentile(taken, 95))


def voice_milliseconds(batch: int = 1) -> dict[str, tuple[float, float]]:
    """CPU per window, by part: encoder, prosody, bursts, and all of them; one window is due per second of speech."""
    encoder = EmotionEncoder()
    prosody, bursts = ProsodyModel(encoder), VocalBurstModel(encoder)
    rng = np.random.default_rng(0)
    windows = (rng.standard_normal((batch, 16000)) * 3000).astype(np.int16)
    encoding = encoder.encode(windows)
    baseline = prosody.learn(CallerBaseline.unknown(), encoding)
    baselines = [baseline] * batch

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
    return {name: tuple(value / batch for value in cpu_ms(do)) for name, do in parts.items()}  # type: ignore[misc]


def voice_latency(encoder: EmotionEncoder, model: ProsodyModel | VocalBurstModel) -> str:
    """The sentence of a card: one model with the encoder."""
    rng = np.random.default_rng(0)
    windows = (rng.standard_normal((1, 16000)) * 3000).astype(np.int16)
    encoding = encoder.encode(windows)
    shared, _ = cpu_ms(lambda: encoder.encode(windows))
    own, slow = cpu_ms(lambda: model.read(encoding))
    return (
        f"CPU time per window of 2 s on one thread: encoder {shared:.2f} ms (shared with the other voice model), this"
        f" model {own:.2f} ms (95th percentile {slow:.2f} ms). One window is due per second of a caller's speech; the"
        " budget for both voice models is 10 ms."
    )


def language_milliseconds(model: LanguageModel, texts: Sequence[str]) -> tuple[float, float]:
    """Median and 95th percentile of CPU per text."""
    model.run(texts[:3])
    taken = []
    for text in texts[:TURNS]:
        start = time.process_time()
        model.run([text])
        taken.append(1000 * (time.process_time() - start))
    return float(np.median(taken)), float(np.percentile(taken, 95))


def language_latency(model: LanguageModel, texts: Sequence[str]) -> str:
    """The sentence of the card."""
    median, slow = language_milliseconds(model, texts)
    return f"CPU time per turn, one thread: median {median:.2f} ms, 95th percentile {slow:.2f} ms; the budget is 5 ms."

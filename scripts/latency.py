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


def voice_latency() -> str:
    """The sentence of the cards."""
    one, eight = voice_milliseconds(1), voice_milliseconds(8)
    parts = ", ".join(f"{name} {median:.2f} ms" for name, (median, _) in one.items() if name != "together")
    return (
        f"CPU time per window of 2 s, one thread (median): {parts}; all on one encoder run {one['together'][0]:.2f} ms"
        f" (95th percentile {one['together'][1]:.2f} ms), {eight['together'][0]:.2f} ms in batches of eight. One window is due"
        " per second of a caller's speech: the budget is 10 ms."
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

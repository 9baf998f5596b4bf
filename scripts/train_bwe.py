"""Train the band extension of the embedded recognizer: phone bands in, clean wideband cepstra out.

    python scripts/train_bwe.py SPEECH_FOLDER [--minutes 60] [--steps 6000] [--out
    models/stt/band_extension.npz]

SPEECH_FOLDER holds labels.csv and wideband recordings (rows of kind ``letter``, ``digit`` and ``extra`` at
16 kHz are used; no transcript is read). The rest is synthesized by whatever of espeak-ng and flite is
installed. Every sentence goes over a simulated phone line with noise of its own; the target is what
PocketSphinx' analysis makes of the clean original.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pocketsphinx
from rich.progress import Progress
from training.wideband_speech import PhoneLine, Voices, labelled, read, sentences, stretch

from models.stt.frontend import AFTER, BANDS, BEFORE, CEPSTRA, WEIGHTS, PhoneSpectrum

Floats = npt.NDArray[np.float32]

RATE, WINDOW, HOP, FFT, FILTERS = 16000, 410, 160, 512, 25
HIDDEN = 256


def _sphinx_filters() -> npt.NDArray[np.float64]:
    """The library's triangles, 130 to 6800 Hz, edges rounded to bins, unit area (fe_sigproc.c)."""
    step = RATE / FFT
    mel = np.linspace(*(2595 * np.log10(1 + np.array([130.0, 6800.0]) / 700)), FILTERS + 2)
    edges = np.round(700 * (10 ** (mel / 2595) - 1) / step) * step
    bins = np.arange(FFT // 2 + 1) * step
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangle = np.maximum(np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)), 0)
    return triangle * 2 / (right - left)


def _remove_noise(power: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The library's own noise removal, which its model was trained with (fe_noise.c): [frames, filters]."""
    most = 20.0
    smooth, noise, floor, peak = power[0], power[0] / most, power[0] / most, np.zeros(FILTERS)
    reach = [slice(max(0, i - 4), min(FILTERS - 1, i + 4) + 1) for i in range(FILTERS)]
    out = np.empty_like(power)

    def envelope(level: npt.NDArray[np.float64], below: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        keep = np.where(level >= below, 0.995, 0.5)
        return keep * below + (1 - keep) * level

    for t, now in enumerate(power):
        smooth = 0.7 * smooth + 0.3 * now
        noise = envelope(smooth, noise)
        signal = np.maximum(smooth - noise, 1.0)
        floor = envelope(signal, floor)
        loud, peak = signal, peak * 0.85
        signal = np.where(signal < 0.85 * peak, peak * 0.2, signal)
        peak = np.maximum(peak, loud)
        signal = np.maximum(signal, floor)
        gain = np.clip(signal / np.maximum(smooth, 1e-9), 1 / most, most)
        out[t] = now * [gain[r].mean() for r in reach]
    return out


def wideband_cepstra(x: Floats) -> Floats:
    """What PocketSphinx computes of 16 kHz samples on the int16 scale: float32 [frames, 13]."""
    emphasized = np.append(x[0], x[1:] - 0.97 * x[:-1]).astype(np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(emphasized, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * np.hamming(WINDOW), FFT, axis=1)
    power = _remove_noise((spectrum.real**2 + spectrum.imag**2) @ _sphinx_filters().T)
    order = np.arange(CEPSTRA)
    cosine = np.cos(np.pi * np.outer(order, np.arange(FILTERS) + 0.5) / FILTERS) * np.sqrt(2 / FILTERS)
    cosine[0] = np.sqrt(1 / FILTERS)
    return (np.log(power + 1e-4) @ cosine.T * (1 + 11 * np.sin(np.pi * order / 22))).astype(np.float32)


def _line(rng: random.Random, babble: Floats) -> PhoneLine:
    """A phone line by chance: a third quiet, the rest at 5 to 40 dB."""
    snr = None if rng.random() < 0.3 else rng.choice([40.0, 30.0, 25.0, 20.0, 16.0, 12.0, 8.0, 5.0])
    narrow = rng.random() < 0.75
    return PhoneLine(
        low_hz=rng.uniform(220, 340) if narrow else 60.0,
        high_hz=rng.uniform(3300, 3600) if narrow else 3900.0,
        snr_db=snr,
        babble=babble if rng.random() < 0.35 else None,
        colour=rng.choice([0.0, 0.5, 0.9]),
    )


def _pairs(
    x: Floats, rng: random.Random, noise: np.random.Generator, babble: Floats
) -> tuple[Floats, Floats]:
    """One utterance as (phone spectrum, clean cepstra), frame by frame."""
    quiet = noise.normal(0, 3e-5, int(RATE * rng.uniform(0.1, 0.4))).astype(np.float32)
    x = np.concatenate([quiet, x / (np.abs(x).max() + 1e-9), quiet])
    line = _line(rng, babble)
    heard = line(x, noise).astype(np.float32)
    # Both sides at one level: the recognizer brings the caller to its own, give or take.
    level = 10 ** (rng.uniform(-10, -3) / 20)
    heard *= level / 10 ** (line.peak_db / 20)
    wide = x * (32767 * level) + noise.normal(0, 1.0, len(x)).astype(np.float32)
    frames, target = PhoneSpectrum().feed(heard), wideband_cepstra(wide)
    n = min(len(frames), len(target))
    return frames[:n], target[:n]


def material(
    folder: Path, minutes: float, seed: int, progress: Progress
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    """Frames [n, 2 x bands], targets [n, 13] and the indices of frames with context on both sides."""
    rng, noise, voices = random.Random(seed), np.random.default_rng(seed), Voices.load()
    recordings = [
        read(r.path)[0] for r in labelled(folder) if r.kind in ("letter", "digit", "extra") and r.rate == RATE
    ]
    recordings = [x[i : i + 15 * RATE] for x in recordings for i in range(0, len(x), 15 * RATE)]
    dictionary = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    words = [w for line in dictionary.open() if (w := line.split()[0]).isalpha() and len(w) > 2]
    text = sentences(rng, words)
    babble = np.zeros(8000 * 20, np.float32)
    for _ in range(60):
        y = PhoneLine()(voices.anybody(next(text), rng), noise).astype(np.float32)[: len(babble)]
        at = rng.randrange(len(babble) - len(y) + 1)
        babble[at : at + len(y)] += y / 32768
    frames, targets, usable, total = [], [], [], 0
    task = progress.add_task("speech", total=minutes * 60)
    while total < minutes * 6000:
        if rng.random() < 0.25:
            x = stretch(rng.choice(recordings), rng.uniform(0.88, 1.14))
        else:
            x = stretch(voices.anybody(next(text), rng), rng.uniform(0.9, 1.12))
        for _ in range(2):  # two lines for each sentence
            f, t = _pairs(x, rng, noise, babble)
            usable.append(np.arange(total + BEFORE, total + len(f) - AFTER))
            frames.append(f)
            targets.append(t)
            total += len(f)
            progress.advance(task, len(f) / 100)
    return np.concatenate(frames), np.concatenate(targets), np.concatenate(usable)


def train(
    frames: Floats, targets: Floats, usable: npt.NDArray[np.int64], steps: int, seed: int, progress: Progress
) -> dict[str, Floats]:
    """Adam on the squared error of the cepstra, each scaled to unit variance; the rate falls as a cosine."""
    rng = np.random.default_rng(seed)
    offsets = np.arange(-BEFORE, AFTER + 1)
    bands = np.ascontiguousarray(frames[:, :BANDS])
    floors = np.ascontiguousarray(frames[:, BANDS:])

    def inputs(at: npt.NDArray[np.int64]) -> Floats:
        spread = bands[
            at[:, None] + offsets
        ]  # [n, context, bands], as models.stt.frontend.with_context lays it out
        return np.concatenate([spread.reshape(len(at), -1), floors[at]], axis=1)

    sample = inputs(rng.choice(usable, 50_000))
    speech = targets[usable][targets[usable, 0] > targets[usable, 0].mean() - 5]
    fixed = {
        "input_mean": sample.mean(axis=0),
        "input_scale": 1 / (sample.std(axis=0) + 1e-3),
        "output_mean": speech.mean(axis=0),
        "output_scale": speech.std(axis=0),
    }
    size = sample.shape[1]
    shapes = {"w0": (size, CEPSTRA), "w1": (size, HIDDEN), "w2": (HIDDEN, HIDDEN), "w3": (HIDDEN, CEPSTRA)}
    w = {k: (rng.normal(0, 1, s) * np.sqrt(2 / s[0])).astype(np.float32) for k, s in shapes.items()}
    w["w0"] *= 0.1
    w["w3"] *= 0.1
    w |= {
        "b1": np.zeros(HIDDEN, np.float32),
        "b2": np.zeros(HIDDEN, np.float32),
        "b3": np.zeros(CEPSTRA, np.float32),
    }
    m, v = ({k: np.zeros_like(a) for k, a in w.items()} for _ in range(2))
    task = progress.add_task("training", total=steps)
    recent = 0.0
    for step in range(1, steps + 1):
        at = rng.choice(usable, 1024)
        x = (inputs(at) - fixed["input_mean"]) * fixed["input_scale"]
        y = (targets[at] - fixed["output_mean"]) / fixed["output_scale"]
        h1 = np.maximum(x @ w["w1"] + w["b1"], 0)
        h2 = np.maximum(h1 @ w["w2"] + w["b2"], 0)
        error = h2 @ w["w3"] + x @ w["w0"] + w["b3"] - y
        g = error * (2 / error.size)
        grad = {"w3": h2.T @ g, "w0": x.T @ g, "b3": g.sum(axis=0)}
        g2 = g @ w["w3"].T * (h2 > 0)
        grad |= {"w2": h1.T @ g2, "b2": g2.sum(axis=0)}
        g1 = g2 @ w["w2"].T * (h1 > 0)
        grad |= {"w1": x.T @ g1, "b1": g1.sum(axis=0)}
        rate = 1e-3 * 0.5 * (1 + np.cos(np.pi * step / steps)) + 1e-5
        for k in w:
            m[k] = 0.9 * m[k] + 0.1 * grad[k]
            v[k] = 0.999 * v[k] + 0.001 * grad[k] ** 2
            w[k] -= rate * (m[k] / (1 - 0.9**step)) / (np.sqrt(v[k] / (1 - 0.999**step)) + 1e-8)
        recent = 0.99 * recent + 0.01 * float((error**2).mean()) if recent else float((error**2).mean())
        progress.update(task, advance=1, description=f"training, error {recent:.3f}")
    return {k: a.astype(np.float32) for k, a in (w | fixed | {"mean": targets.mean(axis=0)}).items()}


def main() -> None:
    """Command line."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("speech", type=Path)
    arguments.add_argument("--minutes", type=float, default=60)
    arguments.add_argument("--steps", type=int, default=6000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--out", type=Path, default=WEIGHTS)
    args = arguments.parse_args()
    with Progress() as progress:
        frames, targets, usable = material(args.speech, args.minutes, args.seed, progress)
        weights = train(frames, targets, usable, args.steps, args.seed, progress)
    np.savez_compressed(
        args.out, **{k: a.astype(np.float16 if a.ndim > 1 else np.float32) for k, a in weights.items()}
    )
    print(
        f"{args.out}: {sum(a.size for a in weights.values())} numbers, {args.out.stat().st_size // 1024} KB"
    )


if __name__ == "__main__":
    main()

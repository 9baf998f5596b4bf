"""Labelled sound to learn emotion from: clip folders, what a phone line makes of a clip, and how to hold it
against people.

A clip folder holds ``labels.csv`` and one sound file per speaker at 8 kHz; a row names ``file``, ``start``
and ``length`` in samples, ``speaker``, and ``emotion`` (speech) or ``category`` (vocal bursts). ``split`` is
train, dev or test.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
from scipy.signal import butter, sosfilt

from models.speech import SAMPLE_RATE, Pcm
from telephony.g711 import decode_ulaw, encode_ulaw

Floats = npt.NDArray[np.float32]

WINDOW = 2 * SAMPLE_RATE
"""Samples the models look at."""

LEVEL = 0.08
"""RMS a clip is brought to before it goes over the line (-22 dBFS, an ordinary speech level)."""

QUIETEST_DBFS = -60.0
"""A clip below this is as good as silence: no label is true of it."""

_BAND = butter(4, [300, 3400], btype="band", fs=SAMPLE_RATE, output="sos")


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled clip: 8 kHz int16 and what is known about it."""

    pcm: Pcm
    speaker: str
    label: str
    split: str


def clips(folder: Path) -> Iterator[Clip]:
    """The clips of a folder in the order of its ``labels.csv``, near silence left out.

    Raises :class:`ValueError` when a file is not mono at 8 kHz or the columns are missing.
    """
    opened: tuple[str, Pcm] | None = None
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if missing := {"file", "start", "length", "speaker"} - row.keys():
                raise ValueError(f"{folder / 'labels.csv'} has no column {', '.join(sorted(missing))}")
            if opened is None or opened[0] != row["file"]:
                samples, rate = soundfile.read(folder / row["file"], dtype="int16", always_2d=True)
                if rate != SAMPLE_RATE or samples.shape[1] != 1:
                    raise ValueError(
                        f"{row['file']} is {samples.shape[1]} channels at {rate} Hz, not mono at 8 kHz"
                    )
                opened = row["file"], samples[:, 0]
            start, length = int(row["start"]), int(row["length"])
            pcm = opened[1][start : start + length]
            if len(pcm) and level_dbfs(pcm) >= QUIETEST_DBFS:
                label = row.get("emotion") or row.get("category") or ""
                yield Clip(pcm, row["speaker"], label, row.get("split") or "")


def windows_of(pcm: Pcm) -> list[Pcm]:
    """A clip as the product hears it: two seconds, every second; a shorter clip is one window."""
    if len(pcm) <= WINDOW + SAMPLE_RATE // 20:
        return [pcm]
    return [pcm[start : start + WINDOW] for start in range(0, len(pcm) - SAMPLE_RATE, SAMPLE_RATE)]


def level_dbfs(pcm: Pcm) -> float:
    """RMS level of int16 samples."""
    return float(10 * np.log10(np.mean(np.square(pcm.astype(np.float64) / 32768)) + 1e-12))


@dataclass(frozen=True, slots=True)
class Line:
    """What lies between a mouth and the media stream.

    Attributes:
        band: 300-3400 Hz and mu-law.
        snr_db: level of the sound over noise, None for none.
        colour: 0 white noise, 1 brown.
        loss: share of 20 ms packets that are lost, heard as silence.
        overdrive_db: how far the sound is pushed into clipping.
    """

    band: bool = True
    snr_db: float | None = None
    colour: float = 0.0
    loss: float = 0.0
    overdrive_db: float = 0.0

    def carry(self, pcm: Pcm, rng: np.random.Generator) -> Pcm:
        """int16 at 8 kHz -> what the far end receives, as long as before."""
        x = pcm.astype(np.float64) / 32768
        x *= LEVEL / (np.sqrt(np.mean(x * x)) + 1e-6)
        if self.snr_db is not None:
            noise = coloured_noise(len(x), self.colour, rng)
            x = x + noise * LEVEL * 10 ** (-self.snr_db / 20)
        x = np.clip(x * 10 ** (self.overdrive_db / 20), -1, 1)
        if self.band:
            x = sosfilt(_BAND, x)
        out = (np.clip(x, -1, 1) * 32767).astype(np.int16)
        if self.band:
            out = decode_ulaw(encode_ulaw(out))
        if self.loss:
            packets = len(out) // 160 + 1
            lost = np.repeat(rng.random(packets) < self.loss, 160)[: len(out)]
            out = np.where(lost, np.int16(0), out)
        return out


PHONE = Line()
NOISY = Line(snr_db=15.0)


def any_line(rng: np.random.Generator) -> Line:
    """A line drawn by chance: half of them noisy, some lossy, some overdriven."""
    return Line(
        band=bool(rng.random() < 0.85),
        snr_db=float(rng.uniform(8, 25)) if rng.random() < 0.6 else None,
        colour=float(rng.uniform(0, 1)),
        loss=float(rng.uniform(0.01, 0.06)) if rng.random() < 0.25 else 0.0,
        overdrive_db=float(rng.uniform(6, 15)) if rng.random() < 0.15 else 0.0,
    )


def coloured_noise(samples: int, colour: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Noise of RMS 1 whose power falls with frequency to the power of ``2 * colour``: 0 white, 0.5 pink, 1
    brown."""
    if samples < 2:
        return rng.standard_normal(samples)
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1.0) ** -colour
    noise = np.fft.irfft(spectrum, samples)
    return np.asarray(noise / (np.sqrt(np.mean(noise * noise)) + 1e-12))

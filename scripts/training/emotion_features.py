"""Clips as the encoder hears them, over lines of several kinds; kept on disk so that a second run starts at
once."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

from models.emotion_encoder import EmotionEncoder, Encoding
from models.speech import SAMPLE_RATE, Pcm
from training.emotion_data import NOISY, PHONE, Clip, any_line, windows_of

Floats = npt.NDArray[np.float32]
Texts = npt.NDArray[np.str_]

_BATCH = 32


@dataclass(frozen=True)
class Features:
    """Encoded clips.

    Attributes:
        vectors: float32 [n, 1536].
        seconds: float32 [n].
        usable: bool [n], clips that the encoder judged.
        label, speaker, split: str [n].
    """

    vectors: Floats
    seconds: Floats
    usable: npt.NDArray[np.bool_]
    label: Texts
    speaker: Texts
    split: Texts

    def __len__(self) -> int:
        return len(self.vectors)

    def only(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Features:
        """The clips at ``rows``."""
        return Features(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))

    @staticmethod
    def joined(parts: Iterable[Features]) -> Features:
        """All clips of ``parts``, one after the other."""
        parts = list(parts)
        return Features(
            *(np.concatenate([getattr(p, name) for p in parts]) for name in Features.__dataclass_fields__)
        )


Treatment = Callable[[Pcm, np.random.Generator], Pcm]


def another_throat(pcm: Pcm, rng: np.random.Generator) -> Pcm:
    """Played a little faster or slower, pitch and formants with it, then mostly over a line."""
    factor = rng.choice([0.88, 0.92, 1.08, 1.12])
    played = soxr.resample(pcm.astype(np.float32), SAMPLE_RATE, SAMPLE_RATE * factor)
    out = np.clip(played, -32768, 32767).astype(np.int16)[: 2 * SAMPLE_RATE]
    return any_line(rng).carry(out, rng) if rng.random() < 0.7 else out


TREATMENTS: Mapping[str, Treatment] = {
    "clean": lambda pcm, _rng: pcm,
    "phone": PHONE.carry,
    "noisy": NOISY.carry,
    "line": lambda pcm, rng: any_line(rng).carry(pcm, rng),
    "throat": another_throat,
}
"""What is done to a clip before it is encoded. A digit behind the name ("line2") draws other chances."""


def encoded(
    clips: Iterable[Clip],
    encoder: EmotionEncoder,
    treatment: str,
    cache: Path | None = None,
    keep: Callable[[Encoding], None] | None = None,
) -> Features:
    """``clips`` after ``treatment``. ``cache``: a file to read instead, or to write; ``keep`` sees what was
    encoded."""
    if cache is not None and cache.is_file():
        with np.load(cache) as saved:
            if str(saved["encoder"]) == encoder.identity.sha256:
                return Features(*(saved[name] for name in Features.__dataclass_fields__))
    treat = TREATMENTS[treatment.rstrip("0123456789")]
    rng = np.random.default_rng(zlib.crc32(treatment.encode()))
    vectors, seconds, usable, kept = [], [], [], []
    for batch in _batches(clips):
        cut = [windows_of(treat(clip.pcm, rng)) for clip in batch]
        encoding = encoder.encode([window for windows in cut for window in windows])
        if keep is not None:
            keep(encoding)
        length = np.array([sound.seconds for sound in encoding.sounds], np.float32)
        at = 0
        for windows in cut:
            good = [row for row in range(at, at + len(windows)) if encoding.usable[row]]
            # The mean of vectors is the mean of what linear heads make of them.
            vectors.append(encoding.vectors[good or [at]].mean(axis=0))
            seconds.append(length[good or [at]].mean())
            usable.append(bool(good))
            at += len(windows)
        kept += [(clip.label, clip.speaker, clip.split) for clip in batch]
    label, speaker, split = (np.array(column) for column in zip(*kept, strict=True))
    features = Features(
        np.stack(vectors), np.array(seconds, np.float32), np.array(usable), label, speaker, split
    )
    if cache is not None:
        columns = {name: getattr(features, name) for name in Features.__dataclass_fields__}
        np.savez(cache, encoder=encoder.identity.sha256, **columns)
    return features


def cache_file(folder: Path | None, data: Path, treatment: str) -> Path | None:
    """Where features of ``data`` are kept, if anywhere."""
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{data.name}-{hashlib.sha256(str(data).encode()).hexdigest()[:8]}-{treatment}.npz"


def _batches(clips: Iterable[Clip]) -> Iterable[list[Clip]]:
    batch: list[Clip] = []
    for clip in clips:
        batch.append(clip)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch

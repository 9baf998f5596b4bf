"""Bursts frame by frame, on disk because a thousand speakers' worth of frames is gigabytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.emotion_encoder import EmotionEncoder, Encoding, Sound
from training.emotion_data import Clip
from training.emotion_features import Features, encoded

CHANNELS = 768


@dataclass(frozen=True)
class FramedClips:
    """Encoded clips with their frames.

    Attributes:
        features: one row per clip.
        frames: float16 [all frames, 768], clip after clip.
        starts: int64 [n + 1], where the frames of each clip begin.
    """

    features: Features
    frames: npt.NDArray[np.float16]
    starts: npt.NDArray[np.int64]

    def of(self, row: int) -> npt.NDArray[np.float16]:
        """The frames of one clip, [frames, 768]."""
        return self.frames[self.starts[row] : self.starts[row + 1]]

    def encoding(self, row: int) -> Encoding:
        """One clip the way the encoder hands it over."""
        seconds = float(self.features.seconds[row])
        sound = Sound(np.zeros(0, np.int16), seconds, 0.0, None)
        return Encoding(self.features.vectors[row : row + 1], (self.of(row).astype(np.float32),), (sound,))


def framed(clips: Iterable[Clip], encoder: EmotionEncoder, treatment: str, folder: Path) -> FramedClips:
    """``clips`` after ``treatment``, kept under ``folder``; read from there when they are of the same
    encoder."""
    table, frames = folder / f"{treatment}.npz", folder / f"{treatment}.frames"
    counts = folder / f"{treatment}.counts.npy"
    if not counts.is_file():
        with frames.open("wb") as file:
            held: list[int] = []

            def keep(encoding: Encoding) -> None:
                for part in encoding.frames:
                    held.append(len(part))
                    file.write(part.astype(np.float16).tobytes())

            encoded(clips, encoder, treatment, table, keep)
        np.save(counts, np.array(held, np.int64))
    features = encoded(clips, encoder, treatment, table)
    starts = np.concatenate([[0], np.cumsum(np.load(counts))])
    stored = np.memmap(frames, np.float16, "r").reshape(-1, CHANNELS)
    return FramedClips(features, stored, starts)

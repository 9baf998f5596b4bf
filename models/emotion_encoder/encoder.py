"""What both voice models stand on: two seconds of sound become one vector.

The encoder is the first two layers of the turn model's (Whisper Tiny's encoder, trained on when people have
finished speaking), cut out by ``scripts/derive_encoder.py`` and used as it is. How somebody speaks is in its
lower layers; small heads read it off. One run per window serves prosody and vocal bursts alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.emotion_encoder.front_end import FRAMES, log_mel, wideband
from models.emotion_encoder.window import Sound, inspect
from models.model_file import verified_file
from models.onnx import session_of_bytes
from models.turn.log_mel import BANDS

FOLDER = Path(__file__).parent
LAYERS = 2
WIDTH = 384
VECTOR = 2 * LAYERS * WIDTH
"""Numbers that describe a window: mean and standard deviation over time of every layer's channels."""

_SAMPLES_PER_FRAME = 320
"""At 16 kHz; the encoder makes 50 frames a second."""

_FEWEST_FRAMES = 8

Windows = npt.NDArray[np.generic] | Sequence[npt.NDArray[np.generic]]
"""int16 [n, 16000] at 8 kHz with zeros in front of sound that is shorter, or n arrays of any length."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoding:
    """What the encoder made of n windows; both voice models read it.

    Attributes:
        vectors: float32 [n, 1536], zeros where a window cannot be judged.
        frames: the layers side by side over the frames that hold sound, float32 [frames, 768] each.
        sounds: length, level and defect of every window.
    """

    vectors: Floats
    frames: tuple[Floats, ...]
    sounds: tuple[Sound, ...]

    @property
    def usable(self) -> npt.NDArray[np.bool_]:
        """bool [n]: windows that can be judged."""
        return np.array([sound.defect is None for sound in self.sounds], np.bool_)


class EmotionEncoder:
    """The shared encoder on one CPU thread, about 2.5 ms a window. Thread-safe; keep it off the event
    loop."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Raises :class:`~models.model_file.ModelError` when the weights in ``folder`` are not the published
        ones."""
        self.identity, weights = verified_file(folder)
        self._session = session_of_bytes(weights)

    def encode(self, windows: Windows) -> Encoding:
        """One run for all windows; values do not depend on what else is in the batch."""
        sounds = tuple(inspect(window) for window in windows)
        usable = [i for i, sound in enumerate(sounds) if sound.defect is None]
        vectors = np.zeros((len(sounds), VECTOR), np.float32)
        frames = [np.zeros((0, LAYERS * WIDTH), np.float32)] * len(sounds)
        if usable:
            wide = [wideband(sounds[i].pcm) for i in usable]
            features = np.empty((len(usable), BANDS, FRAMES), np.float32)
            for row, sound in zip(features, wide, strict=True):
                row[:] = log_mel(sound)
            layers = self._session.run(None, {"input_features": features})
            for place, i in enumerate(usable):
                held = max(_FEWEST_FRAMES, -(-len(wide[place]) // _SAMPLES_PER_FRAME))
                frames[i] = np.concatenate([layer[place, -held:] for layer in layers], axis=1)
                vectors[i] = np.concatenate([_mean_and_spread(layer[place, -held:]) for layer in layers])
        return Encoding(vectors, tuple(frames), sounds)


def _mean_and_spread(frames: Floats) -> Floats:
    """[frames, 384] -> [768], over the frames that hold sound."""
    return np.concatenate([frames.mean(axis=0), frames.std(axis=0)])

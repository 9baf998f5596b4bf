"""From sound to phones: the network of our own, one probability per phone every 20 ms.

It is the turn model's encoder (Whisper Tiny's) with its upper layers trained further and a head on top, by
``scripts/train_stt.py``, with CTC (Graves et al. 2006): a word is said when its phones appear in order with
anything blank between. See README.md in this folder for what it can do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from models.model_file import ModelError, ModelIdentity, verified_file
from models.onnx import session_of_bytes
from models.speech import SAMPLE_RATE, Pcm, SpeechError
from models.stt.phone_mel import STEP, Floats, phone_log_mel, quickened
from models.stt.phones import PHONES

FOLDER: Final = Path(__file__).parent

_SHORTEST: Final = SAMPLE_RATE // 10
LONGEST: Final = 8 * SAMPLE_RATE
"""Samples the network sees at once; of longer speech it sees pieces."""
_CUT_AFTER: Final = 5 * SAMPLE_RATE
_LESS_BLANK: Final = 2.0
"""Taken from the log probability of blank. Where a network is in doubt, CTC teaches it to say nothing, and
with people, haste and noise it is in doubt more often than with what it learned from."""


def first_piece(pcm: Pcm) -> int:
    """Where to cut speech that is longer than the network's view: the quietest place of its last 3 s."""
    frames = pcm[_CUT_AFTER:LONGEST].astype(np.float32).reshape(-1, STEP)
    loudness = np.convolve((frames**2).mean(axis=1), np.ones(5), "same")
    return _CUT_AFTER + STEP * int(loudness.argmin())


def pieces_of(pcm: Pcm) -> Iterator[Pcm]:
    """Speech of any length in pieces that the network can see."""
    while len(pcm) > LONGEST:
        cut = first_piece(pcm)
        yield pcm[:cut]
        pcm = pcm[cut:]
    yield pcm


class PhoneModel:
    """The network, loaded: 12 MB, some 60 MB of memory. Not thread-safe."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Raises :class:`SpeechError` when the weights are missing or not the published ones."""
        try:
            self.identity: ModelIdentity
            self.identity, weights = verified_file(folder)
        except ModelError as error:
            raise SpeechError(str(error)) from error
        self._session = session_of_bytes(weights)

    def __call__(self, pcm: Pcm, step: int = STEP) -> Floats:
        """int16 at 8 kHz of any length -> log probabilities, float32 [frames of ``step`` samples, phones].

        With a ``step`` of more than 20 ms the network is shown the sound as if it were said faster.
        """
        found = [self._piece(piece, step) for piece in pieces_of(pcm) if len(piece) >= _SHORTEST]
        return np.concatenate([np.zeros((0, len(PHONES)), np.float32), *found])

    def _piece(self, pcm: Pcm, step: int) -> Floats:
        mel = phone_log_mel(pcm)
        if step > STEP:
            mel = quickened(mel, step)
        log: Floats = self._session.run(None, {"mel": mel[None]})[0][0]
        blank = np.exp(log[:, :1])
        log[:, 0] -= _LESS_BLANK
        return log - np.log1p(blank * math.expm1(-_LESS_BLANK))

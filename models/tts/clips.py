"""The rung of last resort: a few sentences that were spoken when the product was made.

When no voice works the caller still hears a person-like sentence that is true: that something is wrong, and
what to do. The clips are rendered by ``scripts/render_clips.py``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from models.speech import SAMPLE_RATE, Delivery, Pcm, SpeechError

FOLDER: Final = Path(__file__).with_name("clips")

SENTENCES: Final = {
    "trouble": (
        "I'm sorry, I'm having trouble speaking right now. "
        "Please stay on the line or call again in a few minutes."
    ),
    "moment": "One moment, please.",
    "repeat": "I'm sorry, could you say that again, please?",
    "emergency": "If this is an emergency, please hang up and dial 911.",
}
"""File name -> what it says."""

_CHUNK: Final = SAMPLE_RATE // 5
_BIAS: Final = 33


def _decode(ulaw: bytes) -> Pcm:
    """G.711 mu-law (ITU-T) to int16; its own few lines, because models know nothing of telephony."""
    code: npt.NDArray[np.int32] = ~np.frombuffer(ulaw, np.uint8).astype(np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 1) + _BIAS << ((code >> 4) & 7)) - _BIAS
    return (np.where(code & 0x80, -magnitude, magnitude) * 4).astype(np.int16)


class CachedClips:
    """:class:`~models.speech.Synthesizer` of fixed sentences; for any other text it says that it has
    trouble speaking."""

    name = "clips"

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._clips: dict[str, Pcm] = {}

    async def start(self) -> None:
        """Load the clips. Raises :class:`SpeechError` when one is missing."""
        try:
            self._clips = {
                text: _decode((self._folder / f"{name}.ulaw").read_bytes())
                for name, text in SENTENCES.items()
            }
        except OSError as error:
            raise SpeechError(f"a clip is missing ({error}): run scripts/render_clips.py") from error

    async def synthesize(self, text: str, delivery: Delivery) -> AsyncIterator[Pcm]:
        """The clip of ``text``, else the one that owns up."""
        clip = self._clips.get(text)
        if clip is None:
            clip = self._clips[SENTENCES["trouble"]]
        loud = np.clip(clip * delivery.volume, -32768, 32767).astype(np.int16)
        for at in range(0, len(loud), _CHUNK):
            yield loud[at : at + _CHUNK]

    async def close(self) -> None:
        """Nothing to stop."""

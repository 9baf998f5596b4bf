"""A stand-in for the package of that name: as much of its interface as the Kokoro worker uses.

Each character is a fiftieth of a second; what it refuses and where it ends the process is in the text.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np


class Kokoro:
    voices: dict[str, Any] = {"af_heart": None, "am_michael": None}  # noqa: RUF012

    @classmethod
    def from_session(cls, session: Any, voices_path: str) -> Kokoro:
        return cls()

    def create(self, text: str, voice: str, speed: float, lang: str) -> tuple[np.ndarray, int]:
        if "refuse" in text:
            raise ValueError("no phonemes")
        if "crash" in text:
            os._exit(3)
        samples = np.arange(int(24000 * len(text) / 50 / speed))
        return np.sin(samples * 0.05).astype(np.float32), 24000

"""A stand-in for the package of that name: as much of its interface as the Kokoro worker uses.

Each character is a fiftieth of a second; what it refuses and where it ends the process is in the text. The
voices file grows by a byte with every process that loads it. Gates are named pipes: who comes to one waits
until somebody opens it for writing.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

LOADING_GATE, SPEAKING_GATE = "STAND_IN_LOADING_GATE", "STAND_IN_SPEAKING_GATE"
"""Environment variables with the path of a gate; without one nobody waits."""


def _pass(gate: str) -> None:
    if gate in os.environ:
        os.close(os.open(os.environ[gate], os.O_RDONLY))


class Kokoro:
    voices: dict[str, Any] = {"af_heart": None, "am_michael": None}  # noqa: RUF012

    @classmethod
    def from_session(cls, session: Any, voices_path: str) -> Kokoro:
        with open(voices_path, "ab") as file:
            file.write(b".")
        _pass(LOADING_GATE)
        return cls()

    def create(self, text: str, voice: str, speed: float, lang: str) -> tuple[np.ndarray, int]:
        if "refuse" in text:
            raise ValueError("no phonemes")
        if "crash" in text:
            os._exit(3)
        if "wait" in text:
            _pass(SPEAKING_GATE)
        samples = np.arange(int(24000 * len(text) / 50 / speed))
        return np.sin(samples * 0.05).astype(np.float32), 24000

"""Mel filter banks, shared by the front ends."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]


def slaney_filters(bands: int, *, rate: int, window: int, low: float, high: float) -> Doubles:
    """Triangles of unit area, [bands, window // 2 + 1], on Slaney's scale: linear to 1 kHz, logarithmic
    above.

    Slaney 1998, Auditory Toolbox: 200/3 Hz a mel below 1 kHz (15 mel), then 27 mel for a factor of 6.4.
    ``low`` and ``high`` in Hz bound the lowest and the highest triangle.
    """
    octave = np.log(6.4) / 27.0

    def mel(hz: Doubles) -> Doubles:
        return np.where(hz >= 1000, 15 + np.log(np.maximum(hz, 1e-9) / 1000) / octave, hz * 3 / 200)

    def hertz(mels: Doubles) -> Doubles:
        return np.where(mels >= 15, 1000 * np.exp((mels - 15) * octave), mels * 200 / 3)

    edges = hertz(np.linspace(mel(np.array(low)), mel(np.array(high)), bands + 2))
    frequency = np.linspace(0, rate / 2, window // 2 + 1)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangle = np.minimum((frequency - left) / (centre - left), (right - frequency) / (right - centre))
    return np.maximum(triangle, 0) * 2 / (right - left)

"""What the network itself makes audible, each on a pitch of its own so that tests can tell them apart.

No speech is synthesised: `<Say>` is a steady 440 Hz tone that lasts as long as the words would, `<Play>`
of something that is not an 8 kHz WAV is 660 Hz, wait music 350 Hz, hold music 520 Hz, ringback 230 Hz, a
conference beep 1000 Hz for 200 ms. Keys are the standard dual tones (ITU-T Q.23).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .g711 import SAMPLE_RATE, Pcm, encode

SAY_HZ = 440.0
PLAY_HZ = 660.0
WAIT_MUSIC_HZ = 350.0
HOLD_MUSIC_HZ = 520.0
RINGBACK_HZ = 230.0
RINGBACK_SECONDS = (1.0, 4.0)  # of tone and of silence
BEEP_HZ = 1000.0
BEEP_SECONDS = 0.2
MUSIC_SECONDS = 10.0
SECONDS_PER_WORD = 0.4  # 150 words a minute, the usual pace of a reading voice
PLACEHOLDER_SECONDS = 3.0
KEY_SECONDS = 0.1
KEY_GAP_SECONDS = 0.1
LEVEL = 0.1  # of full scale: -20 dBFS

_ROWS = (697.0, 770.0, 852.0, 941.0)
_COLUMNS = (1209.0, 1336.0, 1477.0, 1633.0)
_KEYPAD = ("123A", "456B", "789C", "*0#D")
KEYS = frozenset("".join(_KEYPAD))


def tone(seconds: float, *frequencies: float, level: float = LEVEL) -> Pcm:
    """A sum of sines, int16 at 8 kHz, `level` of full scale in total."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = sum((np.sin(2 * np.pi * f * t) for f in frequencies), np.zeros_like(t))
    return (wave * (32767 * level / max(1, len(frequencies)))).astype(np.int16)


def spoken_seconds(text: str) -> float:
    """How long a voice would take to read `text`; at least 0.4 s."""
    return max(1, len(text.split())) * SECONDS_PER_WORD


@lru_cache(maxsize=64)
def tone_ulaw(seconds: float, frequency: float) -> bytes:
    """A single tone as µ-law bytes."""
    return encode(tone(seconds, frequency))


@lru_cache(maxsize=16)
def key_tone(key: str) -> bytes:
    """The dual tone of one key, 100 ms, as µ-law bytes.

    Raises:
        ValueError: not one of 0-9, A-D, # and *.
    """
    for row, keys in enumerate(_KEYPAD):
        if key in keys and len(key) == 1:
            return encode(tone(KEY_SECONDS, _ROWS[row], _COLUMNS[keys.index(key)], level=0.3))
    raise ValueError(f"no such key: {key!r}; use 0-9, A-D, # or *")

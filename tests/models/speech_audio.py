"""Audio for the tests of models: the product's own clips and a caller made of the espeak voice."""

import numpy as np

from models.speech import Delivery, Pcm, Synthesizer
from models.tts.clips import FOLDER
from telephony.g711 import decode_ulaw


def clip(name: str) -> Pcm:
    """A sentence the product ships with, 8 kHz."""
    return decode_ulaw((FOLDER / f"{name}.ulaw").read_bytes())


def quiet(seconds: float) -> Pcm:
    return np.zeros(int(8000 * seconds), np.int16)


async def spoken(voice: Synthesizer, text: str, delivery: Delivery | None = None) -> Pcm:
    chunks = [chunk async for chunk in voice.synthesize(text, delivery or Delivery())]
    return np.concatenate([np.zeros(0, np.int16), *chunks])

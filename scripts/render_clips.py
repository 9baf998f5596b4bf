"""Renders the sentences of last resort (models/tts/clips) with the espeak voice. Usage: python
scripts/render_clips.py"""

import asyncio

import numpy as np

from models.speech import Delivery
from models.tts.clips import FOLDER, SENTENCES
from models.tts.espeak import EspeakVoice
from telephony.g711 import encode_ulaw


async def main() -> None:
    """Write one mu-law file per sentence."""
    voice = EspeakVoice()
    await voice.start()
    FOLDER.mkdir(exist_ok=True)
    for name, text in SENTENCES.items():
        pcm = np.concatenate([chunk async for chunk in voice.synthesize(text, Delivery())])
        (FOLDER / f"{name}.ulaw").write_bytes(encode_ulaw(pcm))
        print(f"{name}: {len(pcm) / 8000:.1f} s")
    await voice.close()


if __name__ == "__main__":
    asyncio.run(main())

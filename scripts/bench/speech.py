"""What the callers of a load test say, and short words for the voice-activity test."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.speech import Delivery, Synthesizer
from models.tts.espeak import EspeakVoice
from models.tts.flite import FliteVoice
from telephony.g711 import decode_ulaw, encode_ulaw

Pcm = npt.NDArray[np.int16]

QUESTION = "what are your opening hours"
"""Can be asked again and again, and the answer is long enough to be interrupted."""

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
VOICES = (Delivery(pitch=0.8), Delivery(rate=1.4, pitch=0.9), Delivery(rate=1.2, pitch=1.4))
VOICED = 300
"""Absolute sample value from which a synthetic voice counts as sounding."""


async def spoken(texts: Sequence[str], delivery: Delivery | None = None) -> list[Pcm]:
    """The texts in the embedded voice, through the telephone's µ-law, without silence around them."""
    voice: Synthesizer = EspeakVoice() if EspeakVoice.installed() else FliteVoice()
    await voice.start()
    try:
        clips = []
        for text in texts:
            chunks = [chunk async for chunk in voice.synthesize(text, delivery or Delivery(pitch=0.8))]
            clips.append(trimmed(decode_ulaw(encode_ulaw(np.concatenate(chunks)))))
    finally:
        await voice.close()
    return clips


def trimmed(pcm: Pcm) -> Pcm:
    """``pcm`` from its first to its last sounding sample."""
    sounding = np.flatnonzero(np.abs(pcm.astype(np.int32)) > VOICED)
    return pcm[sounding[0] : sounding[-1] + 1] if len(sounding) else pcm


async def detections(recorded: Path | None = None) -> tuple[int, int, int, float]:
    """Short words and noises through the voice-activity network and the call's own detector.

    Args:
        recorded: a folder of spoken digits, wav files of 8 kHz; without it they are synthesized.

    Returns:
        words detected, words said, false alarms, minutes of noise.
    """
    clips = await asyncio.to_thread(_recordings, recorded) if recorded else []
    for delivery in () if recorded else VOICES:
        clips += await spoken(DIGITS, delivery)
    noise = noises(np.random.default_rng(7))
    return await asyncio.to_thread(_count, clips, noise)


def _recorded(path: Path) -> Pcm:
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (8000, 1, 2):
            raise SystemExit(f"{path}: 8 kHz mono wav of 16 bits is wanted")
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def _recordings(folder: Path) -> list[Pcm]:
    return [_recorded(path) for path in sorted(folder.glob("*.wav"))]


def noises(chance: np.random.Generator) -> list[Pcm]:
    """A quarter of a minute each: hiss, mains hum, clicks, a dial tone."""
    t = np.arange(15 * 8000) / 8000
    clicks = np.zeros(len(t))
    clicks[chance.integers(0, len(t), 60)] = 12_000
    return [
        samples.astype(np.int16)
        for samples in (
            chance.normal(0, 200, len(t)),
            600 * np.sin(2 * np.pi * 50 * t) + 300 * np.sin(2 * np.pi * 150 * t),
            clicks,
            1500 * (np.sin(2 * np.pi * 350 * t) + np.sin(2 * np.pi * 440 * t)),
        )
    ]


def _count(words: list[Pcm], noise: list[Pcm]) -> tuple[int, int, int, float]:
    heard = sum(_starts(word) > 0 for word in words)
    alarms = sum(_starts(sound) for sound in noise)
    return heard, len(words), alarms, sum(map(len, noise)) / 8000 / 60


def _starts(pcm: Pcm) -> int:
    from models.vad.silero import SileroVad
    from voice_agent.call.leg_audio import LegAudio
    from voice_agent.call.voice_activity import SpeechDetector

    class Counter:
        starts = 0

        def on_speech_started(self, position: int) -> None:
            self.starts += 1

        def on_speech_progress(self, seconds: float) -> None:
            return

        def on_speech_stopped(self, position: int) -> None:
            return

    model, counter = SileroVad(), Counter()
    detector = SpeechDetector(LegAudio(), counter)
    rest = np.zeros(4000, np.int16)
    audio = np.concatenate([rest, pcm, rest])
    for begin in range(0, len(audio) - model.chunk + 1, model.chunk):
        chunk = audio[begin : begin + model.chunk]
        probability = model.run(chunk[None], [detector.state])[0]
        detector.step(float(probability), model.chunk)
    return counter.starts


def telephone_frames(pcm: Pcm) -> list[bytes]:
    """20 ms µ-law frames, the last one filled with silence."""
    ulaw = encode_ulaw(pcm)
    return [ulaw[at : at + 160].ljust(160, b"\xff") for at in range(0, len(ulaw), 160)]

"""Voices: text to 8 kHz speech, and the ladder from the best to the surest."""

from models.speech import Synthesizer
from models.tts.caching import CachingVoice
from models.tts.clips import CachedClips
from models.tts.espeak import EspeakVoice
from models.tts.flite import FliteVoice
from models.tts.kokoro import KokoroVoice
from models.tts.ladder import VoiceLadder

__all__ = [
    "CachedClips",
    "CachingVoice",
    "EspeakVoice",
    "FliteVoice",
    "KokoroVoice",
    "VoiceLadder",
    "embedded_voice",
    "voice_ladder",
]


def embedded_voice(*, workers: int = 1) -> tuple[Synthesizer, ...]:
    """The rungs that need no network, best first: flite where the system has it, espeak-ng, fixed clips."""
    rungs: list[Synthesizer] = []
    if FliteVoice.installed():
        rungs.append(FliteVoice())
    if EspeakVoice.installed():
        rungs.append(EspeakVoice(workers))
    return (*rungs, CachedClips())


def voice_ladder(*voices: Synthesizer) -> CachingVoice:
    """One voice out of several, best first; sentences that come again are spoken from memory."""
    return CachingVoice(VoiceLadder(voices))

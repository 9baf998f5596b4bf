"""Voices: text to 8 kHz speech, and the ladder from the best to the surest."""

from models.tts.espeak import EspeakVoice

__all__ = ["EspeakVoice"]

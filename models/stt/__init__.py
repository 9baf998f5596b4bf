"""Recognizers: what was said in an utterance, given what was expected."""

from models.stt.moonshine import MoonshineRecognizer
from models.stt.recognizer import EmbeddedRecognizer

__all__ = ["EmbeddedRecognizer", "MoonshineRecognizer"]

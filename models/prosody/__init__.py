"""What a caller's voice says of how they feel."""

from models.prosody.baseline import CallerBaseline
from models.prosody.prosody import Dimension, ProsodyModel, ProsodyReading, VoiceEmotion, neutral

__all__ = ["CallerBaseline", "Dimension", "ProsodyModel", "ProsodyReading", "VoiceEmotion", "neutral"]

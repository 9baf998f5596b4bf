"""What a caller's words say of how they feel."""

from models.language.cues import Cues
from models.language.labels import Emotion, Group, Sentiment
from models.language.language import NEUTRAL, LanguageModel, LanguageReading

__all__ = ["NEUTRAL", "Cues", "Emotion", "Group", "LanguageModel", "LanguageReading", "Sentiment"]

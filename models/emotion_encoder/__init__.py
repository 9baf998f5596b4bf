"""Two seconds of a caller's voice as one vector, shared by the prosody and the vocal-burst model."""

from models.emotion_encoder.encoder import VECTOR, EmotionEncoder, Encoding
from models.emotion_encoder.window import Defect, Sound

__all__ = ["VECTOR", "Defect", "EmotionEncoder", "Encoding", "Sound"]

"""Voice activity: is somebody speaking in these 32 ms?"""

from models.vad.silero import SileroVad

__all__ = ["SileroVad"]

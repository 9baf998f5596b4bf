"""What a caller utters without words."""

from models.vocal_burst.categories import Delivery, Kind
from models.vocal_burst.vocal_burst import VocalBurstModel, VocalBurstReading, neutral

__all__ = ["Delivery", "Kind", "VocalBurstModel", "VocalBurstReading", "neutral"]

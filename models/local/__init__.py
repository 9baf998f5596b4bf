"""Larger models that do not come with the product: which there are, how they get here, and whether they are.

Nothing here runs by itself: weights are fetched when somebody asks for them, or placed by hand, and in both
cases are used only after their published sha256 was found right. :mod:`models.local.pull` does that; it is
not imported from here, because the workers of small models have no use for an HTTP client.
"""

from models.local.catalogue import KOKORO, MODELS, MOONSHINE, LocalModel, PublishedFile, model_named
from models.local.shelf import Shelf, Standing

__all__ = [
    "KOKORO",
    "MODELS",
    "MOONSHINE",
    "LocalModel",
    "PublishedFile",
    "Shelf",
    "Standing",
    "model_named",
]

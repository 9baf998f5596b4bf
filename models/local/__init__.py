"""Larger models that do not come with the product: which there are, how they get here, and whether they are.

Nothing here runs by itself: weights are fetched when somebody asks for them, or placed by hand, and in both
cases are used only after their published sha256 was found right.
"""

from models.local.catalogue import KOKORO, MODELS, MOONSHINE, LocalModel, PublishedFile, model_named
from models.local.pull import PullError, pull
from models.local.shelf import Shelf, Standing

__all__ = [
    "KOKORO",
    "MODELS",
    "MOONSHINE",
    "LocalModel",
    "PublishedFile",
    "PullError",
    "Shelf",
    "Standing",
    "model_named",
    "pull",
]

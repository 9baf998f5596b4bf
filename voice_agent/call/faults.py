"""Errors in the log: of which kind and where. Never their message, which may quote a patient."""

from __future__ import annotations

import traceback
from pathlib import PurePath


def place_of(error: BaseException) -> str:
    """Where ``error`` was raised, as ``folder/file.py:line``; "" when it was not raised at all."""
    frames = list(traceback.walk_tb(error.__traceback__))
    if not frames:
        return ""
    frame, line = frames[-1]
    return f"{'/'.join(PurePath(frame.f_code.co_filename).parts[-2:])}:{line}"


def kind_of(error: BaseException) -> str:
    """Type and place of ``error``, for a reason."""
    place = place_of(error)
    return f"{type(error).__name__} at {place}" if place else type(error).__name__

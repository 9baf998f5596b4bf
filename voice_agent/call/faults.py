"""Errors in the log: of which kind and where. Never their message, which may quote a patient."""

from __future__ import annotations

import errno
import textwrap
import time
import traceback
from collections.abc import Callable
from pathlib import PurePath
from typing import Final, TextIO

import structlog
from structlog.typing import ExcInfo

log = structlog.get_logger(__name__)

AGAIN_S: Final = 10.0
"""A fault that goes on is logged at most this often: what ticks would otherwise fill a disk."""


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


def write_traceback(out: TextIO, exc_info: ExcInfo) -> None:
    """A traceback without the messages of errors: a database quotes the row that it refuses. For
    :class:`structlog.dev.ConsoleRenderer`."""
    out.write("\n" + _traceback(exc_info[1], set()))


def _traceback(error: BaseException, seen: set[int]) -> str:
    seen.add(id(error))
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = ""
    if cause is not None and id(cause) not in seen:
        before = _traceback(cause, seen) + "That led to:\n"
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, OSError) and error.errno is not None:
        name += f" ({errno.errorcode.get(error.errno, error.errno)})"
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    within = "".join(textwrap.indent(_traceback(each, seen), "  ") for each in inner)
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{before}Traceback (most recent call last):\n{frames}{name}\n{within}"


class TickFaults:
    """Logs what breaks in something that runs many times a second: the first fault of a kind at once, then
    how many there were. Kinds are as few as places in the source that raise."""

    def __init__(self, where: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._where = where
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}
        """Kind to when it was last logged, and how often it came since."""

    def __call__(self, error: Exception, call_sid: str = "") -> None:
        """``error`` broke one run, on the call ``call_sid`` where that is known."""
        kind = (type(error).__name__, place_of(error))
        now = self._clock()
        logged_at, count = self._seen.get(kind, (now - AGAIN_S, 0))
        count += 1
        if now - logged_at < AGAIN_S:
            self._seen[kind] = (logged_at, count)
            return
        self._seen[kind] = (now, 0)
        log.error("tick_failed", where=self._where, error=kind[0], at=kind[1], call_sid=call_sid, count=count)

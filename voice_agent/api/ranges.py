"""Byte ranges of HTTP (RFC 9110, section 14): how a browser jumps within a recording."""

from __future__ import annotations

import re

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


class Unsatisfiable(ValueError):
    """The range lies outside of the file: answer 416."""


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """First byte and end (exclusive) of the one range in ``header``; None to send everything.

    A header that is not understood, or asks for several ranges, is to be ignored (section 14.2).

    Raises:
        Unsatisfiable: when no byte of a file of ``size`` bytes lies in the range.
    """
    match = _ONE_RANGE.fullmatch(header.strip()) if header else None
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < int(first):
            return None
    if start >= stop:
        raise Unsatisfiable(f"bytes {match.group(0)!r} of {size}")
    return start, stop

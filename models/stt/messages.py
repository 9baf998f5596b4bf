"""What the recognizer and its worker processes say to each other.

Every payload begins with four bytes that name the utterance, so that what a worker still says of one that
was given up is told from what it says of the next.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import IntEnum

from models.expectation import AnswerKind, Expectation
from models.speech import Transcript, Word


class Message(IntEnum):
    """Kinds of message, to the worker and from it."""

    READY = 1
    """Why the worker hears less well than it could follows, or nothing."""
    OPEN = 2
    """An expectation follows, and whether partial results are wanted."""
    AUDIO = 3
    """int16 samples at 8 kHz follow."""
    FINISH = 4
    CANCEL = 5
    PARTIAL = 6
    FINAL = 7
    FAILED = 8
    GLANCE = 9
    """To the worker: what would it be if the speech ended here? From it: a transcript, or nothing."""


def tag(number: int) -> bytes:
    """The name of an utterance."""
    return (number % 2**32).to_bytes(4, "big")


def pack_opening(expectation: Expectation, partials: bool) -> bytes:
    """As JSON. ``partials``: whether somebody listens for partial results. The prompt is needed: a date of
    birth is asked for otherwise than a day to come."""
    fields = {
        "kinds": [kind.value for kind in expectation.kinds],
        "digits": expectation.digits,
        "phrases": expectation.phrases,
        "keyterms": expectation.keyterms,
        "prompt": expectation.prompt,
        "partials": partials,
    }
    return json.dumps(fields).encode()


def unpack_opening(data: bytes) -> tuple[Expectation, bool]:
    """The other end of :func:`pack_opening`."""
    fields = json.loads(data)
    expectation = Expectation(
        tuple(AnswerKind(kind) for kind in fields["kinds"]),
        fields["digits"],
        tuple(fields["phrases"]),
        tuple(fields["keyterms"]),
        fields["prompt"],
    )
    return expectation, bool(fields["partials"])


def pack_transcript(transcript: Transcript) -> bytes:
    """As JSON."""
    return json.dumps(asdict(transcript)).encode()


def unpack_transcript(data: bytes) -> Transcript:
    """The other end of :func:`pack_transcript`."""
    fields = json.loads(data)
    words = tuple(Word(**word) for word in fields.pop("words"))
    alternatives = tuple((text, confidence) for text, confidence in fields.pop("alternatives"))
    return Transcript(**fields, words=words, alternatives=alternatives)

"""The table of all REST resources."""

from __future__ import annotations

from . import rest_calls, rest_conferences, rest_messages, rest_numbers, rest_recordings, rest_streams
from .exchange import Exchange
from .messages import Messages
from .rest import Route
from .rest_participants import Participants


def all_routes(exchange: Exchange, messages: Messages) -> list[Route]:
    """Every route; the first that fits is taken, so special paths come before general ones."""
    return [
        *rest_streams.routes(exchange),
        *rest_recordings.routes(exchange),
        *Participants(exchange).routes(),
        *rest_calls.routes(exchange),
        *rest_conferences.routes(exchange),
        *rest_messages.routes(messages),
        *rest_numbers.routes(exchange),
    ]

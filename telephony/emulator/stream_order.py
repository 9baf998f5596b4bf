"""What an application can ask for when it orders a media stream, and how a stream can end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

TRACKS = {
    "inbound_track": ("inbound",),
    "outbound_track": ("outbound",),
    "both_tracks": ("inbound", "outbound"),
}


class StreamKind(StrEnum):
    """Which verb or request opened the stream."""

    TAP = "tap"  # <Start><Stream> and Streams REST: we only send
    CONNECT = "connect"  # <Connect><Stream>: both ways, blocks the call's TwiML


class StreamEnd(StrEnum):
    """Why a stream is over."""

    CLOSED_BY_SERVER = "closed_by_server"
    STOPPED = "stopped"
    LOST = "lost"
    NEVER_OPENED = "never_opened"


@dataclass(frozen=True)
class StreamOrder:
    """What the application asked for; `track` is inbound_track, outbound_track or both_tracks."""

    url: str
    kind: StreamKind
    name: str = ""
    track: str = "inbound_track"
    status_callback: str = ""
    status_callback_method: str = "POST"
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def allowed_url(self) -> bool:
        """Whether the URL is wss, or ws on loopback; anything else is refused with 31922."""
        parts = urlsplit(self.url)
        return parts.scheme == "wss" or (parts.scheme == "ws" and _is_loopback(parts.hostname or ""))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

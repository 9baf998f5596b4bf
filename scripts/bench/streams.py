"""The network's end of a media stream: messages with true counters and timestamps, as Twilio numbers them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping

from bench.wire import WireSocket, frame

FRAME_MS = 20


class NetworkStream:
    """Writes the messages of one stream into its socket."""

    def __init__(self, socket: WireSocket, stream_sid: str) -> None:
        self.stream_sid = stream_sid
        self._socket = socket
        self._sequence = 0
        self._chunk = 0
        self.began_at = 0.0
        """``loop.time()`` of the first frame."""
        self._payloads: dict[bytes, bytes] = {}
        self._tail = b'"},"streamSid":"%s"}' % stream_sid.encode()

    def begin(self, account_sid: str, call_sid: str, parameters: Mapping[str, str]) -> None:
        """``connected`` and ``start``."""
        self._send({"event": "connected", "protocol": "Call", "version": "1.0.0"})
        start = {
            "accountSid": account_sid,
            "streamSid": self.stream_sid,
            "callSid": call_sid,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": dict(parameters),
        }
        self._numbered({"event": "start", "start": start})

    def media(self, ulaw: bytes) -> None:
        """The next 20 ms."""
        payload = self._payloads.get(ulaw)
        if payload is None:
            payload = self._payloads[ulaw] = base64.b64encode(ulaw)
        if not self._chunk:
            self.began_at = asyncio.get_running_loop().time()
        self._sequence += 1
        self._chunk += 1
        # Written by hand: this is 100 messages a second and call.
        self._socket.send(
            frame(
                b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d",'
                b'"timestamp":"%d","payload":"%s%s'
                % (self._sequence, self._chunk, (self._chunk - 1) * FRAME_MS, payload, self._tail)
            )
        )

    @property
    def seconds(self) -> float:
        """Sound written so far, by its own clock."""
        return self._chunk * FRAME_MS / 1000

    def mark(self, name: str) -> None:
        """A mark comes back."""
        self._numbered({"event": "mark", "mark": {"name": name}})

    def stop(self, account_sid: str, call_sid: str) -> None:
        """The stream is over; then the socket is closed."""
        self._numbered({"event": "stop", "stop": {"accountSid": account_sid, "callSid": call_sid}})
        self._socket.close()

    def _numbered(self, message: dict[str, object]) -> None:
        self._sequence += 1
        self._send(message | {"sequenceNumber": str(self._sequence), "streamSid": self.stream_sid})

    def _send(self, message: dict[str, object]) -> None:
        self._socket.send(frame(json.dumps(message, separators=(",", ":")).encode()))

"""WebSockets that are read before the application asks for the next message.

uvicorn stops reading a socket with every message that arrives and goes on when it was taken: two system
calls for every 20 ms of sound, at forty calls a tenth of a core. Here it stops when the application is
behind.
"""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

READ_AHEAD: Final = 32
"""Messages that may wait for the application: two thirds of a second of sound."""


class ReadingAhead(WebSocketsSansIOProtocol):
    """uvicorn's protocol, which pauses a peer only when :data:`READ_AHEAD` of its messages wait."""

    def send_receive_event_to_app(self) -> None:
        """Queue one message; the base class pauses the transport unless it believes that it did."""
        if self.read_paused or self.queue.qsize() >= READ_AHEAD - 1:
            super().send_receive_event_to_app()
            return
        self.read_paused = True
        try:
            super().send_receive_event_to_app()
        finally:
            self.read_paused = False

"""How far a reader of events is in each call: which event comes next, which was told already, which is
missing.

Pure: :class:`~voice_agent.call.event_feed.EventFeed` asks it about every event that it comes by.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from voice_agent.call.events import CallEvent, SessionEnd, SessionInfo

ENDED_KEPT: Final = 1_000
"""Calls that are remembered after their end was read from the database: what the bus brings of them so late
is not new. More than a full queue of the bus can hold events of."""


_LAST_KINDS: Final = frozenset({"session_end", "session_info"})
"""Kinds of the events that may be a call's last."""


class Positions:
    """The reader's place in every call. A call is forgotten some time after its recorded end was read."""

    def __init__(self, last: dict[str, int], *, joins_anywhere: bool) -> None:
        """``last``: the newest event that the reader has, per call. ``joins_anywhere``: an unknown call is
        taken up where it happens to be."""
        self.last = last
        self.ahead = dict(last)
        """Calls of which the reader has more than was read from the database, and how far."""
        self._resumed = dict(last)
        self._wanted: dict[str, int] = {}
        self._ended: set[str] = set()
        self._done: OrderedDict[str, None] = OrderedDict()
        self._joins_anywhere = joins_anywhere

    def takes_live(self, event: CallEvent) -> bool:
        """Whether a live event is the reader's next; otherwise remember that one is missing."""
        sid, last = event.call_sid, self.last.get(event.call_sid)
        if event.seq == (last or 0) + 1 or (last is None and self._joins_anywhere):
            self._advance(event)
            self.ahead[sid] = event.seq
            return True
        if event.seq > (last or 0):
            self._wanted[sid] = max(event.seq, self._wanted.get(sid, 0))
            return False
        return self._ends_late(event)

    def takes_recorded(self, event: CallEvent) -> bool:
        """Whether a recorded event is new to the reader. To be asked in the order of the records."""
        sid = event.call_sid
        self.passes_recorded(sid, event.seq)
        is_new = event.seq > self.last.get(sid, 0)
        if is_new:
            self._advance(event)
        taken = is_new or self._ends_late(event)
        if _is_last(event):
            self._forget_later(sid)
        return taken

    def has_recorded(self, call_sid: str, seq: int, kind: str) -> bool:
        """Whether the reader had this event before and nothing else hangs on it: then it need not be read."""
        return kind not in _LAST_KINDS and seq <= self.last.get(call_sid, 0)

    def passes_recorded(self, call_sid: str, seq: int) -> None:
        """An event that was not read, in the order of the records."""
        if seq >= self.ahead.get(call_sid, 0):
            self.ahead.pop(call_sid, None)

    @property
    def hole(self) -> bool:
        """Whether something is known to be missing."""
        self._wanted = {sid: seq for sid, seq in self._wanted.items() if self.last.get(sid, 0) < seq}
        return bool(self._wanted)

    def _advance(self, event: CallEvent) -> None:
        self.last[event.call_sid] = event.seq
        if isinstance(event, SessionEnd):
            self._ended.add(event.call_sid)

    def _ends_late(self, event: CallEvent) -> bool:
        """Whether an event that comes too late ends a call of which no end was told. Whoever ends the call of
        a dead process may number the end lower than what others have seen of the call."""
        sid = event.call_sid
        ends = isinstance(event, SessionEnd) and sid not in self._ended
        if not ends or event.seq <= self._resumed.get(sid, 0):
            return False
        self._ended.add(sid)
        return True

    def _forget_later(self, call_sid: str) -> None:
        self._done[call_sid] = None
        while len(self._done) > ENDED_KEPT:
            sid, _ = self._done.popitem(last=False)
            self._ended.discard(sid)
            for known in (self.last, self.ahead, self._wanted):
                known.pop(sid, None)


def _is_last(event: CallEvent) -> bool:
    """Whether nothing follows an event in its call. One that was refused has no other."""
    return isinstance(event, SessionEnd) or (isinstance(event, SessionInfo) and event.name == "call_refused")

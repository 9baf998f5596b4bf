"""The account's conferences, found by name or SID."""

from __future__ import annotations

from .conference import Conference, ConferenceStatus
from .recordings import RecordingShelf
from .services import Services


class Rooms:
    """All conferences; at most one of a name is active (unless a switch says otherwise)."""

    def __init__(self, services: Services, shelf: RecordingShelf) -> None:
        self._services = services
        self._shelf = shelf
        self._by_sid: dict[str, Conference] = {}
        self._active: dict[str, Conference] = {}

    def active(self) -> list[Conference]:
        """The conferences that have not ended."""
        self._forget_ended()
        return [c for c in self._by_sid.values() if c.status is not ConferenceStatus.COMPLETED]

    def all(self) -> list[Conference]:
        """Every conference, newest first."""
        return list(reversed(self._by_sid.values()))

    def with_sid(self, sid: str) -> Conference | None:
        """The conference with that CF sid, ended or not."""
        return self._by_sid.get(sid)

    def open(self, name: str, *, by_rest: bool) -> Conference:
        """The active conference of that name, created if there is none."""
        self._forget_ended()
        found = self._active.get(name)
        split = self._services.config.switches.two_conferences_of_one_name
        if found is not None and not (split and not by_rest and not found.ever_joined):
            return found
        conference = Conference(name, self._services, self._shelf.add)
        self._by_sid[conference.sid] = conference
        self._active[name] = conference
        return conference

    def tick(self) -> None:
        """Mix one frame in every conference."""
        for conference in list(self._active.values()):
            conference.tick()
        if self._services.config.switches.two_conferences_of_one_name:
            for conference in self._by_sid.values():
                if conference is not self._active.get(conference.name):
                    conference.tick()

    def _forget_ended(self) -> None:
        for name, conference in list(self._active.items()):
            if conference.status is ConferenceStatus.COMPLETED:
                del self._active[name]

"""Who of the operators is on duty, and whether anybody could take a call now."""

from __future__ import annotations

from collections.abc import Iterable


class OnDuty:
    """Operators who are online, and those of them who are on a call. Kept by whoever knows: the operators'
    own status changes, and the view of live calls."""

    def __init__(self) -> None:
        self._online: set[str] = set()
        self._engaged: set[str] = set()
        self._engaged_elsewhere: frozenset[str] = frozenset()

    def online(self, operator_id: str) -> None:
        """The operator takes calls. Idempotent."""
        self._online.add(operator_id)

    def offline(self, operator_id: str) -> None:
        """The operator does not. Idempotent."""
        self._online.discard(operator_id)

    def engaged(self, operator_id: str) -> None:
        """The operator is being called into a call, or is on one."""
        self._engaged.add(operator_id)

    def released(self, operator_id: str) -> None:
        """The operator's call is over. Idempotent."""
        self._engaged.discard(operator_id)

    def engaged_elsewhere(self, operator_ids: Iterable[str]) -> None:
        """All operators who are on calls of other processes."""
        self._engaged_elsewhere = frozenset(operator_ids)

    @property
    def on_calls(self) -> tuple[str, ...]:
        """Operators who are on calls of this process, or being called into one."""
        return tuple(sorted(self._engaged))

    async def anyone_free(self) -> bool:
        """True when an operator is online and on no call."""
        return bool(self._online - self._engaged - self._engaged_elsewhere)

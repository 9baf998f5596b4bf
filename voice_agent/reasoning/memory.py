"""What one conversation knows: collected fields, tool results, facts, and remarks nobody has used yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

MAX_REMARKS = 8
"""Unused remarks kept; older ones are forgotten: nobody expects an aside of ten turns ago to be acted on."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One collected value.

    Attributes:
        value: JSON-like value, or a date or time.
        state: qualified name of the state that collected it, "" when set by the graph.
        confirmed: True once the caller agreed to it.
        serial: order in which it was filled.
    """

    value: Any
    state: str = ""
    confirmed: bool = False
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Remark:
    """Words of the caller that may still be of use.

    ``acted_on`` is True when they already led somewhere: fields may be read from them, wishes no more.
    """

    text: str
    turn: int
    acted_on: bool = False


@dataclass(slots=True)
class Memory:
    """Everything templates and conditions can see.

    Attributes:
        constants: facts of the graph and of the settings.
        caller: what the line tells ("phone" and looked-up facts).
        now: start of the conversation, aware, in the practice's zone.
    """

    constants: dict[str, Any] = field(default_factory=dict)
    caller: dict[str, Any] = field(default_factory=dict)
    now: datetime | None = None
    slots: dict[str, Slot] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    emotion: dict[str, Any] = field(default_factory=dict)
    risk: dict[str, Any] = field(default_factory=dict)
    event: dict[str, Any] = field(default_factory=dict)
    channel: str = ""
    state: str = ""
    turns: int = 0
    remarks: deque[Remark] = field(default_factory=lambda: deque(maxlen=MAX_REMARKS))
    serial: int = 0
    """Counts fills; the newest field has it."""

    @property
    def today(self) -> date:
        """The practice's date."""
        return self.now.date() if self.now is not None else date.min

    def lookup(self, path: str) -> Any:
        """Value of a dotted path, None when unknown. Collected fields come before results, results before
        facts."""
        name, *steps = path.split(".")
        value = self._root(name)
        for step in steps:
            value = _step(value, step)
            if value is None:
                return None
        return value

    def _root(self, name: str) -> Any:
        if (slot := self.slots.get(name)) is not None:
            return slot.value
        if name in self.results:
            return self.results[name]
        if name in self.constants:
            return self.constants[name]
        known: dict[str, Any] = {
            "caller": self.caller,
            "now": self.now,
            "today": self.today if self.now is not None else None,
            "emotion": self.emotion,
            "risk": self.risk,
            "event": self.event,
            "channel": self.channel,
            "state": self.state,
            "turns": self.turns,
        }
        return known.get(name)

    def fill(self, key: str, value: Any, *, state: str = "", confirmed: bool = False) -> None:
        """Write a field; filling it again makes it the newest."""
        self.serial += 1
        self.slots[key] = Slot(value, state, confirmed, self.serial)

    def confirm(self, key: str) -> None:
        """The caller agreed to the value."""
        slot = self.slots[key]
        self.slots[key] = Slot(slot.value, slot.state, True, slot.serial)

    def forget(self, key: str) -> None:
        """Forget a field; unknown keys are fine."""
        self.slots.pop(key, None)

    def newest(self) -> tuple[str, Slot] | None:
        """The field the caller gave last."""
        given = [(key, slot) for key, slot in self.slots.items() if slot.state]
        return max(given, key=lambda item: item[1].serial, default=None)

    def remember(self, text: str, *, acted_on: bool = False) -> None:
        """Keep a remark for later states."""
        if text:
            self.remarks.append(Remark(text, self.turns, acted_on))

    def start_over(self) -> None:
        """Forget everything the caller said; keep who is calling and the constants."""
        self.slots.clear()
        self.results.clear()
        self.remarks.clear()


RESERVED_ROOTS = frozenset(
    {"caller", "now", "today", "emotion", "risk", "event", "channel", "state", "turns"}
)
"""Roots of paths that every conversation has."""


def plain(value: Any) -> Any:
    """Models and dataclasses as mappings, tuples as lists; dates and times stay."""
    if isinstance(value, BaseModel):
        return plain(value.model_dump())
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        if step in value:
            return value[step]
        return len(value) if step == "count" else None
    if isinstance(value, list | tuple):
        if step == "count":
            return len(value)
        if step in ("first", "last"):
            return value[0 if step == "first" else -1] if value else None
        return value[int(step)] if step.isdigit() and int(step) < len(value) else None
    if isinstance(value, date) and step in ("year", "month", "day"):
        return getattr(value, step)
    return None

"""Faults on demand: what a test asks the network to do wrong, and how often.

A fault is taken from the list by the place that can commit it: a webhook by its URL, a stream by its
name or URL, an app leg by its SID. `times` counts down with every use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from .events import Event, EventKind, EventLog


class FaultKind(StrEnum):
    """What can be made to go wrong, with the meaning of `Fault.value`."""

    DUPLICATE_WEBHOOK = "duplicate_webhook"  # the request is made twice at once; the first answer counts
    SLOW_WEBHOOK = "slow_webhook"  # the answer arrives `value` seconds late
    FAIL_WEBHOOK = "fail_webhook"  # the answer is HTTP status `value`; the application never sees it
    UNREACHABLE_WEBHOOK = "unreachable_webhook"  # no connection
    DUPLICATE_CALLBACK = "duplicate_callback"  # a status callback comes twice
    DELAY_CALLBACK = "delay_callback"  # a status callback comes `value` seconds late, others overtake it
    REORDER_CALLBACK = "reorder_callback"  # a status callback is sent after the one that follows it
    LOSE_CALLBACK = "lose_callback"  # a status callback is never sent
    REFUSE_STREAM = "refuse_stream"  # the socket is not opened: 31920
    DROP_STREAM = "drop_stream"  # the socket is lost `value` seconds after start, without `stop`: 31903
    SLOW_READER = "slow_reader"  # nothing is delivered for `value` seconds: 31930
    JITTER_MEDIA = "jitter_media"  # inbound media waits up to `value` seconds and comes in bunches
    BURST_MEDIA = "burst_media"  # inbound media is held back once for `value` seconds, then comes at once
    LOSE_MEDIA = "lose_media"  # each inbound media frame is lost with probability `value`
    LATE_APP_LEG = "late_app_leg"  # an app: participant takes `value` seconds more to answer
    FAIL_APP_LEG = "fail_app_leg"  # an app: participant fails instead of answering
    FAIL_REST = "fail_rest"  # a REST request ("POST /2010-04-01/…") is answered with HTTP status `value`
    HANG_UP_CALLER = "hang_up_caller"  # the phone hangs up when the event kind `match` is logged for it


@dataclass(frozen=True)
class Fault:
    """One order to misbehave.

    Attributes:
        match: text that must occur in what the fault is applied to (URL, stream name or SID, call SID,
            event kind); empty matches everything.
        value: seconds, probability or HTTP status, depending on the kind.
        times: how often; None is until removed.
    """

    kind: FaultKind
    match: str = ""
    value: float = 0.0
    times: int | None = 1


class Faults:
    """The faults that wait to be committed."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._waiting: list[Fault] = []

    @property
    def waiting(self) -> list[Fault]:
        """Faults not used up yet."""
        return list(self._waiting)

    def add(self, kind: FaultKind, match: str = "", value: float = 0.0, times: int | None = 1) -> Fault:
        """Order a fault. Raises ValueError for a negative value or a count below 1."""
        if value < 0 or (times is not None and times < 1):
            raise ValueError(f"fault {kind} needs value >= 0 and times >= 1, got {value} and {times}")
        fault = Fault(FaultKind(kind), match, value, times)
        self._waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all faults that still wait."""
        self._waiting.clear()

    def take(self, kind: FaultKind, *subjects: str, call_sid: str = "") -> Fault | None:
        """Use up the first fault of that kind whose `match` occurs in one of the subjects."""
        for index, fault in enumerate(self._waiting):
            if fault.kind is kind and any(fault.match in subject for subject in subjects):
                if fault.times is not None:
                    if fault.times == 1:
                        del self._waiting[index]
                    else:
                        self._waiting[index] = replace(fault, times=fault.times - 1)
                self._log.record(EventKind.FAULT_APPLIED, call_sid, fault=kind.value, value=fault.value)
                return fault
        return None

    def watch_for_hang_ups(self, hang_up: Callable[[str], bool]) -> Callable[[], None]:
        """Commit HANG_UP_CALLER faults.

        Args:
            hang_up: hangs up the human behind the given call (or the conference it is about) and says
                whether there was one.

        Returns:
            A function that stops watching.
        """

        def commit(fault: Fault, call_sid: str) -> None:
            if hang_up(call_sid):
                self._log.record(EventKind.FAULT_APPLIED, call_sid, fault=fault.kind.value)
            else:
                self._waiting.insert(0, fault)

        def on_event(event: Event) -> None:
            for fault in self._waiting:
                if fault.kind is FaultKind.HANG_UP_CALLER and fault.match == event.kind.value:
                    self._waiting.remove(fault)
                    # Not from within the event: its writer is in the middle of what the hang-up ends.
                    asyncio.get_running_loop().call_soon(commit, fault, event.call_sid)
                    return

        return self._log.subscribe(on_event)

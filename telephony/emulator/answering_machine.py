"""Answering-machine detection with scripted verdicts: who answered is written in the phone's behaviour."""

from __future__ import annotations

from dataclasses import dataclass

from .callbacks import Callback
from .clock import pause
from .events import EventKind
from .leg import Leg
from .phones import PhoneBehaviour


@dataclass(frozen=True)
class MachineOrder:
    """What was asked for.

    Attributes:
        wait_for_end: `DetectMessageEnd`; otherwise `Enable`.
        timeout_s: after which the verdict is `unknown`.
        asynchronous: the TwiML is not held up; the verdict goes to `callback_url`.
    """

    wait_for_end: bool = False
    timeout_s: float = 30.0
    asynchronous: bool = False
    callback_url: str = ""
    callback_method: str = "POST"


def scripted_verdict(behaviour: PhoneBehaviour, order: MachineOrder) -> tuple[str, float]:
    """The verdict and the seconds from the answer until it is known."""
    verdict, after_s = behaviour.answered_by, behaviour.verdict_after_s
    if verdict.startswith("machine"):
        if not order.wait_for_end:
            verdict = "machine_start"
        else:
            verdict = "machine_end_beep" if verdict == "machine_start" else verdict
            after_s = max(after_s, behaviour.greeting_s)
    return ("unknown", order.timeout_s) if after_s > order.timeout_s else (verdict, after_s)


async def detect(leg: Leg, order: MachineOrder, behaviour: PhoneBehaviour) -> list[tuple[str, str]]:
    """Wait for the verdict and return the form fields that carry it."""
    verdict, after_s = scripted_verdict(behaviour, order)
    await pause(leg.services.clock, after_s)
    leg.answered_by = verdict
    leg.services.log.record(EventKind.CALL_MACHINE_DETECTED, leg.sid, answered_by=verdict)
    return [("AnsweredBy", verdict), ("MachineDetectionDuration", str(round(after_s * 1000)))]


async def detect_in_background(leg: Leg, order: MachineOrder, behaviour: PhoneBehaviour) -> None:
    """Detect beside the running TwiML and post the verdict; takes one track of the call meanwhile."""
    leg.tracks_taken += 1
    try:
        verdict = await detect(leg, order, behaviour)
    finally:
        leg.tracks_taken -= 1
    if leg.live:
        fields = [
            ("CallSid", leg.sid),
            ("AccountSid", leg.services.config.account_sid),
            *verdict,
        ]
        leg.services.callbacks.fire(
            Callback(leg.sid, order.callback_url, order.callback_method, fields, "amd", leg.sid)
        )

"""`<Dial>` to numbers and clients: child legs ring together, the first that answers is bridged."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from .audio_documents import fetched_audio, pressed
from .clock import first_of
from .errors import WebhookFailed
from .identifiers import CLIENT, E164
from .leg import CallStatus, Direction, Leg, Progress
from .origination import ring
from .recordings import RecordingOrder, RecordingSource
from .sources import Clip, Loop
from .tones import RINGBACK_HZ, RINGBACK_SECONDS, tone_ulaw
from .twiml import Document, Element

if TYPE_CHECKING:
    from .program import Program

Fields = list[tuple[str, str]]

INVALID_NUMBER = 13224


async def dial_parties(program: Program, dial: Element, document: Document) -> Fields:
    """Ring every party of the verb and stay with the first that answers, until the bridge is over.

    Returns:
        The fields for the action URL: `DialCallStatus`, `DialCallSid`, `DialCallDuration`.
    """
    exchange, parent = program.exchange, program.leg
    parties = [noun for noun in dial.children if noun.name in ("Number", "Client")]
    if not parties and dial.text:
        parties = [Element("Number", text=dial.text)]
    children = [c for c in (_child(program, dial, noun, document) for noun in parties) if c is not None]
    if not children:
        return [("DialCallStatus", "failed")]
    ringback = tone_ulaw(RINGBACK_SECONDS[0], RINGBACK_HZ) + b"\xff" * round(RINGBACK_SECONDS[1] * 8000)
    parent.play(Loop(ringback))
    try:
        winner = await _first_answer(program, [leg for leg, _ in children], dial.number("timeout", 30))
        if winner is None:
            last = children[-1][0]
            return [("DialCallStatus", last.status.value), ("DialCallSid", last.sid)]
        noun = next(noun for leg, noun in children if leg is winner)
        await _whisper(program, winner, noun, document)
        program.answer()
        return await _bridged(program, dial, winner, document)
    finally:
        parent.stop_playing()
        for leg, _ in children:
            exchange.end(leg, CallStatus.COMPLETED if leg.live else CallStatus.CANCELED)
            if leg in parent.children:
                parent.children.remove(leg)


def _child(program: Program, dial: Element, noun: Element, document: Document) -> tuple[Leg, Element] | None:
    parent = program.leg
    if noun.name == "Client":
        identity = next((c.text for c in noun.children if c.name == "Identity"), noun.text)
        address, valid = f"client:{identity}", CLIENT.match(f"client:{identity}")
    else:
        address, valid = noun.text.replace(" ", ""), E164.match(noun.text.replace(" ", ""))
    if not valid:
        program.services.log.violate(INVALID_NUMBER, f"<Dial> cannot call {address!r}", parent.sid)
        return None
    callback = noun.get("statusCallback")
    caller_id = dial.get("callerId") or (
        parent.to if parent.direction is not Direction.INBOUND else parent.from_
    )
    leg = Leg(
        program.services,
        Direction.OUTBOUND_DIAL,
        address,
        caller_id,
        parent_sid=parent.sid,
        progress=Progress(
            urljoin(document.url, callback) if callback else "",
            noun.get("statusCallbackMethod", "POST"),
            noun.words("statusCallbackEvent", "completed"),
        ),
    )
    program.exchange.add(leg)
    parent.children.append(leg)
    return leg, noun


async def _first_answer(program: Program, legs: Sequence[Leg], timeout_s: float) -> Leg | None:
    async def call(leg: Leg) -> bool:
        leg.become(CallStatus.INITIATED)
        return await ring(program.exchange, leg, timeout_s)

    waiting = {asyncio.ensure_future(call(leg)): leg for leg in legs}
    try:
        while waiting:
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                leg = waiting.pop(task)
                if task.result():
                    return leg
        return None
    finally:
        for task in waiting:
            task.cancel()
        for leg in waiting.values():
            program.exchange.end(leg, CallStatus.CANCELED)


async def _whisper(program: Program, callee: Leg, noun: Element, document: Document) -> None:
    if digits := noun.get("sendDigits"):
        await callee.play(Clip(pressed(digits)))
    if url := noun.get("url"):
        with contextlib.suppress(WebhookFailed):
            audio = await fetched_audio(
                urljoin(document.url, url),
                noun.get("method", "POST"),
                callee.fields(),
                program.services,
                callee.sid,
            )
            await callee.play(Clip(audio))


async def _bridged(program: Program, dial: Element, callee: Leg, document: Document) -> Fields:
    parent, clock = program.leg, program.services.clock
    parent.stop_playing()
    parent.bridge, callee.bridge = callee, parent
    recording = None
    mode = dial.get("record", "do-not-record")
    if mode != "do-not-record":
        callback = dial.get("recordingStatusCallback")
        recording = program.exchange.record_leg(
            parent,
            RecordingOrder(
                RecordingSource.DIAL,
                channels=2 if mode.endswith("-dual") else 1,
                track=dial.get("recordingTrack", "both"),
                trim=dial.get("trim", "trim-silence") == "trim-silence",
                status_callback=urljoin(document.url, callback) if callback else "",
                status_callback_method=dial.get("recordingStatusCallbackMethod", "POST"),
                status_callback_events=dial.words("recordingStatusCallbackEvent", "completed"),
            ),
        )
    started = clock.monotonic()
    star: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_key(key: str) -> None:
        if key == "*" and dial.flag("hangupOnStar", False) and not star.done():
            star.set_result(None)

    forget = parent.listen_for_digits(on_key)
    limit = asyncio.ensure_future(clock.sleep_until(started + dial.number("timeLimit", 14400)))
    try:
        await first_of(callee.ended, limit, star)
    finally:
        limit.cancel()
        forget()
        parent.bridge = callee.bridge = None
        if recording is not None:
            recording.stop()
    fields = [
        ("DialCallStatus", "completed"),
        ("DialCallSid", callee.sid),
        ("DialCallDuration", str(round(clock.monotonic() - started))),
    ]
    if recording is not None:
        fields.append(("RecordingUrl", recording.url))
    return fields

"""Operators on the local phone network: who can be called, what they say, and what is heard where."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.speech import SAMPLE_RATE, Pcm
from telephony.emulator import Phone, PhoneBehaviour, PhoneCall
from tests.system.conftest import System
from voice_agent.call import events
from voice_agent.operators.ports import ConnectionMethod, Joined, OperatorLeg, OperatorMode

GREETING = "how can I help you today"
OPERATOR_HZ = 1300.0
CALLER_HZ = 700.0
"""Neither is a keypad tone or one of its harmonics."""


def tone(hz: float, seconds: float, level: float = 6000.0) -> Pcm:
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.int16)


def share(pcm: Pcm, hz: float, width: float = 25.0) -> float:
    """How much of the energy lies at ``hz``: 1.0 for the pure tone, 0.0 for silence."""
    if len(pcm) == 0 or not np.any(pcm):
        return 0.0
    spectrum = np.abs(np.fft.rfft(pcm.astype(np.float64) * np.hanning(len(pcm)))) ** 2
    at = np.fft.rfftfreq(len(pcm), 1 / SAMPLE_RATE)
    return float(spectrum[np.abs(at - hz) <= width].sum() / spectrum.sum())


def frames_with(pcm: Pcm, hz: float, *, step: int = 160) -> list[int]:
    """Starts (samples) of the 20 ms frames in which that tone is the loudest thing by far."""
    return [
        n
        for n in range(0, len(pcm) - step, step)
        if np.abs(pcm[n : n + step]).mean() > 300 and share(pcm[n : n + step], hz, 100.0) > 0.8
    ]


def loud(pcm: Pcm) -> bool:
    return bool(np.abs(pcm.astype(np.int32)).mean() > 100)


@dataclass
class Operator:
    """A person with a browser or a telephone."""

    system: System
    leg: OperatorLeg
    phone: Phone
    calls: int = 0

    async def join(self, call: PhoneCall, mode: OperatorMode = OperatorMode.LISTEN) -> Joined:
        self.calls += 1
        return await self.system.application.live.join(call.sid, self.leg, mode)

    async def switch(self, call: PhoneCall, mode: OperatorMode) -> OperatorMode:
        return await self.system.application.live.switch(call.sid, self.leg.operator_id, mode)

    async def leave(self, call: PhoneCall) -> None:
        await self.system.application.live.leave(call.sid, self.leg.operator_id)

    async def on_phone(self) -> PhoneCall:
        """The newest call to this person, once it was picked up."""
        async with asyncio.timeout(10):
            call = await self.phone.call_number(self.calls)
        await call.answered()
        return call

    async def is_in(self, within: float = 10.0) -> events.OperatorJoined:
        name, times = self.leg.operator_id, self.calls
        joined = [0]

        def counts(event: object) -> bool:
            if isinstance(event, events.OperatorJoined) and event.operator_id == name:
                joined[0] += 1
                return joined[0] >= times
            return False

        found: events.OperatorJoined = await self.system.wait_for(counts, within)
        return found

    async def mode(self, mode: OperatorMode, within: float = 10.0) -> None:
        """Wait until the network has obeyed."""
        await self.system.wait_for(
            lambda e: (
                isinstance(e, events.OperatorModeSwitched)
                and e.operator_id == self.leg.operator_id
                and e.mode is mode
            ),
            within,
        )


def operator(
    system: System, name: str = "op1", behaviour: PhoneBehaviour | None = None, *, number: str = ""
) -> Operator:
    """Somebody who can be called: by browser, or at ``number``."""
    address = number or f"client:{name}"
    phone = system.emulator.register_phone(address, behaviour or PhoneBehaviour(after_s=0.2))
    method = ConnectionMethod.PHONE if number else ConnectionMethod.BROWSER
    return Operator(system, OperatorLeg(name, name.title(), address, method), phone)


async def heard(call: PhoneCall, seconds: float, since: int | None = None) -> Pcm:
    """What is played to a phone in the next ``seconds`` (or from sample ``since`` on)."""
    begin = len(call.heard) if since is None else since
    end = begin + int(seconds * SAMPLE_RATE)
    await _until(call, lambda: len(call.heard) >= end, seconds + 10)
    return call.heard[begin:end]


async def hears_tone(call: PhoneCall, hz: float, within: float = 5.0, since: int | None = None) -> int:
    """Wait until a phone hears a tone; the sample at which it begins."""
    begin = len(call.heard) if since is None else since
    await _until(call, lambda: bool(frames_with(call.heard[begin:], hz)), within)
    return begin + frames_with(call.heard[begin:], hz)[0]


async def _until(call: PhoneCall, test: Callable[[], bool], within: float) -> None:
    more = asyncio.Event()
    call.on_audio = lambda _: more.set()
    async with asyncio.timeout(within):
        while not test():
            more.clear()
            await more.wait()
    call.on_audio = None

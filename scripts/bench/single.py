"""Figures that need no load: growth over calls one after another, and how well a recording is aligned."""

from __future__ import annotations

import asyncio
import io
import wave

import httpx
import numpy as np

from bench.caller import Caller, Seen
from bench.load import Pacer
from bench.network import BenchNetwork
from bench.servers import Meter
from bench.speech import VOICED

AT_A_TIME = 4
"""Short calls side by side: one after the other would take minutes."""

ROUNDS = 10
SETTLED_S = 1.0
"""The last records are written in the background."""

GREETED_S = 1.0
TIMEOUT_S = 30.0


async def growth_mb(network: BenchNetwork, meter: Meter, calls: int, question: list[bytes]) -> float:
    """Resident megabytes gained over ``calls`` short calls, after half as many to warm up.

    The allocator gives memory back in steps of some 15 MB now and then, so that two looks prove nothing:
    the figure is the slope of a line through a look after every round.
    """
    pacer = Pacer()
    pacing = asyncio.create_task(pacer.run())
    try:
        await _short_calls(network, pacer, max(AT_A_TIME, calls // 2), question)
        looks = []
        for _ in range(ROUNDS):
            await _short_calls(network, pacer, max(1, calls // ROUNDS), question)
            await asyncio.sleep(SETTLED_S)
            looks.append(meter.look().rss / 2**20)
        slope = float(np.polyfit(np.arange(ROUNDS), looks, 1)[0])
        return slope * ROUNDS
    finally:
        pacing.cancel()
        await asyncio.gather(pacing, return_exceptions=True)


async def _short_calls(network: BenchNetwork, pacer: Pacer, calls: int, question: list[bytes]) -> None:
    room = asyncio.Semaphore(AT_A_TIME)

    async def one() -> None:
        async with room:
            seen = Seen()
            caller = Caller(question, seen)
            pacer.callers.append(caller)
            call = await network.ring(caller)
            async with asyncio.timeout(TIMEOUT_S):
                await seen.until_greeted()
            await asyncio.sleep(GREETED_S)
            await network.hang_up(call)
            pacer.callers.remove(caller)

    await asyncio.gather(*(one() for _ in range(calls)))


async def recording_skew_ms(network: BenchNetwork, question: list[bytes]) -> float | None:
    """How far the two channels of a recording are apart from what the network saw; None without recording.

    The caller's first question and the agent's first answer after it are looked for in both.
    """
    seen = Seen()
    caller = Caller(question, seen, interrupts_every=0)
    pacer = Pacer()
    pacer.callers.append(caller)
    pacing = asyncio.create_task(pacer.run())
    try:
        call = await network.ring(caller)
        async with asyncio.timeout(TIMEOUT_S):
            await seen.until_answered()
        await asyncio.sleep(GREETED_S)
        await network.hang_up(call)
    finally:
        pacing.cancel()
        await asyncio.gather(pacing, return_exceptions=True)
    stereo = await _recording(f"{network.app_url}/api/calls/{call.call_sid}/recordings/stereo.wav")
    if stereo is None:
        return None
    first = np.frombuffer(b"".join(question), np.uint8)
    lead_in = int(np.argmax(first != 0xFF))
    asked = _onset(stereo[:, 0], 0)
    answered = _onset(stereo[:, 1], asked + len(first) - lead_in)
    on_the_line = seen.answered_at[0] - seen.asked_at[0] - lead_in / 8000
    return abs((answered - asked) / 8000 - on_the_line) * 1000


def _onset(channel: np.ndarray, begin: int) -> int:
    return begin + int(np.argmax(np.abs(channel[begin:].astype(np.int32)) > VOICED))


async def _recording(url: str) -> np.ndarray | None:
    async with httpx.AsyncClient(timeout=20) as client:
        for _ in range(40):
            reply = await client.get(url)
            if reply.is_success:
                with wave.open(io.BytesIO(reply.content)) as file:
                    samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
                    return samples.reshape(-1, file.getnchannels())
            await asyncio.sleep(0.25)
    return None

"""Virtual time, and the pace of the real one."""

from __future__ import annotations

import asyncio

import pytest

from telephony.emulator import Emulator, EmulatorConfig, EmulatorError, ReplyTimeout, VirtualClock
from telephony.emulator.clock import VirtualDeadlock, pause, within

from .conference_app import ConferenceApp


async def test_sleepers_wake_in_the_order_of_their_deadlines() -> None:
    clock = VirtualClock()
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await pause(clock, seconds)
        woken.append(clock.monotonic())

    tasks = asyncio.gather(*(sleeper(s) for s in (3.0, 1.0, 3600.0)))
    await clock.run(tasks, limit_s=7200)
    assert woken == [1.0, 3.0, 3600.0]
    assert (clock.now() - VirtualClock().now()).total_seconds() == 3600.0


async def test_waiting_for_what_cannot_happen_is_an_error() -> None:
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    with pytest.raises(VirtualDeadlock):
        await VirtualClock().run(never)


async def test_a_virtual_limit_is_kept() -> None:
    clock = VirtualClock()
    with pytest.raises(ReplyTimeout):
        await clock.run(pause(clock, 100.0), limit_s=10.0)


async def test_within_cancels_what_takes_too_long() -> None:
    clock = VirtualClock()
    late = asyncio.ensure_future(pause(clock, 100.0))
    with pytest.raises(ReplyTimeout):
        await clock.run(within(clock, 5.0, late))
    await asyncio.gather(late, return_exceptions=True)
    assert late.cancelled()
    assert clock.monotonic() == 5.0


def test_virtual_time_needs_peers_in_the_process() -> None:
    with pytest.raises(EmulatorError, match="InProcessTransport"):
        Emulator(EmulatorConfig(), VirtualClock())


async def test_the_wall_clock_tick_does_not_drift(emulator: Emulator, app: ConferenceApp) -> None:
    app.answers["/voice"] = lambda _: '<Pause length="30"/>'
    call = await emulator.place_call()
    await call.answered()
    reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    times: list[float] = []

    def count(_: bytes) -> None:
        times.append(emulator.clock.monotonic())
        if len(times) == 101 and not reached.done():
            reached.set_result(None)

    call.on_audio = count
    await asyncio.wait_for(reached, 10)
    assert times[100] - times[0] == pytest.approx(2.0, abs=0.3)  # ten ticks of slack for a busy machine


async def test_using_an_emulator_that_does_not_run_says_so() -> None:
    emulator = Emulator(EmulatorConfig())
    for use in (lambda: emulator.exchange, lambda: emulator.messages):
        with pytest.raises(EmulatorError, match="start"):
            use()

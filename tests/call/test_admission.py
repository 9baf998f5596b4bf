"""When a further call is taken and when it is not."""

from __future__ import annotations

import asyncio
import time

from voice_agent.call.admission import TICK_S, Admission, Admit, Limits, LoadProbe, RefusalReason, Refuse

GENEROUS = Limits(calls=10, loop_lag_p99_ms=1000, cpu_percent=1000)


def reason(decision: Admit | Refuse) -> RefusalReason | None:
    return decision.reason if isinstance(decision, Refuse) else None


async def ticks(probe: LoadProbe, count: int) -> None:
    """Wait for that many further ticks."""
    until = probe.ticks + count
    async with asyncio.timeout(10):
        while probe.ticks < until:  # noqa: ASYNC110  the probe tells nobody
            await asyncio.sleep(0.001)


def test_a_call_is_taken_when_there_is_room() -> None:
    assert Admission(GENEROUS, LoadProbe(), lambda: 9).decide() == Admit()


def test_calls_beyond_the_limit_are_refused() -> None:
    decision = Admission(GENEROUS, LoadProbe(), lambda: 10).decide()
    assert reason(decision) is RefusalReason.TOO_MANY_CALLS
    assert isinstance(decision, Refuse)
    assert decision.detail == "10 calls, at most 10"


def test_a_draining_process_takes_no_call() -> None:
    admission = Admission(GENEROUS, LoadProbe(), lambda: 0)
    admission.drain()
    assert admission.is_draining
    assert reason(admission.decide()) is RefusalReason.DRAINING


async def test_a_loop_that_comes_round_late_takes_no_call_until_it_has_recovered() -> None:
    probe = LoadProbe(window_ticks=60)
    probe.start()
    admission = Admission(Limits(10, 30, 1000), probe, lambda: 1)
    await ticks(probe, 55)
    time.sleep(0.15)  # noqa: ASYNC251  the very thing that is to be noticed
    await ticks(probe, 2)
    assert probe.lag_ms(100) > 100
    assert reason(admission.decide()) is RefusalReason.LOOP_LAG
    await ticks(probe, 60)
    assert probe.lag_ms(100) < 100
    probe.stop()


async def test_a_loop_at_rest_has_next_to_no_lag() -> None:
    probe = LoadProbe()
    probe.start()
    await ticks(probe, 60)
    assert probe.lag_ms(50) < 10
    probe.stop()


async def test_a_busy_process_takes_no_call() -> None:
    probe = LoadProbe()
    probe.start()
    admission = Admission(Limits(10, 10_000, 0.01), probe, lambda: 1)
    async with asyncio.timeout(10):
        while not probe.cpu_percent:  # noqa: ASYNC110  keeps the process busy
            await asyncio.sleep(0)
    assert reason(admission.decide()) is RefusalReason.CPU
    probe.stop()


async def test_a_stopped_probe_ticks_no_more() -> None:
    probe = LoadProbe()
    probe.start()
    probe.start()
    await ticks(probe, 2)
    probe.stop()
    probe.stop()
    ticked = probe.ticks
    await asyncio.sleep(3 * TICK_S)
    assert probe.ticks == ticked


async def test_measuring_costs_next_to_nothing() -> None:
    probe = LoadProbe()
    probe.start()
    before = time.thread_time()
    await asyncio.sleep(0.5)
    assert time.thread_time() - before < 0.05
    probe.stop()


def test_a_process_without_calls_takes_one_however_slow_it_is() -> None:
    probe = LoadProbe()
    probe.cpu_percent = 100.0
    assert reason(Admission(Limits(10, 0.001, 0.01), probe, lambda: 0).decide()) is None

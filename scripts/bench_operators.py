"""Budgets of operators on calls, measured on the local phone network and printed as a table; the exit status
is 1 when one is exceeded.

    python scripts/bench_operators.py                  five rounds, about three minutes on a quiet machine
    python scripts/bench_operators.py --rounds 1 --calls 0 --across 0

The rounds run in one process: the application, the network, the caller's and the operator's telephones. Each
speaks with a tone of its own, so that what is heard tells who is heard, and when. Then comes load: server,
callers and consoles have processes of their own. At last a call worker and a console share a PostgreSQL.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from bench.consoles import consoles
from bench.figures import Figures, percentile
from bench.load import Load, to_practice
from bench.network import BenchNetwork
from bench.servers import own_postgres, practice, worker_and_console
from bench.speech import QUESTION, spoken, telephone_frames
from bench.whole_system import NUMBER, whole_system

from models.speech import SAMPLE_RATE, Pcm
from telephony.emulator import (
    Emulator,
    Event,
    EventKind,
    PhoneBehaviour,
    PhoneCall,
)
from voice_agent.app import Application
from voice_agent.call import events
from voice_agent.operators.ports import OperatorLeg, OperatorMode

CALLER_HZ, AGENT_HZ, OPERATOR_HZ = 700.0, 400.0, 1300.0
"""The stub voice speaks at 400 Hz."""

JOIN_MS = 300.0
AGENT_STOP_MS = 60.0
OPERATOR_HEARD_MS = 100.0
HAND_BACK_MS = 1115.0
"""One turn: the published target from mouth to ear."""
EVENT_P95_MS = 150.0
EVENT_ACROSS_P95_MS = 300.0
REPLY_P95_MS = 500.0
GREETING_P95_MS = 1000.0
CONSOLES = 10
WARM_S, MEASURED_S = 8.0, 20.0
FRAME = SAMPLE_RATE // 50
LOUD = 300
TIMEOUT_S = 20.0


def tone(hz: float, seconds: float) -> Pcm:
    """A sine that telephones carry well."""
    t = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (6000 * np.sin(2 * np.pi * hz * t)).astype(np.int16)


def is_tone(frame: Pcm, hz: float) -> bool:
    """Whether 20 ms are loud and mostly this tone."""
    if np.abs(frame.astype(np.int32)).mean() < LOUD:
        return False
    spectrum = np.abs(np.fft.rfft(frame * np.hanning(len(frame)))) ** 2
    at = np.fft.rfftfreq(len(frame), 1 / SAMPLE_RATE)
    return bool(spectrum[np.abs(at - hz) <= 120].sum() > 0.7 * spectrum.sum())


async def heard_up_to(call: PhoneCall, sample: int) -> None:
    """Wait until a telephone has heard that much."""
    more = asyncio.Event()
    call.on_audio = lambda _: more.set()
    async with asyncio.timeout(TIMEOUT_S):
        while len(call.heard) < sample:
            more.clear()
            await more.wait()
    call.on_audio = None


async def first_frame(call: PhoneCall, hz: float, since: int) -> int:
    """The sample from which a telephone hears a tone."""
    at = since
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            await heard_up_to(call, at + FRAME)
            if is_tone(call.heard[at : at + FRAME], hz):
                return at
            at += FRAME


class Latencies:
    """Reads the bus as a console does, and notes how late every event came."""

    def __init__(self, application: Application) -> None:
        self.ms: list[float] = []
        self._seen: list[events.CallEvent] = []
        self._changed = asyncio.Condition()
        self._bus = application.bus
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for event in self._bus.subscribe():
            self.ms.append((datetime.now(UTC) - event.at).total_seconds() * 1000)
            async with self._changed:
                self._seen.append(event)
                self._changed.notify_all()

    async def until(self, test: Callable[[events.CallEvent], bool]) -> events.CallEvent:
        """The newest event that passes, as soon as there is one."""
        async with asyncio.timeout(TIMEOUT_S), self._changed:
            while True:
                if found := [event for event in self._seen if test(event)]:
                    return found[-1]
                await self._changed.wait()

    def close(self) -> None:
        """Stop reading."""
        self._task.cancel()


class Unmuting:
    """When the network unmuted an operator, in samples of the caller's telephone."""

    def __init__(self, emulator: Emulator, caller: PhoneCall) -> None:
        self.unmuted_at: int | None = None
        self._caller = caller
        self.close = emulator.log.subscribe(self._note)

    def _note(self, event: Event) -> None:
        modified = event.kind is EventKind.PARTICIPANT_MODIFIED and event.details.get("muted") is False
        if modified and self.unmuted_at is None:
            self.unmuted_at = len(self._caller.heard)


async def one_round(
    application: Application, emulator: Emulator, seen: Latencies, name: str
) -> dict[str, float]:
    """A call that is joined while the agent greets, taken over in the middle of it, and handed back."""
    phone = emulator.register_phone(f"client:{name}", PhoneBehaviour(after_s=0.1))
    caller = await emulator.place_call(to=NUMBER, from_="+14155550134")
    await caller.answered()
    await seen.until(lambda e: e.call_sid == caller.sid and isinstance(e, events.Latency))
    live = application.live
    await live.join(caller.sid, OperatorLeg(name, name, f"client:{name}"), OperatorMode.LISTEN)
    async with asyncio.timeout(TIMEOUT_S):
        operator = await phone.call_number()
    await operator.answered()
    figures = {"join": await first_frame(operator, AGENT_HZ, 0) / SAMPLE_RATE * 1000}
    await seen.until(lambda e: e.call_sid == caller.sid and isinstance(e, events.OperatorJoined))

    # Spoken already, and through the network's jitter buffer, when the operator is unmuted.
    operator.play(tone(OPERATOR_HZ, 8.0))
    await heard_up_to(operator, len(operator.heard) + SAMPLE_RATE // 2)
    network = Unmuting(emulator, caller)
    pressed, loop = len(caller.heard), asyncio.get_running_loop()
    command = loop.time()
    cleared: list[float] = []
    stop = emulator.log.subscribe(
        lambda e: cleared.append(loop.time()) if e.kind is EventKind.STREAM_CLEARED else None
    )
    await live.switch(caller.sid, name, OperatorMode.TAKEOVER)
    start = await first_frame(caller, OPERATOR_HZ, pressed)
    stop()
    network.close()
    assert network.unmuted_at is not None
    figures["agent stops"] = (cleared[0] - command) * 1000 if cleared else 0.0
    figures["operator heard"] = (start - network.unmuted_at) / SAMPLE_RATE * 1000
    await heard_up_to(caller, start + SAMPLE_RATE)
    later = caller.heard[start:]
    figures["agent afterwards"] = float(
        sum(is_tone(later[n : n + FRAME], AGENT_HZ) for n in range(0, len(later) - FRAME, FRAME))
    )
    operator.be_quiet()
    returned = len(caller.heard)
    await live.leave(caller.sid, name)
    figures["hand-back"] = (await first_frame(caller, AGENT_HZ, returned) - returned) / SAMPLE_RATE * 1000
    await caller.hang_up()
    await seen.until(lambda e: e.call_sid == caller.sid and isinstance(e, events.SessionEnd))
    return figures


async def bench(rounds: int, folder: Path) -> Figures:
    """All rounds; the worst of each figure is judged."""
    figures = Figures()
    async with whole_system(folder) as (application, emulator):
        seen = Latencies(application)
        results = [await one_round(application, emulator, seen, f"op{n}") for n in range(rounds)]
        seen.close()
        for what, unit, budget in (
            ("join", "ms", JOIN_MS),
            ("agent stops", "ms", AGENT_STOP_MS),
            ("operator heard", "ms", OPERATOR_HEARD_MS),
            ("agent afterwards", "frames", 0.0),
            ("hand-back", "ms", HAND_BACK_MS),
        ):
            values = [result[what] for result in results]
            figures.add(f"{NAMES[what]}, median", float(np.median(values)), unit)
            figures.add(f"{NAMES[what]}, worst of {rounds}", max(values), unit, budget=budget)
        figures.add("event to subscriber, p95", percentile(seen.ms, 95), "ms", budget=EVENT_P95_MS)
        figures.add("breaches of contract", len(emulator.violations), budget=0)
    return figures


NAMES = {
    "join": "operator's answer to the first sound of the call",
    "agent stops": "takeover: command to the agent's audio thrown away",
    "operator heard": "takeover: unmuted to heard by the caller",
    "agent afterwards": "takeover: sound of the agent after the operator's",
    "hand-back": "hand-back: command to the agent's line at the caller's ear",
}


async def under_load(figures: Figures, calls: int, consoles_: int, folder: Path) -> None:
    """Many calls with many consoles on one process: nobody misses an event, and calls do not notice."""
    network, question = BenchNetwork(), await _question()
    await network.start()
    async with practice(network, folder, speech="stub", core=None) as meter:
        async with consoles(network.app_url, consoles_) as readers:
            load = Load(question, to_practice(network))
            await load.grow_to(calls)
            window = await load.measure(meter, WARM_S, MEASURED_S)
            reading = await readers.finish()
        await load.stop()
        await network.close()
    name = f"{calls} calls, {consoles_} consoles: "
    figures.add(name + "events that came", reading.events)
    figures.add(name + "events dropped", reading.dropped, budget=0)
    figures.add(name + "event to console, p95", reading.p95_ms, "ms", budget=EVENT_P95_MS)
    for what, seconds, budget in (
        ("reply after end of speech, p95", window.seen.replies, REPLY_P95_MS),
        ("greeting after the answer, p95", window.greetings, GREETING_P95_MS),
    ):
        value = percentile(seconds, 95)
        figures.add(name + what, None if value is None else 1000 * value, "ms", budget=budget)
    figures.add(name + "questions without an answer", window.seen.unanswered, budget=0)


async def across(figures: Figures, calls: int, folder: Path) -> None:
    """Events of a call worker on a console in another process, by PostgreSQL."""
    network, question = BenchNetwork(), await _question()
    await network.start()
    with own_postgres() as database_url:
        async with (
            worker_and_console(network, folder, database_url, speech="stub") as (meter, console_url),
            consoles(console_url, CONSOLES) as readers,
        ):
            load = Load(question, to_practice(network))
            await load.grow_to(calls)
            await load.measure(meter, WARM_S, MEASURED_S)
            reading = await readers.finish()
            await load.stop()
            await network.close()
    name = f"{calls} calls, {CONSOLES} consoles in another process: "
    figures.add(name + "event to console, p95", reading.p95_ms, "ms", budget=EVENT_ACROSS_P95_MS)
    figures.add(name + "event to console, worst", reading.worst_ms, "ms")
    figures.add(name + "events dropped", reading.dropped, budget=0)


async def _question() -> list[bytes]:
    (clip,) = await spoken([QUESTION])
    return telephone_frames(clip)


async def everything(arguments: argparse.Namespace, folder: Path) -> Figures:
    """All that was asked for."""
    figures = await bench(arguments.rounds, folder / "rounds") if arguments.rounds else Figures()
    if arguments.calls:
        await under_load(figures, arguments.calls, CONSOLES, folder / "load")
    if arguments.across:
        await across(figures, arguments.across, folder / "across")
    return figures


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=50, help="at once, with ten consoles; 0 leaves it out")
    parser.add_argument("--across", type=int, default=10, help="calls seen from another process; 0 for none")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="voice-agent-bench-") as folder:
        figures = asyncio.run(everything(arguments, Path(folder)))
    figures.show()
    return 0 if figures.all_ok else 1


if __name__ == "__main__":
    raise SystemExit(main())
